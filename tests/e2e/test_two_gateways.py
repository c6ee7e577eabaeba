"""What answers by itself meets what answers by itself."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.e2e.running import Gateway, mail, reply, send_reply, settle

OURS, THEIRS = "support@example.com", "support@example.net"
ROUNDS = 5


@pytest.fixture
def their_gateway(tmp_path: Path) -> Iterator[Gateway]:
    """The same program at another company."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    gateway = Gateway(folder)
    gateway.config.write_text(gateway.config.read_text().replace("example.com", "example.net"))
    gateway.start()
    yield gateway
    gateway.kill()


def _carry(source: Gateway, to: str, target: Gateway, known: set[str]) -> list[EmailMessage]:
    """Bring what lies there for an address, and was not brought before, to the gateway behind it."""
    fresh = [m for m in source.sent(to) if m["Message-ID"] not in known]
    for one in fresh:
        known.add(one["Message-ID"])
        with smtplib.SMTP("127.0.0.1", target.port, timeout=60) as client:
            client.sendmail(str(one["Return-Path"]).strip("<>"), [to], one.as_bytes())
    return fresh


@pytest.mark.incident("Autoresponder ping-pong")
def test_two_gateways_exchange_at_most_two_mails(gateway: Gateway, their_gateway: Gateway) -> None:
    gateway.send(mail("Export broken", "It fails.", f"Their desk <{THEIRS}>"), THEIRS)
    exchanged: list[EmailMessage] = []
    known: set[str] = set()
    for _ in range(ROUNDS):
        settle(gateway)
        settle(their_gateway)
        exchanged += _carry(gateway, THEIRS, their_gateway, known) + _carry(their_gateway, OURS, gateway, known)
    assert 1 <= len(exchanged) <= 2, [str(one["Subject"]) for one in exchanged]


@pytest.mark.incident("Autoresponder ping-pong")
def test_a_vacation_program_that_marks_nothing_gets_one_mail(gateway: Gateway) -> None:
    gateway.send(mail("Export broken", "It fails."))
    answered: set[str] = set()
    for _ in range(ROUNDS):
        settle(gateway)
        for one in [m for m in gateway.sent("kim@example.net") if m["Message-ID"] not in answered]:
            answered.add(one["Message-ID"])
            send_reply(gateway, reply(one, "I am away.", "Kim <kim@example.net>"), "kim@example.net")
    assert len(gateway.sent("kim@example.net")) == 1
    assert [m["kind"] for m in gateway.ticket("SUP-1")["messages"]] == ["inbound", "inbound"]


@pytest.mark.incident("Autoresponder ping-pong")
@pytest.mark.parametrize("cc", [None, "kim@example.net"])
def test_a_vacation_program_that_knows_no_thread_is_confirmed_once(gateway: Gateway, cc: str | None) -> None:
    if cc is None:
        gateway.send(mail("Export broken", "It fails."))
    else:
        gateway.send(mail("Export broken", "It fails.", "Lee <lee@example.net>", Cc=cc), "lee@example.net")
    answered = 0
    for _ in range(ROUNDS):
        settle(gateway)
        for _ in gateway.sent("kim@example.net")[answered:]:
            answered += 1
            gateway.send(mail("We have your message", f"I am away. This is my answer {answered}."))
    assert answered == 2
    assert len(gateway.sent("kim@example.net")) == 2
