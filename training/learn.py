"""Learn the weights of ``gateway.triage`` from the labelled mails beside this file, and write them.

    pip install scikit-learn            # nothing else needs it
    python -m training.learn            # first how well they judge each file of mails when learned from all others
    python -m training.learn --write

For ``opinion``: two logistic regressions, one for severities and one for categories, over the same words and signals.
For ``glance``: see there. The mails are invented; ``training/mails`` holds one a line, labelled by the definitions of
the shipped policy.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Hashable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from gateway.reading.headings import scan
from gateway.reading.reply import split
from gateway.triage import glance, opinion, rules
from gateway.triage.concepts import MARK
from gateway.triage.opinion import CATEGORIES, SCALE, SEVERITIES
from gateway.triage.policy import DEFAULT
from training import glance as first_look
from training.clues import WORD, Table

MAILS = Path(__file__).with_name("mails")
WEIGHTS = Path(opinion.__file__).with_name("weights.json")
GLANCE = Path(glance.__file__).with_name("glance.json")
STRENGTH = 0.3
"""Inverse of that penalty."""


class Example(NamedTuple):
    file: str
    severity: str
    category: str
    clues: dict[str, float]
    """Signals as they are, words with ``word``, their language and a tab in front."""
    said: str
    """What the rules alone say."""


def labelled() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each mail with the name of its file."""
    for path in sorted(MAILS.glob("*.jsonl")):
        for line in filter(str.strip, path.read_text(encoding="utf-8").splitlines()):
            yield path.stem, json.loads(line)


def _example(file: str, mail: dict[str, Any]) -> Example:
    text = split(scan(mail["body"])).text
    report, finding, language = rules.judge(text, mail["subject"], DEFAULT, mail.get("language", ""))
    signals = [*map(_name, opinion.signals_of(report, DEFAULT.triage.small_group)), *finding.signals()]
    words = {_word(word) for word in opinion.words_of(report.all)}
    clues = dict.fromkeys(signals, 1.0) | {f"word\t{language}\t{word}": WORD for word in words}
    return Example(file, mail["severity"], mail["category"], clues, finding.severity.value)


_CONCEPTS = {mark: concept for concept, mark in MARK.items()}
_KINDS = {letter: kind for kind, letter in opinion.KINDS.items()}


def _name(signal: str) -> str:
    """As ``weights.json`` has it."""
    return f"{_KINDS[signal[0]]} {_CONCEPTS.get(signal[1], signal[1])}" if len(signal) == 2 else signal


def _word(word: Hashable) -> str:
    return word if isinstance(word, str) else " ".join(word)  # type: ignore[arg-type]


class Learned:
    """Two regressions over one set of clues."""

    def __init__(self, known: Sequence[Example]) -> None:
        self._table = Table([one.clues for one in known])
        clues = self._table.rows([one.clues for one in known])
        self._severity = _regression().fit(clues, [one.severity for one in known])
        self._category = _regression().fit(clues, [one.category for one in known])

    def severities(self, mails: Sequence[Example]) -> list[str]:
        return list(self._severity.predict(self._table.rows([one.clues for one in mails])))

    def categories(self, mails: Sequence[Example]) -> list[str]:
        return list(self._category.predict(self._table.rows([one.clues for one in mails])))

    def weights(self) -> dict[str, Any]:
        """As ``weights.json`` has them: whole hundredths, without rows that say nothing."""
        columns = [
            *(list(self._severity.classes_).index(label) for label in SEVERITIES),
            *(list(self._category.classes_).index(label) for label in CATEGORIES),
        ]
        models = [self._severity] * len(SEVERITIES) + [self._category] * len(CATEGORIES)
        bias = [round(SCALE * model.intercept_[at]) for model, at in zip(models, columns, strict=True)]
        signals: dict[str, list[int]] = {}
        words: dict[str, dict[str, list[int]]] = {}
        for place, clue in enumerate(self._table.names()):
            value = WORD if clue.startswith("word\t") else 1.0
            row = [
                round(SCALE * value * model.coef_[at][place]) for model, at in zip(models, columns, strict=True)
            ]
            if clue.startswith("word\t"):
                _, language, word = clue.split("\t")
                if max(map(abs, row)) > 1:
                    words.setdefault(language, {})[word] = row
            else:
                signals[clue] = row
        return {"bias": bias, "signals": signals, "words": words}


def _regression() -> LogisticRegression:
    return LogisticRegression(C=STRENGTH, max_iter=5000, class_weight="balanced")


def judge_each_file(mails: Sequence[Example]) -> None:
    """Each from what the others taught."""
    print(f"{'file':12} {'mails':>5} {'rules alone':>11} {'severity':>8} {'category':>8} {'S0 found':>8}")
    for file in sorted({one.file for one in mails}):
        own, others = [one for one in mails if one.file == file], [one for one in mails if one.file != file]
        learned = Learned(others)
        severity, category = learned.severities(own), learned.categories(own)
        critical = [got for one, got in zip(own, severity, strict=True) if one.severity == "S0"]
        print(
            f"{file:12} {len(own):5} {_f1([o.severity for o in own], [o.said for o in own]):11.3f} "
            f"{_f1([o.severity for o in own], severity):8.3f} {_f1([o.category for o in own], category):8.3f} "
            f"{critical.count('S0') / max(1, len(critical)):8.2f}",
            flush=True,
        )


def _f1(gold: Sequence[str], got: Sequence[str]) -> float:
    return float(f1_score(gold, got, average="macro"))


def digest() -> str:
    """Of the mails that the weights come from."""
    return sha256(b"".join(path.read_bytes() for path in sorted(MAILS.glob("*.jsonl")))).hexdigest()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--write", action="store_true", help="write the weights of all mails")
    write = arguments.parse_args().write
    mails = [_example(file, mail) for file, mail in labelled()]
    look = first_look.learn([first_look.example(file, mail) for file, mail in labelled()])
    if not write:
        judge_each_file(mails)
        return
    _write(WEIGHTS, Learned(mails).weights())
    _write(GLANCE, look)


def _write(path: Path, table: dict[str, Any]) -> None:
    text = json.dumps({"mails": digest()} | table, ensure_ascii=False, separators=(",", ":"))
    path.write_text(f"{text}\n", encoding="utf-8")
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
