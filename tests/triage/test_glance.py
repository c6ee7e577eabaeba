import pytest

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
    ],
)
def test_what_may_be_an_outage_or_an_incident_goes_ahead(text: bytes) -> None:
    assert may_be_urgent(b"From: kim@example.net\r\n\r\n" + text)


@pytest.mark.parametrize("text", [b"How do I export a chart?", b"Our invoice of May", b"the download is slow", b""])
def test_an_ordinary_question_waits_its_turn(text: bytes) -> None:
    assert not may_be_urgent(b"From: kim@example.net\r\n\r\n" + text)


def test_only_the_beginning_is_looked_at() -> None:
    assert not may_be_urgent(bytes(LOOKED_AT) + b" outage")


def test_of_the_header_fields_the_subject_alone_is_looked_at() -> None:
    assert may_be_urgent(b"From: a@a.example\r\nSubject: the\r\n outage of today\r\nTo: b@b.example\r\n\r\nHello")
    assert not may_be_urgent(b"From: outage@a.example\r\nSubject: invoice\r\nX-Spam: critical\r\n\r\nHello")


def test_long_header_fields_hide_no_text() -> None:
    assert may_be_urgent(b"Received: " + b"x" * 2 * LOOKED_AT + b"\r\nSubject: help\r\n\r\nNobody can log in")
