import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.desk import loop
from gateway.desk.tokens import Keys

KEYS = Keys({1: b"a" * 32, 2: b"b" * 32})


def test_our_own_mark_is_known_again() -> None:
    assert loop.verify(KEYS, loop.sign(KEYS, "1042.7.abc"))


def test_a_mark_of_an_older_key_is_known() -> None:
    assert loop.verify(KEYS, loop.sign(Keys({1: b"a" * 32}), "1042.7.abc"))


@pytest.mark.parametrize("value", ["", "2", "2..", "9.00.x", "-1.00.x", "²." + "0" * 24 + ".x", "9999999999999.0.x"])
def test_what_is_no_mark_is_not(value: str) -> None:
    assert not loop.verify(KEYS, value)


def test_a_mark_of_a_generation_that_is_gone_is_unknown() -> None:
    assert not loop.verify(Keys({3: b"c" * 32}), loop.sign(KEYS, "x"))


@pytest.mark.incident("CVE-2023-41259")
@given(st.text(max_size=400))
def test_no_text_passes_for_a_mark(value: str) -> None:
    assert not loop.verify(KEYS, value)


@given(st.integers(0, 36), st.characters())
def test_a_changed_mark_is_refused(place: int, character: str) -> None:
    mark = loop.sign(KEYS, "1042.7.abc")
    changed = mark[:place] + character + mark[place + 1 :]
    assert changed == mark or not loop.verify(KEYS, changed)
