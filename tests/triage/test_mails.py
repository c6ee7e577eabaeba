"""Labelled mails: what the verdict is on mails that taught the weights, on ones that did not, and on the shared set."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.cli.classify_jsonl import classify_json
from gateway.triage.policy import DEFAULT

ROOT = Path(__file__).resolve().parents[2]


class Bounds(NamedTuple):
    severity: float
    """Macro-F1, at least."""
    category: float
    paged: float
    """Of the critical mails, at least."""
    heard: float
    """Of the critical mails, paged or checked by a human, at least."""
    woken: float
    """Of the mails that are not to page, at most."""


SETS = {
    "taught": (ROOT / "training" / "mails" / "plain.jsonl", Bounds(0.9, 0.9, 1.0, 1.0, 0.02)),
    "unseen": (Path(__file__).with_name("mails.jsonl"), Bounds(0.7, 0.8, 0.85, 0.9, 0.15)),
    "longer, unseen": (Path(__file__).with_name("mails_2.jsonl"), Bounds(0.8, 0.75, 0.85, 0.92, 0.08)),
    # In pairs that share most words and differ in what decides: what weights of words are worst at.
    "contrasts, unseen": (Path(__file__).with_name("contrasts.jsonl"), Bounds(0.65, 0.65, 0.7, 0.8, 0.2)),
    "shared": (ROOT.parent / "shared" / "severity" / "dev.jsonl", Bounds(0.9, 0.9, 0.9, 0.95, 0.02)),
}


class Judged(NamedTuple):
    mails: list[tuple[dict[str, object], dict[str, str]]]
    """Each with the verdict on it."""
    bounds: Bounds


@pytest.fixture(scope="module", params=list(SETS))
def judged(request: pytest.FixtureRequest) -> Judged:
    path, bounds = SETS[request.param]
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return Judged([(json.loads(line), json.loads(classify_json(line, DEFAULT))) for line in lines(path)], bounds)


def lines(path: Path) -> Iterator[str]:
    return filter(str.strip, path.read_text(encoding="utf-8").splitlines())


def macro_f1(judged: Judged, key: str) -> float:
    pairs = [(mail[key], verdict[key]) for mail, verdict in judged.mails]
    labels = {gold for gold, _ in pairs}
    return sum(f1(pairs, label) for label in labels) / len(labels)


def f1(pairs: list[tuple[object, str]], label: object) -> float:
    hits = sum(gold == got == label for gold, got in pairs)
    named = sum(gold == label for gold, _ in pairs) + sum(got == label for _, got in pairs)
    return 2 * hits / named


def test_severities_are_told(judged: Judged):
    assert macro_f1(judged, "severity") >= judged.bounds.severity


def test_categories_are_told(judged: Judged):
    assert macro_f1(judged, "category") >= judged.bounds.category


def test_critical_mails_wake_somebody(judged: Judged):
    actions = [verdict["action"] for mail, verdict in judged.mails if mail["severity"] == "S0"]
    assert actions.count("page") >= judged.bounds.paged * len(actions)
    assert actions.count("page") + actions.count("check") >= judged.bounds.heard * len(actions)


@pytest.mark.incident("Paging in other hands")
def test_hardly_any_other_mail_wakes_somebody(judged: Judged):
    others = [verdict["action"] for mail, verdict in judged.mails if not pages(mail)]
    assert others.count("page") <= judged.bounds.woken * len(others)


def pages(mail: dict[str, object]) -> bool:
    """By the policy: what is severe and has a category."""
    return mail["severity"] in ("S0", "S1") and mail["category"] != "none"
