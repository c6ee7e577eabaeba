"""Labelled mails: what the rules come to on mails of our own, and on the shared set where it is there."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli.classify_jsonl import classify_json
from gateway.triage.policy import DEFAULT

OWN = Path(__file__).with_name("mails.jsonl")
SHARED = Path(__file__).resolve().parents[3] / "shared" / "severity" / "dev.jsonl"

Judged = list[tuple[dict[str, object], dict[str, str]]]


@pytest.fixture(scope="module", params=[OWN, SHARED], ids=["own", "shared"])
def judged(request: pytest.FixtureRequest) -> Judged:
    path: Path = request.param
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return [(json.loads(line), json.loads(classify_json(line, DEFAULT))) for line in lines(path)]


def lines(path: Path) -> Iterator[str]:
    return filter(str.strip, path.read_text(encoding="utf-8").splitlines())


def macro_f1(judged: Judged, key: str) -> float:
    pairs = [(mail[key], verdict[key]) for mail, verdict in judged]
    labels = {gold for gold, _ in pairs}
    return sum(f1(pairs, label) for label in labels) / len(labels)


def f1(pairs: list[tuple[object, str]], label: object) -> float:
    hits = sum(gold == got == label for gold, got in pairs)
    named = sum(gold == label for gold, _ in pairs) + sum(got == label for _, got in pairs)
    return 2 * hits / named


def test_severities_are_told(judged: Judged):
    assert macro_f1(judged, "severity") >= 0.9


def test_categories_are_told(judged: Judged):
    assert macro_f1(judged, "category") >= 0.9


def test_every_critical_mail_wakes_somebody(judged: Judged):
    asleep = [mail["id"] for mail, verdict in judged if mail["severity"] == "S0" and verdict["action"] != "page"]
    assert asleep == []


@pytest.mark.incident("Paging in other hands")
def test_hardly_any_other_mail_wakes_somebody(judged: Judged):
    woken = [mail["id"] for mail, verdict in judged if not mail["page"] and verdict["action"] == "page"]
    assert len(woken) <= len(judged) // 50
