"""What a mail says, read sentence by sentence: who is concerned, what fails, how sure, since when.

Every word becomes the characters of its concepts (``lexicon``); negations are resolved ("can't open" is a failure, "no
errors" is none); then each sentence is an assertion about now, or void: asked, supposed, past, an exercise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from gateway.triage.concepts import ASK, CLAUSE, END, MARK, any_of, pattern
from gateway.triage.lexicon import Lexicon

COMPONENTS = ("login", "provision", "share", "api", "export", "connection", "workbook")
"""Of the core product; where a mail names several equally, the first one is meant."""

_BREAK = re.compile(r"\n\s*(?:[-*•]\s|\d{1,2}[.)]\s)|\n[ \t\r]*\n")
"""A blank line or a list item ends a sentence, a plain line break does not."""
_ASIDE = re.compile(r"\(([^()]{0,300})\)([^.!?\n()]{0,300})")
"""A parenthesis and the rest of its sentence: the aside is read behind it."""

_FAIL, _WORKS, _CLUMSY = MARK["fail"], MARK["works"], MARK["clumsy"]
_BAD_NEWS = any_of("fail", "trouble", "slow", "wrong", "partial", "leak")
_DOING = any_of("act", "works")
_STOPS = "".join(sorted(_BAD_NEWS | _DOING)) + END + CLAUSE + ASK
_NO_WAY = re.compile(f"{MARK['not']}([^{_STOPS}]{{0,3}}){MARK['workaround']}")
_NEGATION = re.compile(f"{MARK['not']}([^{_STOPS}]{{0,3}})([{''.join(sorted(_BAD_NEWS | _DOING))}])")
_DENIAL = re.compile(f"({MARK['nobody']}[^{_STOPS}]{{0,5}})[{''.join(sorted(_DOING))}]")
_REWRITES = (
    (_NO_WAY, _CLUMSY + r"\1"),
    (pattern("workaround ~4 not"), _CLUMSY + r"\1"),
    (pattern("workaround ~4 fail"), _CLUMSY + r"\1" + _FAIL),
    (pattern("not ~2 affected"), _WORKS + r"\1"),
    (pattern("not ~1 past"), _FAIL + r"\1"),
    (pattern('yields ~1 "'), _FAIL + r"\1"),
    (_DENIAL, r"\1" + _FAIL),
)
"""In this order: "no other way", "a detour does not exist", "by hand fails too", "not affected", "not resolved",
"answers "realm disabled"", "nobody can open". ``_NEGATION`` comes last."""

_BAD = any_of("fail", "wrong", "slow", "unreadable", "partial")
_LONG = pattern("takes ~4 duration")
_PRODUCT = any_of(*COMPONENTS, "surface", "chart", "plugin")


def _before(first: str, second: str) -> str:
    """One of the first concepts, and later in the sentence one of the second."""
    return pattern(first).pattern + "[^|]*" + pattern(second).pattern


_SUPPOSED = re.compile(
    _before("hypothetical", "fail/slow/wrong/nobody/not/stop") + "|" + pattern("planned ~3 fail/slow/stop").pattern
)
_ASKED = re.compile(_before("question/wish", "fail/slow/wrong/unreadable/partial/trouble"))
_RELAPSE = re.compile(_before("past", "other/again") + "[^|]*" + _FAIL)
_OTHERS_FINE = re.compile(
    "|".join(
        (
            pattern("other ~4 works/act").pattern,
            pattern("works ~3 other").pattern,
            pattern("other ~3 not").pattern + "(?:,|$)",
            pattern(", people/places/group/organisation ~1 works").pattern,
        )
    )
)


@dataclass(frozen=True)
class Sentence:
    """One sentence in outline, with what it says of the time and of its own truth."""

    outline: str
    words: tuple[str, ...]
    people: tuple[int, ...]
    """Numbers of people in it."""
    places: tuple[int, ...]
    """Numbers of sites, branches, terminals in it."""

    def has(self, *concepts: str) -> bool:
        return any(MARK[concept] in self.outline for concept in concepts)

    @cached_property
    def asks(self) -> bool:
        """A question, or a wish."""
        if not self.has("question", "wish"):
            return False
        return ASK in self.outline or _BAD.isdisjoint(self.outline) or _ASKED.search(self.outline) is not None

    @cached_property
    def void(self) -> bool:
        """Says nothing of how things are now."""
        return (
            self.asks
            or self.has("drill", "enquiry", "blame")
            or (self.has("past") and not _RELAPSE.search(self.outline))
            or _SUPPOSED.search(self.outline) is not None
        )

    @cached_property
    def slow(self) -> bool:
        """Says that the product is slow, in words or by a duration."""
        lasting = not _PRODUCT.isdisjoint(self.outline) and _LONG.search(self.outline) is not None
        return self.has("slow") or lasting

    @cached_property
    def bad(self) -> bool:
        """Asserts that something fails, is slow, wrong or unreadable now."""
        return not self.void and (self.slow or not _BAD.isdisjoint(self.outline))

    @cached_property
    def contrast(self) -> bool:
        """Says that others, or other things, are fine."""
        if self.void or self.has("workaround"):
            return False
        fine = self.has("works") and not self.bad and not self.has("courtesy")
        return fine or _OTHERS_FINE.search(self.outline) is not None

    @property
    def text(self) -> str:
        return " ".join(self.words)[:160]


def sentences(text: str, lexicon: Lexicon) -> tuple[Sentence, ...]:
    """The sentences of a text, in order."""
    if "(" in text:
        text = _ASIDE.sub(r"\2 , \1 ", text)
    words = lexicon.words(_BREAK.sub(" | ", text))
    codes = lexicon.outline(words)
    outline = "".join(codes)
    for rule, replacement in _REWRITES:
        outline = rule.sub(replacement, outline)
    return tuple(_cut(words, codes, _NEGATION.sub(_negated, outline), lexicon.numbers))


def _negated(found: re.Match[str]) -> str:
    return found[1] + (_FAIL if found[2] in _DOING else _WORKS)


def _cut(words: list[str], codes: list[str], outline: str, numbers: Mapping[str, int]) -> Iterator[Sentence]:
    start = 0
    ends = [place for place, code in enumerate(codes) if code and code[-1] == END]
    for piece, end in zip(outline.split(END), [*ends, len(words)], strict=True):
        if end > start:
            yield Sentence(piece, tuple(words[start:end]), *_counts(words[start:end], codes[start:end], numbers))
        start = end + 1


_NUMBER, _BEFORE = MARK["number"], MARK["headcount_before"]
_PEOPLE, _PLACES = any_of("people", "headcount_after"), any_of("places")
_NOT_COUNTED = any_of("not_people", "duration", "percent")
_COUNT_ENDS = frozenset((CLAUSE, ASK, END))


def _counts(words: list[str], codes: list[str], numbers: Mapping[str, int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Numbers of people, and of places."""
    people, places = [], []
    for place, code in enumerate(codes):
        if _NUMBER in code and (value := _value(words, place, numbers)):
            counted = _counted(codes, place)
            if counted is _PEOPLE:
                people.append(value)
            elif counted is _PLACES:
                places.append(value)
    return tuple(people), tuple(places)


def _counted(codes: list[str], place: int) -> frozenset[str] | None:
    """What the number at ``place`` counts: the noun behind it, or the people of "we are 140"."""
    for code in codes[place + 1 : place + 5]:
        if not (_COUNT_ENDS.isdisjoint(code) and _NOT_COUNTED.isdisjoint(code)):
            break
        for kind in (_PLACES, _PEOPLE):
            if not kind.isdisjoint(code):
                return kind
    return _PEOPLE if any(_BEFORE in code for code in codes[max(0, place - 3) : place]) else None


def _value(words: list[str], place: int, numbers: Mapping[str, int]) -> int:
    word = words[place]
    digits = word.replace(",", "").replace(".", "")
    value = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 8 else numbers.get(word, 0)
    if place + 1 < len(words) and (factor := numbers.get(words[place + 1], 0)) >= 100:
        value *= factor
    return value
