import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.desk import tokens
from gateway.desk.tokens import Keys, Purpose, Token
from gateway.fields import LONGEST_LOCAL
from tests.desk.world import KEYS, NOW

NUMBERS = st.integers(0, 2**32 - 1)


@given(st.sampled_from(Purpose), NUMBERS, NUMBERS, st.booleans())
def test_what_was_made_is_read_back_in_either_case(purpose: Purpose, ticket: int, subject: int, upper: bool) -> None:
    text = tokens.make(KEYS, purpose, ticket, subject, NOW)
    read = tokens.verify(KEYS, text.upper() if upper else text, NOW)
    assert read == Token(purpose, ticket, subject, (NOW + timedelta(days=365)).date())


def test_a_token_fits_into_a_local_part() -> None:
    address = tokens.join("support@desk.example", tokens.make(KEYS, Purpose.AGENT, 2**32 - 1, 2**32 - 1, NOW))
    assert len(address.rpartition("@")[0]) <= 64  # RFC 5321 §4.5.3.1.1


@pytest.mark.incident("GHSA-wg74")
def test_a_token_cut_or_lengthened_anywhere_is_none() -> None:
    text = tokens.make(KEYS, Purpose.PARTICIPANT, 7, 71, NOW)
    damaged = (
        [text[:n] for n in range(len(text))] + [text + c for c in "a2=+"] + [text[:n] + text[n + 1 :] for n in range(9)]
    )
    assert not any(tokens.verify(KEYS, one, NOW) for one in damaged)


@pytest.mark.incident("CVE-2026-47123")
def test_no_changed_letter_gives_another_token() -> None:
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    text = tokens.make(KEYS, Purpose.PARTICIPANT, 7, 71, NOW)
    genuine = tokens.verify(KEYS, text, NOW)
    changed = [text[:n] + c + text[n + 1 :] for n in range(len(text)) for c in alphabet if c != text[n]]
    assert {tokens.verify(KEYS, one, NOW) for one in changed} <= {None, genuine}


@pytest.mark.incident("CVE-2024-49193", "GHSA-wg74")
def test_a_hundred_thousand_random_tokens_are_all_refused() -> None:
    chance = random.Random(20260302)
    length = len(tokens.make(KEYS, Purpose.AGENT, 1, 1, NOW))
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    tried = ("".join(chance.choices(alphabet, k=length)) for _ in range(100_000))
    assert not any(tokens.verify(KEYS, text, NOW) for text in tried)


@pytest.mark.incident("GHSA-wg74")
def test_a_token_ends_with_its_last_day() -> None:
    text = tokens.make(KEYS, Purpose.PARTICIPANT, 7, 71, NOW, days=30)
    assert tokens.verify(KEYS, text, NOW + timedelta(days=30))
    assert tokens.verify(KEYS, text, NOW + timedelta(days=31)) is None


@pytest.mark.incident("GHSA-wg74")
def test_an_older_generation_is_read_and_an_unknown_one_is_not() -> None:
    old = Keys({1: KEYS.by_generation[1]})
    text = tokens.make(old, Purpose.PARTICIPANT, 7, 71, NOW)
    assert tokens.verify(KEYS, text, NOW)
    assert tokens.verify(Keys({2: KEYS.by_generation[2]}), text, NOW) is None
    assert tokens.verify(Keys({1: b"another key"}), text, NOW) is None


def test_a_key_that_is_missing_is_not_the_empty_key() -> None:
    forged = tokens.make(Keys({9: b""}), Purpose.PARTICIPANT, 7, 71, NOW)
    assert tokens.verify(KEYS, forged, NOW) is None


@given(st.text(max_size=60))
def test_no_text_raises(text: str) -> None:
    assert tokens.verify(KEYS, text, NOW) is None


@pytest.mark.parametrize(
    ("address", "pieces"),
    [
        ("support@desk.example", ("support@desk.example", "")),
        ("support+abc@desk.example", ("support@desk.example", "abc")),
        ("support+a+b@desk.example", ("support@desk.example", "a+b")),
        ("desk+eu@desk.example", ("desk+eu@desk.example", "")),
        ("desk+eu+abc@desk.example", ("desk+eu@desk.example", "abc")),
        ("desk@desk.example", ("", "")),
        ("support+abc@evil.example", ("", "")),
        ("no address", ("", "")),
        ("", ("", "")),
    ],
)
def test_an_own_address_is_told_from_the_token_behind_its_plus(address: str, pieces: tuple[str, str]) -> None:
    assert tokens.split(address, {"support@desk.example", "desk+eu@desk.example"}) == pieces


def test_a_token_has_room_behind_the_longest_address_that_mails_are_answered_from() -> None:
    address = tokens.join("x" * LONGEST_LOCAL + "@desk.example", tokens.make(KEYS, Purpose.AGENT, 7, 71, NOW))
    assert len(address.partition("@")[0]) == 64
