"""Whole mails to a verdict: whoever needs somebody now gets him, in whatever shape a program wrapped the words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.inbound.judge import judge
from gateway.model import Action
from gateway.settings import Reading
from gateway.triage.policy import DEFAULT

LINES = Path(__file__).with_name("shapes.jsonl").read_text(encoding="utf-8").rstrip("\n").split("\n")
"""Mails in which the wording is clear and the shape is not: below quotations, in forwards, HTML, charsets, tables.
Written by others who knew no rule, with the severity that the policy gives and whether somebody is woken."""
MAILS = [json.loads(line) for line in LINES]
LEAST = 0.95


@pytest.mark.parametrize("mail", MAILS, ids=[mail["name"] for mail in MAILS])
def test_somebody_is_woken_for_what_is_urgent_and_nothing_else(mail: dict[str, object]) -> None:
    _, verdict = judge(str(mail["raw"]).encode("latin-1"), Reading(), DEFAULT)
    assert (verdict.action is Action.PAGE) is mail["page"]


def test_the_severity_is_right_in_nearly_all_shapes() -> None:
    verdicts = [(mail, judge(mail["raw"].encode("latin-1"), Reading(), DEFAULT)[1]) for mail in MAILS]
    wrong = [mail["name"] for mail, verdict in verdicts if verdict.severity != mail["severity"]]
    assert len(wrong) <= (1 - LEAST) * len(MAILS), wrong
