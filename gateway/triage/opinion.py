"""A second opinion on a mail: what mails with such words and signals mostly were, learned from labelled ones.

The rules know what decides, but not all the ways to say it. A weight stands for a word, two words in a row or how a
word begins, or for a signal: what a kind of sentence has, how many are concerned, what the rules came to. Those of
what a mail has add up. How they come about says ``training/learn.py``.
"""

from __future__ import annotations

import json
import struct
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from itertools import pairwise
from math import exp
from typing import NamedTuple, TypeVar

from gateway.model import Category, Severity
from gateway.triage.concepts import MARK
from gateway.triage.lexicon import CJK, LONGEST_REMEMBERED, MEMO
from gateway.triage.report import Report
from gateway.triage.signals import Sentence

SEVERITIES = tuple(Severity)
CATEGORIES = tuple(Category)
SCALE = 100
"""Weights are kept as whole hundredths."""
KINDS = {"any": "a", "bad": "b", "void": "v", "fine": "f", "plain": "p"}
"""Of sentences; a signal is one of these letters and a mark of ``concepts``, or some words."""
_BEGINNING = 5
"""Characters by which the forms of a longer word are recognised."""
_PLACES = (1, 2, 5, 10, 50)
_GROUPS = (0.1, 0.5, 1, 2, 5, 20)
"""Multiples of a small group of people, between which a number of them makes a difference."""
_COLUMNS = struct.Struct(f"<{len(SEVERITIES) + len(CATEGORIES)}I")
_ZERO = 1 << 15
"""Added to each weight, so that none is negative. A column has room for as many rows as there are."""
_Label = TypeVar("_Label", Severity, Category)


class Weights(NamedTuple):
    """Each row is one number: a weight for each of ``SEVERITIES``, then for each of ``CATEGORIES``, side by side, so
    that all columns of a mail's rows add up at once."""

    bias: int
    signals: Mapping[str, int]
    words: Mapping[str, Mapping[Hashable, int]]
    """By language."""


class Opinion(NamedTuple):
    """What a mail is taken for, from 0 to 1 each; severities add up to 1, and so do categories."""

    severities: Mapping[Severity, float]
    categories: Mapping[Category, float]


def opinion(report: Report, rules: Iterable[str], language: str, small_group: int) -> Opinion:
    """``rules`` are signals of what the rules came to."""
    weights = shipped()
    signals = map(weights.signals.get, {*signals_of(report, small_group), *rules})
    words = map(weights.words[language].get, words_of(report.all))
    sums = _sums([weights.bias, *filter(None, signals), *filter(None, words)])
    return Opinion(
        _shares(SEVERITIES, sums[: len(SEVERITIES)]),
        _shares(CATEGORIES, sums[len(SEVERITIES) :]),
    )


def telling(report: Report, severity: Severity, language: str) -> list[tuple[float, Sentence]]:
    """The sentences whose words speak for a severity, and how loudly; the loudest first."""
    words, column = shipped().words[language], SEVERITIES.index(severity)
    found: dict[str, tuple[float, Sentence]] = {}
    for sentence in report.all:
        columns = _columns(sum(filter(None, map(words.get, words_of((sentence,))))))[: len(SEVERITIES)]
        said = columns[column] * len(SEVERITIES) - sum(columns)  # what is added to each weight cancels out
        if said > 0:
            found[sentence.text] = said / len(SEVERITIES) / SCALE, sentence
    return sorted(found.values(), key=lambda one: -one[0])


def words_of(sentences: Iterable[Sentence]) -> set[Hashable]:
    """Words, pairs of them in one sentence, and beginnings of longer ones (``begin*``); a number is ``#``."""
    words: list[str] = []
    for sentence in sentences:
        words += sentence.words
        words.append("")
    pieces = list(map(_PIECES.__getitem__, words))
    if None in pieces:
        pieces = list(_without_spaces(words))
    return {*pieces, *pairwise(pieces), *map(_BEGINNINGS.__getitem__, pieces)}


class _Pieces(dict[str, str | None]):
    """Words as they count; None for those of a script without spaces, of which the pairs of characters do."""

    def __missing__(self, word: str) -> str | None:
        piece = "#" if word[0].isdecimal() else None if len(word) > 2 and CJK.search(word) else word
        if len(self) < MEMO and len(word) <= LONGEST_REMEMBERED:
            self[word] = piece
        return piece


class _Beginnings(dict[str | None, str]):
    """``begin*`` for what is longer."""

    def __missing__(self, piece: str | None) -> str:
        beginning = f"{piece[:_BEGINNING]}*" if piece and len(piece) > _BEGINNING else ""
        if piece and len(self) < MEMO and len(piece) <= LONGEST_REMEMBERED:
            self[piece] = beginning
        return beginning


_PIECES, _BEGINNINGS = _Pieces({"": ""}), _Beginnings()


def _without_spaces(words: Iterable[str]) -> Iterator[str]:
    for word in words:
        piece = _PIECES[word]
        if piece is None:
            yield from map("".join, pairwise(word))
        else:
            yield piece


def signals_of(report: Report, small_group: int) -> set[str]:
    """What the sentences of each kind have, and how much there is of some things."""
    found = {KINDS["any"] + mark for mark in report.marks}
    outlines = defaultdict[str, str](str)
    for sentence in report.all:
        outlines[_kind(sentence)] += sentence.outline
    for kind, outline in outlines.items():
        found |= {KINDS[kind] + mark for mark in set(outline)}
    if people := report.people:
        found.add(f"people {_step(max(people), [share * small_group for share in _GROUPS])}")
    if places := report.places:
        found.add(f"places {_step(max(places), _PLACES)}")
    if any(s.asks for s in report.all):
        found.add("asks")
    if report.all and report.all[-1].asks:
        found.add("ends asking")
    found.add(f"complaints {min(len(report.bad), 4)}")
    return found


def _kind(sentence: Sentence) -> str:
    if sentence.bad:
        return "bad"
    if sentence.void:
        return "void"
    return "fine" if sentence.contrast else "plain"


def _step(count: int, limits: Sequence[float]) -> int:
    return sum(count > limit for limit in limits)


def _sums(rows: Sequence[int]) -> list[float]:
    """Of each column."""
    zero = len(rows) * _ZERO
    return [(column - zero) / SCALE for column in _columns(sum(rows))]


def _columns(row: int) -> tuple[int, ...]:
    return _COLUMNS.unpack(row.to_bytes(_COLUMNS.size, "little"))


def _shares(labels: Sequence[_Label], sums: Sequence[float]) -> dict[_Label, float]:
    most = max(sums)
    powers = [exp(one - most) for one in sums]
    whole = sum(powers)
    return {label: power / whole for label, power in zip(labels, powers, strict=True)}


@cache
def shipped() -> Weights:
    """Those of ``weights.json``, where a signal of a sentence is written as its kind and its concept, or sign."""
    table = json.loads((resources.files("gateway.triage") / "weights.json").read_text(encoding="utf-8"))
    return Weights(
        _row(table["bias"]),
        {_signal(name): _row(row) for name, row in table["signals"].items()},
        {
            language: {tuple(word.split(" ")) if " " in word else word: _row(row) for word, row in rows.items()}
            for language, rows in table["words"].items()
        },
    )


def _row(weights: Sequence[int]) -> int:
    return int.from_bytes(_COLUMNS.pack(*[weight + _ZERO for weight in weights]), "little")


def _signal(name: str) -> str:
    kind, _, concept = name.partition(" ")
    return KINDS[kind] + MARK.get(concept, concept) if kind in KINDS else name
