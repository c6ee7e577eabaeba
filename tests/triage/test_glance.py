from base64 import b64encode, encodebytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.triage.glance import LOOKED_AT, may_be_urgent


@pytest.mark.parametrize(
    "text",
    [
        b"Subject: [S0] login",
        b"Severity: 0",
        b"NOBODY can log in",
        b"the whole site is down",
        b"we were hacked",
        b"Totalausfall? Der Ausfall betrifft alle Kunden",
        b"personne ne peut se connecter",
        "Für alle Mitarbeiter gestört: nichts lässt sich öffnen".encode(),
        "Für alle Mitarbeiter gestört: nichts lässt sich öffnen".encode("latin-1"),
        b"every=\r\none is locked out",
        b"Content-Transfer-Encoding: base64\r\n\r\n" + encodebytes(b"Nobody can log in. " * 9),
        b"Somebody has found out the password of our administrator; it was leaked.",
    ],
)
def test_what_may_be_an_outage_or_an_incident_goes_ahead(text: bytes) -> None:
    assert may_be_urgent(b"From: kim@example.net\r\n\r\n" + text)


@pytest.mark.parametrize(
    "text", [b"How do I export a chart?", b"Our invoice of May", b"the download is slow", b"all is well", b""]
)
def test_an_ordinary_question_waits_its_turn(text: bytes) -> None:
    assert not may_be_urgent(b"From: kim@example.net\r\n\r\n" + text)


def test_only_the_beginning_is_looked_at() -> None:
    assert not may_be_urgent(bytes(LOOKED_AT) + b" outage")
    assert not may_be_urgent(b"\n" * LOOKED_AT + b" nobody can log in")
    cut = b"x" * (LOOKED_AT - 20) + " nobody can öffnen".encode()
    assert all(may_be_urgent(b"\n\n" + cut[: len(cut) - less]) for less in range(6))


def test_of_the_header_fields_the_subject_alone_is_looked_at() -> None:
    assert may_be_urgent(b"From: a@a.example\r\nSubject: the\r\n outage of today\r\nTo: b@b.example\r\n\r\nHello")
    assert not may_be_urgent(b"From: outage@a.example\r\nSubject: invoice\r\nX-Spam: critical\r\n\r\nHello")


def test_long_header_fields_hide_no_text() -> None:
    assert may_be_urgent(b"Received: " + b"x" * 2 * LOOKED_AT + b"\r\nSubject: help\r\n\r\nNobody can log in")


@given(st.binary(max_size=200), st.binary(max_size=3000).map(b64encode))
def test_whatever_the_bytes_it_says_yes_or_no(head: bytes, text: bytes) -> None:
    lines = b"\n".join(text[at : at + 61] for at in range(0, len(text), 61))
    assert may_be_urgent(head + b"\n\n" + lines + b"\n=\n" + head) in (True, False)
