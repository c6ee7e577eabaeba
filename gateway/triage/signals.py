"""What a mail says, read sentence by sentence: who is concerned, what fails, how sure, since when.

Every word becomes the characters of its concepts (``lexicon``); negations are resolved ("can't open" is a failure, "no
errors" is none); then each sentence is an assertion about now, or void: asked, supposed, past, an exercise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, compress
from typing import NamedTuple

from gateway.triage.concepts import ASK, CLAUSE, END, MARK, QUOTE, any_of, later, pattern
from gateway.triage.lexicon import ENDS, Lexicon

COMPONENTS = ("login", "provision", "share", "api", "export", "connection", "workbook")
"""Of the core product; where a mail names several equally, the first one is meant."""

_BREAK = re.compile(r"\n[ \t]{0,20}(?:[-*•][ \t]|\d{1,2}[.)][ \t]|(?=\r?\n))")
"""A blank line or a list item ends a sentence, a plain line break does not."""
_ASIDE = re.compile(r"\(([^()]{0,300})\)([^.!?\n()]{0,300})")
"""A parenthesis and the rest of its sentence: the aside is read behind it."""

_FAIL, _WORKS, _CLUMSY = MARK["fail"], MARK["works"], MARK["clumsy"]
_BAD_NEWS = any_of("fail", "trouble", "slow", "wrong", "partial", "leak")
_DOING = any_of("act", "works")
_STOPS = "".join(sorted(_BAD_NEWS | _DOING)) + END + CLAUSE + ASK
_NO = f"[{MARK['not']}{MARK['cannot']}{MARK['nobody']}]"
_NO_WAY = re.compile(f"{_NO}([^{_STOPS}]{{0,3}}){MARK['workaround']}")
_NEGATION = re.compile(f"{MARK['not']}([^{_STOPS}]{{0,3}})([{''.join(sorted(_BAD_NEWS | _DOING))}])")
_DENIAL = re.compile(
    f"({MARK['nobody']}[^{_STOPS}{MARK['not']}{MARK['cannot']}]{{0,5}}){_NO}?[^{_STOPS}]{{0,3}}[{''.join(sorted(_DOING))}]"
)
"""With a second negation in it, as Polish and French have it ("nikt nie może", "aucun ne parvient")."""
_UNABLE = re.compile(f"{MARK['cannot']}([^{_STOPS}]{{0,3}})[{''.join(sorted(_DOING))}]|{MARK['cannot']}")
_NUMBER = MARK["number"]
_COUNT_NOT_STATUS = re.compile(f"{_FAIL}{MARK['status']}(?=[^{_STOPS}]{{0,2}}[{MARK['people']}{MARK['places']}])")
_REWRITES = (
    (MARK["workaround"], _NO_WAY, _CLUMSY + r"\1"),
    (MARK["workaround"], pattern("workaround ~4 not"), _CLUMSY + r"\1"),
    (MARK["workaround"], pattern("workaround ~4 fail"), _CLUMSY + r"\1" + _FAIL),
    (MARK["status"], _COUNT_NOT_STATUS, ""),
    (MARK["all"], pattern("all ~0 number"), MARK["everyone"] + r"\1" + _NUMBER),
    (MARK["cannot"], pattern("cannot ~1 mind"), r"\1"),
    (MARK["affected"], pattern("not ~2 affected"), _WORKS + r"\1"),
    (MARK["past"], pattern("not/cannot ~1 past"), _FAIL + r"\1"),
    (MARK["nobody"], _DENIAL, r"\1" + _FAIL),
    (MARK["cannot"], _UNABLE, _FAIL + r"\1"),
)
"""In this order: "no other way", "a detour does not exist", "by hand fails too", "500 users" (no status code), "all
nine locks", "can't tell", "not affected", "not resolved", "nobody can open", "can't ship". ``_NEGATION`` comes last.
The mark is what a rule cannot do without: where the mail does not have it, the rule is not tried."""

_BAD = any_of("fail", "wrong", "slow", "unreadable")
_LONG = pattern("takes ~4 duration")
_COMPONENT = any_of(*COMPONENTS)
_PRODUCT = any_of(*COMPONENTS, "surface", "chart", "plugin")

_SUPPOSED = re.compile(
    later("hypothetical", "fail/slow/wrong/nobody/not/stop")
    + "|"
    + pattern("planned ~6 fail/slow/stop").pattern
    + "|"
    + pattern("fail/slow ~3 planned").pattern
)
_QUOTED = pattern('yields ~1 "')
_LATER_AUXILIARY = re.compile(f"{MARK['auxiliary']}(?<=[^|,]{MARK['auxiliary']}){MARK['auxiliary']}*")
"""Not the first one of a clause. It begins with what can be searched for at once."""
_AUXILIARY = re.compile(f"(?:^|,){MARK['auxiliary']}")
_ASKED = re.compile(later("question/wish", "fail/slow/wrong/unreadable/partial/trouble"))
_RELAPSE = re.compile(later("past", "other/again", "fail"))
_OTHERS_FINE = re.compile(
    "|".join(
        (
            pattern("other ~4 works/act").pattern,
            pattern("works ~3 other").pattern,
            pattern("other ~3 not").pattern + "(?:,|$)",
            pattern("act ~0 other").pattern + "$",
            pattern(", people/places/group/organisation ~4 works").pattern,
        )
    )
)


class Sentence(NamedTuple):
    """One sentence in outline, with what it says of the time and of its own truth."""

    outline: str
    words: Sequence[str]
    people: Sequence[int] = ()
    """Numbers of people in it."""
    places: Sequence[int] = ()
    """Numbers of sites, branches, terminals in it."""
    asks: bool = False
    """A question, or a wish."""
    void: bool = False
    """Says nothing of how things are now."""
    slow: bool = False
    """Says that the product is slow, in words or by a duration."""
    bad: bool = False
    """Asserts that something fails, is slow, wrong or unreadable now."""
    contrast: bool = False
    """Says that others, or other things, are fine."""

    def has(self, *concepts: str) -> bool:
        return not any_of(*concepts).isdisjoint(self.outline)

    @property
    def text(self) -> str:
        text = " ".join(self.words)
        for mark in ",:;":  # a word of its own to the lexicon
            text = text.replace(f" {mark}", mark)
        return text[:160]


_WISH_OR_QUESTION = any_of("question", "wish")
_VOID, _SUPPOSING = any_of("drill", "enquiry", "blame"), any_of("hypothetical", "planned")
_NO_TELLING = _WISH_OR_QUESTION | _SUPPOSING
_PAST, _SLOW = MARK["past"], MARK["slow"]
_ROLES = {
    mark: role
    for role, marks in (
        ("?", any_of("question", "wish", "auxiliary")),
        ("0", _VOID | _SUPPOSING | {_PAST}),
        ("+", any_of("works", "other")),
        ("-", _BAD - {_SLOW}),
        ("s", {_SLOW}),
        ("t", {MARK["takes"]}),
        (END, {END}),
    )
    for mark in marks
}
"""What a mark may do to its sentence: make it ask, make it void, say that something is fine, bad or slow, or takes
time. Translated as bytes, for that takes a tenth of asking each sentence for each of them."""
_ROLE_OF = bytes.maketrans("".join(_ROLES).encode("latin-1"), "".join(_ROLES.values()).encode("latin-1"))
_WITHOUT = bytes(code for code in range(256) if chr(code) not in _ROLES)


def _roles(outline: str) -> list[str]:
    """The roles of what stands in each sentence; empty for one that says nothing by itself."""
    return outline.encode("latin-1").translate(_ROLE_OF, _WITHOUT).decode("latin-1").split(END)


def _sentence(outline: str, roles: str, words: Sequence[str], people: Sequence[int], places: Sequence[int]) -> Sentence:
    if not roles:
        return Sentence(outline, words, people, places)
    asks = "?" in roles and _asks(outline)
    slow = "s" in roles or ("t" in roles and _lasts(outline))
    void = asks or ("0" in roles and _void(outline))
    bad = not void and (slow or "-" in roles)
    contrast = not void and "+" in roles and _contrast(outline, bad)
    return Sentence(outline, words, people, places, asks, void, slow, bad, contrast)


def _asks(outline: str) -> bool:
    if ASK in outline:
        if _tells_first(outline):
            return False
        if _AUXILIARY.search(outline):
            return True
    if _WISH_OR_QUESTION.isdisjoint(outline):
        return False
    return ASK in outline or _BAD.isdisjoint(outline) or _ASKED.search(outline) is not None


def _tells_first(outline: str) -> bool:
    """A complaint with a question behind it: "the export fails, can you look?"."""
    told, _, _ = outline.rpartition(CLAUSE)
    return not _BAD.isdisjoint(told) and _NO_TELLING.isdisjoint(told) and _AUXILIARY.search(told) is None


def _lasts(outline: str) -> bool:
    return not _PRODUCT.isdisjoint(outline) and _LONG.search(outline) is not None


def _void(outline: str) -> bool:
    return (
        not _VOID.isdisjoint(outline)
        or (_PAST in outline and not _RELAPSE.search(outline))
        or (not _SUPPOSING.isdisjoint(outline) and _SUPPOSED.search(outline) is not None)
    )


def _contrast(outline: str, bad: bool) -> bool:
    if MARK["workaround"] in outline:
        return False
    if not bad and _WORKS in outline and MARK["courtesy"] not in outline:
        return True
    return _OTHERS_FINE.search(outline) is not None or (CLAUSE in outline and _fine_clause(outline))


def _fine_clause(outline: str) -> bool:
    """A clause says that the same component is fine for some: "... fails; the other connections index as usual"."""
    clauses = [frozenset(clause) for clause in outline.split(CLAUSE)]
    failing = frozenset().union(*(c for c in clauses if not c.isdisjoint(_BAD)))
    return any(_WORKS in c and c.isdisjoint(_BAD) and not c.isdisjoint(_COMPONENT & failing) for c in clauses)


def sentences(text: str, lexicon: Lexicon) -> tuple[Sentence, ...]:
    """The sentences of a text, in order."""
    if "(" in text:
        text = _ASIDE.sub(r"\2 , \1 ", text)
    words = lexicon.words(_BREAK.sub(" | ", text) if "\n" in text else text)
    codes = lexicon.outline(words)
    outline = _trimmed("".join(codes))
    for mark, rule, replacement in _REWRITES:
        if mark in outline:
            outline = rule.sub(replacement, outline)
    if MARK["not"] in outline:
        outline = _NEGATION.sub(_negated, outline)
    return tuple(_cut(words, codes, outline, lexicon.numbers))


def _trimmed(outline: str) -> str:
    """Without what only matters in its place: "answers" before a quoted message, "is" where a question begins."""
    if QUOTE in outline:
        outline = _QUOTED.sub(_FAIL + r"\1", outline)
    outline = outline.replace(MARK["yields"], "")
    return _LATER_AUXILIARY.sub("", outline) if ASK in outline else outline.replace(MARK["auxiliary"], "")


def _negated(found: re.Match[str]) -> str:
    return found[1] + (_FAIL if found[2] in _DOING else _WORKS)


def _cut(words: list[str], codes: list[str], outline: str, numbers: Mapping[str, int]) -> Iterator[Sentence]:
    start = 0
    ends = compress(range(len(words)), map(ENDS.__contains__, codes))
    for piece, roles, end in zip(outline.split(END), _roles(outline), chain(ends, (len(words),)), strict=True):
        if end > start:
            of_it = words[start:end]
            people, places = _counts(of_it, codes[start:end], numbers) if _NUMBER in piece else ((), ())
            yield _sentence(piece, roles, of_it, people, places)
        start = end + 1


_BEFORE = MARK["headcount_before"]
_PEOPLE, _PLACES = any_of("people", "headcount_after"), any_of("places")
_NOT_COUNTED = any_of("not_people", "duration", "percent")
_COUNT_ENDS = frozenset((CLAUSE, ASK, END))


def _counts(words: list[str], codes: list[str], numbers: Mapping[str, int]) -> tuple[Sequence[int], Sequence[int]]:
    """Numbers of people, and of places."""
    people: list[int] = []
    places: list[int] = []
    taken = -1
    for place, code in enumerate(codes):
        if _NUMBER not in code or place == taken:
            continue
        value = _value(words[place], numbers)
        if place + 1 < len(words) and (factor := numbers.get(words[place + 1], 0)) >= 100:
            value, taken = value * factor, place + 1
        if value:
            counted = _counted(codes, place)
            if counted is _PEOPLE:
                people.append(value)
            elif counted is _PLACES:
                places.append(value)
    return people, places


def _counted(codes: list[str], place: int) -> frozenset[str] | None:
    """What the number at ``place`` counts: the noun behind it, or the people of "we are 140"."""
    for code in codes[place + 1 : place + 5]:
        if not (_COUNT_ENDS.isdisjoint(code) and _NOT_COUNTED.isdisjoint(code)):
            break
        for kind in (_PLACES, _PEOPLE):
            if not kind.isdisjoint(code):
                return kind
    return _PEOPLE if any(_BEFORE in code for code in codes[max(0, place - 3) : place]) else None


def _value(word: str, numbers: Mapping[str, int]) -> int:
    digits = word.replace(".", "")
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 8 else numbers.get(word, 0)
