import json
from base64 import b64encode, encodebytes
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.triage.glance import LOOKED_AT, may_be_urgent
from gateway.triage.policy import DEFAULT

UNSEEN = Path(__file__).with_name("mails.jsonl")


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


@pytest.mark.parametrize(
    "text",
    [
        "全社員がログインできません。サービスが完全に停止していて、業務ができない状態です。至急対応をお願いします。",
        "Od rana nikt w całej firmie nie może się zalogować, produkcja stoi, klienci dzwonią co minutę.",
        "Our whole warehouse sees nothing but an error since six, forty people are sent home, trucks are waiting.",
    ],
)
def test_an_outage_told_at_length_goes_ahead_in_every_language(text: str) -> None:
    assert may_be_urgent(b"Subject: =?utf-8?q?x?=\r\n\r\n" + text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "先月の請求書の宛名を変更していただきたいのですが、どのような手続きが必要でしょうか。よろしくお願いします。",
        "Could you tell me how my colleagues and I get the weekly report by mail? We would like to have it on Mondays "
        "before our meeting, and as a sheet, because Kim adds the figures of the other shop by hand. Thanks, Jo",
    ],
)
def test_a_question_at_length_waits_its_turn(text: str) -> None:
    assert not may_be_urgent(b"Subject: =?utf-8?q?x?=\r\n\r\n" + text.encode())


def test_of_new_mails_most_that_page_go_ahead_and_most_others_wait() -> None:
    mails = [json.loads(line) for line in UNSEEN.read_text(encoding="utf-8").splitlines()]
    ahead: dict[bool, list[bool]] = {True: [], False: []}
    for mail in mails:
        pages = mail["severity"] in DEFAULT.paging.severities and mail["category"] != "none"
        ahead[pages].append(may_be_urgent(f"Subject: {mail['subject']}\n\n{mail['body']}".encode()))
    assert sum(ahead[True]) / len(ahead[True]) > 0.85
    assert sum(ahead[False]) / len(ahead[False]) < 0.6


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
