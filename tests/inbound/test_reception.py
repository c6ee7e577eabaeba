from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from gateway.desk import tokens
from gateway.desk.tokens import Keys, Purpose
from gateway.fields import spellings
from gateway.inbound.reception import Reception
from gateway.model import Envelope
from gateway.settings import Agent, Mailbox, Settings

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEYS = Keys({1: b"k" * 32})
SETTINGS = Settings(
    mailbox=(Mailbox(name="support", addresses=("support@example.com", "help@example.org")),),
    agent=(
        Agent(name="Ann", address="ann@example.com", password="correct horse"),
        Agent(name="Bob", address="bob@example.com"),
    ),
)


@pytest.fixture
def reception() -> Reception:
    return Reception(SETTINGS, KEYS, cast(Any, None), lambda: NOW, lambda: "")


@pytest.mark.parametrize(
    "address",
    ["support@example.com", "Support@EXAMPLE.com", "help@example.org", "postmaster", "Postmaster@example.org"],
)
def test_own_addresses_and_postmaster_are_known(reception: Reception, address: str) -> None:
    assert reception.knows(address)


@pytest.mark.parametrize(
    "address", ["", "nobody@example.com", "support@example.net", "support+x@example.com", "postmaster@example.net", "@"]
)
def test_other_addresses_are_unknown(reception: Reception, address: str) -> None:
    assert not reception.knows(address)


def test_a_reply_address_is_known_while_its_token_is_good(reception: Reception) -> None:
    token = tokens.make(KEYS, Purpose.PARTICIPANT, 1, 1, NOW)
    good = tokens.join("support@example.com", token)
    assert reception.knows(good)
    assert reception.knows(good.upper())
    assert not reception.knows(good.replace(token, token[:-8] + "aaaaaaaa"))
    old = tokens.make(KEYS, Purpose.PARTICIPANT, 1, 1, NOW - timedelta(days=800))
    assert not reception.knows(tokens.join("support@example.com", old))
    assert not reception.knows(tokens.join("nobody@example.com", token))


@pytest.mark.parametrize("own", ["hilfe@bücher.example", "hilfe@xn--bcher-kva.example", "desk+eu@example.com"])
def test_an_own_address_is_known_in_every_spelling_and_with_a_plus_of_its_own(own: str) -> None:
    box = Mailbox(name="support", addresses=(own,))
    reception = Reception(Settings(mailbox=(box,)), KEYS, cast(Any, None), lambda: NOW, lambda: "")
    token = tokens.make(KEYS, Purpose.PARTICIPANT, 1, 1, NOW)
    assert box.address.isascii()
    for spelling in {own, box.address, *spellings(box.address)}:
        assert reception.knows(spelling)
        assert reception.knows(tokens.join(spelling, token))
        assert not reception.knows(tokens.join(spelling, "eu"))


async def test_a_mail_to_two_tickets_is_kept_once_for_each() -> None:
    kept: list[tuple[str, ...]] = []

    async def accept(envelope: Envelope, raw: bytes) -> int:
        kept.append(envelope.recipients)
        return len(kept)

    to = [tokens.join("support@example.com", tokens.make(KEYS, Purpose.PARTICIPANT, n, n, NOW)) for n in (1, 2)]
    reception = Reception(SETTINGS, KEYS, accept, lambda: NOW, lambda: "")
    assert await reception.accept(Envelope("smtp", "kim@example.net", (*to, "help@example.org")), b"") == 1
    assert kept == [(to[0], "help@example.org"), (to[1],)]


def test_an_agent_logs_in_with_her_password_only(reception: Reception) -> None:
    assert reception.authenticate("Ann@example.com", "correct horse") == "ann@example.com"
    assert reception.authenticate("ann@example.com", "wrong") == ""
    assert reception.authenticate("ann@example.com", "") == ""
    assert reception.authenticate("nobody@example.com", "") == ""


def test_an_agent_without_a_password_cannot_log_in(reception: Reception) -> None:
    assert reception.authenticate("bob@example.com", "") == ""
