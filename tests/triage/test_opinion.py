import json
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Action, Severity
from gateway.triage import opinion
from gateway.triage.classify import classify
from gateway.triage.lexicon import LANGUAGES, lexicon
from gateway.triage.policy import DEFAULT
from gateway.triage.report import Report
from gateway.triage.signals import sentences

ROOT = Path(__file__).resolve().parents[2]
TRIAGE = ROOT / "gateway" / "triage"
ROWS = st.lists(st.integers(-999, 999), min_size=9, max_size=9)


def words(text: str, language: str = "en") -> set[object]:
    return opinion.words_of(sentences(text, lexicon(language)))


@pytest.mark.parametrize("weights", ["weights.json", "glance.json"])
def test_the_weights_come_from_the_mails_that_are_here(weights: str):
    mails = sorted((ROOT / "training" / "mails").glob("*.jsonl"))
    digest = sha256(b"".join(path.read_bytes() for path in mails)).hexdigest()
    learned = json.loads((TRIAGE / weights).read_text(encoding="utf-8"))
    assert learned["mails"] == digest, "learn again: training/learn.py"


def test_every_language_has_words():
    assert all(len(opinion.shipped().words[language]) > 300 for language in LANGUAGES)


@given(st.lists(ROWS, max_size=50))
def test_rows_add_up_column_by_column(rows: list[list[int]]):
    sums = opinion._sums([opinion._row(row) for row in rows])
    assert sums == [sum(row[at] for row in rows) / opinion.SCALE for at in range(9)]


def test_words_count_alone_in_pairs_and_by_how_they_begin():
    assert words("Rotterdam went 12 times") >= {"rotterdam", "rotte*", ("rotterdam", "went"), ("went", "#")}


def test_a_script_without_spaces_counts_by_pairs_of_characters():
    assert words("琵琶湖畔", "ja") >= {"琵琶", "琶湖", "湖畔"}


def test_shares_add_up_to_one():
    report = Report.read("Nobody gets in, and the ward is waiting.", "", lexicon("en"))
    severities, categories = opinion.opinion(report, (), "en", 10)
    assert sum(severities.values()) == pytest.approx(1)
    assert sum(categories.values()) == pytest.approx(1)


def test_what_the_rules_do_not_know_is_judged_by_its_wording_and_shown():
    text = "Our whole hospital sees a logo turning and nothing else, wards are writing on paper."
    verdict = classify(text, "", DEFAULT)
    assert (verdict.severity, verdict.action) == (Severity.S0, Action.PAGE)
    assert [(reason.signal, reason.text[:18]) for reason in verdict.evidence] == [("wording", "our whole hospital")]


def test_the_sentence_that_speaks_loudest_is_shown_first():
    report = Report.read("Thank you. How can I rename a folder?", "", lexicon("en"))
    told = opinion.telling(report, Severity.S3, "en")
    assert told[0][1].text.startswith("how can i rename")
    assert [loud for loud, _ in told] == sorted((loud for loud, _ in told), reverse=True)


@pytest.mark.parametrize(
    "text",
    [
        "*** EXERCISE *** Nobody of our 4,500 staff can log in, all exports fail, the hospital stands still.",
        "Automatic reply: I am on leave. If nobody can log in and production has stopped, call my deputy.",
    ],
)
def test_wording_wakes_nobody_because_of_an_exercise_or_a_robot(text: str):
    verdict = classify(text, "", DEFAULT)
    assert verdict.severity is Severity.S3
    assert verdict.action is not Action.PAGE


@given(st.text(max_size=400))
def test_any_text_has_an_opinion(text: str):
    for language in ("en", "ja"):
        report = Report.read(text, text, lexicon(language))
        assert max(opinion.opinion(report, (), language, 10).severities.values()) > 0
