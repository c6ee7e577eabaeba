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
