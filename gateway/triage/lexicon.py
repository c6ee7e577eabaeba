"""Words to concepts: the word lists of one language, ready for looking up a mail's words at a few nanoseconds each."""

from __future__ import annotations

import re
import struct
import tomllib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import compress, pairwise

from gateway.triage.concepts import ASK, CLAUSE, END, MARK, QUOTE

LANGUAGES = ("en", "de", "es", "fr", "it", "ja", "nl", "pl", "pt")

Extra = tuple[tuple[str, str], ...]
"""Words of an operator: concept and comma-separated words, in a form that can key a cache."""

AGENT_NOUNS = {
    "en": ("ers", "ors", "ists", "ants", "ians", "ees"),
    "de": ("ern", "innen", "isten"),
    "fr": ("eurs", "istes"),
    "es": ("ores", "istas", "antes"),
}
"""Endings of those who do something: planners, Monteurinnen. ``not_people`` lists what only looks like it."""

BEGINNING = 300
"""Characters of a text whose words tell its language."""

MEMO = 50_000
"""Words remembered per lexicon; beyond, hostile vocabulary is looked up afresh each time."""
LONGEST_REMEMBERED = 40
"""Characters of such a word."""

_BETWEEN = bytes.maketrans(b"-/()[]{}<>*=+&_\\\t\r\n`", b" " * 20)
_SPACING = (
    ("’", "'"),
    *((mark, " ") for mark in "»”‘\u00a0"),
    *((mark, f" {mark} ") for mark in ',!?…;|–—%"“„«「」。、！？'),
    (". ", " . "),
    (": ", " : "),
    (" '", ' " '),
    ("' ", " "),
)
"""What stands between words becomes a space or a word of its own, so that ``split`` finds the words; that takes a
third of a regular expression's time. A full stop or colon inside of a word (12:30, host names) stays."""
_LOOKED_FOR = tuple((mark.strip() or mark, mark, spaced) for mark, spaced in _SPACING)
"""Each with its sign, for one character is looked for ten times as fast as two."""
_LOOKED_FOR_IN_ASCII = tuple(row for row in _LOOKED_FOR if row[0].isascii())
_DIGIT_COMMA = re.compile(r",(?<=\d,)(?=\d)")
PUNCTUATION = {
    **dict.fromkeys(".!…。！|", END),
    **dict.fromkeys("?？", ASK + END),
    **dict.fromkeys(";:,、–—", CLAUSE),
    **dict.fromkeys("\"'“„«「", QUOTE),
}
ENDS = frozenset(code for code in PUNCTUATION.values() if END in code)
CJK = re.compile("[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")


class Codes(dict[str, str]):
    """Word to outline characters. Unknown words are resolved by their stems once, then remembered."""

    def __init__(self, exact: Mapping[str, str], stems: Mapping[str, str], agent_nouns: tuple[str, ...]) -> None:
        super().__init__(exact)
        self._stems = stems
        self._longest = max(map(len, stems), default=0)
        self._agent_nouns = agent_nouns

    def __missing__(self, word: str) -> str:
        code = self._resolve(word)
        if len(self) < MEMO and len(word) <= LONGEST_REMEMBERED:
            self[word] = code
        return code

    def _resolve(self, word: str) -> str:
        if word[0].isdecimal():
            return MARK["number"]
        for length in range(min(len(word), self._longest), 2, -1):
            if code := self._stems.get(word[:length]):
                return code
        if len(word) > 5 and word.endswith(self._agent_nouns):
            return MARK["people"]
        return ""


Phrases = Mapping[tuple[str, str], list[tuple[list[str], str]]]
"""First and second word, to the words from the second on and the outline characters; longest first."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    codes: Codes
    phrases: Phrases
    numbers: Mapping[str, int]
    script: re.Pattern[str] | None
    """Words of a language written without spaces; they are cut out before the words are looked up."""

    def outline(self, words: list[str]) -> list[str]:
        """The outline characters of each word; a phrase's stand at its first word."""
        codes = list(map(self.codes.__getitem__, words))
        phrases = self.phrases
        begins = map(phrases.__contains__, pairwise(words))
        covered = 0
        for place in compress(range(len(words)), begins):
            if place < covered:
                continue
            for rest, code in phrases[words[place], words[place + 1]]:
                end = place + 1 + len(rest)
                if words[place + 1 : end] == rest:
                    codes[place:end] = [code, *[""] * len(rest)]
                    covered = end
                    break
        return codes

    def words(self, text: str) -> list[str]:
        """Lower-case words, numbers and punctuation of a text."""
        text = f" {_DIGIT_COMMA.sub('', text.lower().replace(' - ', ' , '))} "
        # As bytes, for a text beyond ASCII is translated character by character.
        text = text.encode("utf-8", "surrogatepass").translate(_BETWEEN).decode("utf-8", "surrogatepass")
        for sign, mark, spaced in _LOOKED_FOR_IN_ASCII if text.isascii() else _LOOKED_FOR:
            if sign in text:
                text = text.replace(mark, spaced)
        if self.script is not None:
            text = self.script.sub(r" \g<0> ", text)
        return text.split()


def _build(tables: Iterable[Mapping[str, object]], language: str) -> Lexicon:
    """Join word tables (concept to comma-separated words) into one lexicon."""
    single, stems = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    phrases = defaultdict[tuple[str, ...], set[str]](set)
    numbers: dict[str, int] = {}
    for table in tables:
        for concept, value in table.items():
            if isinstance(value, Mapping):
                numbers.update(value)
            elif concept in MARK:
                for entry in _entries(str(value)):
                    _file(entry, MARK[concept], single, stems, phrases)
    for word in numbers:
        single[word].add(MARK["number"])
    own_script = language == "ja"
    return Lexicon(
        Codes({**_joined(single), **PUNCTUATION}, _joined(stems), AGENT_NOUNS.get(language, ())),
        _by_pair(phrases),
        numbers,
        _script([*single, *stems, *("".join(words) for words in phrases)]) if own_script else None,
    )


def _file(
    entry: tuple[str, ...],
    mark: str,
    single: dict[str, set[str]],
    stems: dict[str, set[str]],
    phrases: dict[tuple[str, ...], set[str]],
) -> None:
    if len(entry) > 1:
        phrases[entry].add(mark)
    elif entry[0].endswith("*"):
        stems[entry[0][:-1]].add(mark)
    else:
        single[entry[0]].add(mark)


def _by_pair(phrases: Mapping[tuple[str, ...], set[str]]) -> Phrases:
    found: dict[tuple[str, str], list[tuple[list[str], str]]] = {}
    for (first, *rest), marks in sorted(phrases.items(), key=lambda item: -len(item[0])):
        found.setdefault((first, rest[0]), []).append((rest, "".join(sorted(marks))))
    return found


def _joined(marks: Mapping[str, set[str]]) -> dict[str, str]:
    return {word: "".join(sorted(found)) for word, found in marks.items()}


def _script(words: Iterable[str]) -> re.Pattern[str]:
    """All words of an unspaced script, grouped by their first character, which is faster than one long choice."""
    ends = defaultdict[str, list[str]](list)
    for word in sorted({word for word in words if CJK.search(word)}, key=len, reverse=True):
        ends[word[0]].append(re.escape(word[1:]))
    choices = "|".join(f"{first}(?:{'|'.join(rest)})" for first, rest in ends.items())
    return re.compile(f"(?=[{''.join(ends)}])(?:{choices})")


def _entries(text: str) -> Iterable[tuple[str, ...]]:
    """``"log/sign in, down"`` as (log, in), (sign, in), (down,); ``fail~`` as all forms of the English verb."""
    for entry in text.split(","):
        choices: list[tuple[str, ...]] = [()]
        for word in entry.replace("-", " ").split():
            forms = [form for choice in word.split("/") for form in _forms(choice)]
            choices = [(*start, form) for start in choices for form in forms]
        yield from (choice for choice in choices if choice)


def _forms(word: str) -> list[str]:
    """``refuse~`` as refuse, refuses, refused, refusing. Where the last consonant may double, both spellings."""
    if not word.endswith("~"):
        return [word]
    verb = word[:-1]
    if verb.endswith("e"):
        return [verb, f"{verb}s", f"{verb}d", f"{verb[:-1]}ing"]
    if verb.endswith("y") and verb[-2] not in "aeou":
        return [verb, f"{verb[:-1]}ies", f"{verb[:-1]}ied", f"{verb}ing"]
    plural = f"{verb}es" if verb.endswith(("s", "x", "z", "ch", "sh")) else f"{verb}s"
    stems = (verb, verb + verb[-1])
    return [verb, plural, *(f"{stem}{end}" for stem in stems for end in ("ed", "ing"))]


def _shipped(language: str) -> Mapping[str, object]:
    path = resources.files("gateway.triage") / "words" / f"{language}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def lexicon(language: str, extra: Extra = ()) -> Lexicon:
    """The lexicon of one of ``LANGUAGES``, with the operator's own words joined in."""
    return _build([_shipped("shared"), _shipped(language), dict(extra)], language)


def language_of(text: str, hint: str = "") -> str:
    """The language of ``LANGUAGES`` whose small words the text's beginning uses most; else ``hint``, else English.

    A word that several languages have counts for each in part. Japanese has no spaces: six characters count as a small
    word, so that a name or a subject makes no English text Japanese.
    """
    text = text[:BEGINNING]
    votes = sum(filter(None, map(_function_words().get, text.lower().split())))
    counts = list(_VOTES.unpack(votes.to_bytes(_VOTES.size, "little")))
    if not text.isascii():
        counts[LANGUAGES.index("ja")] += len(CJK.findall(text)) * _VOTE // 6
    most = max(counts)
    if most * 2 >= _VOTE:
        return LANGUAGES[counts.index(most)]
    return hint if hint in LANGUAGES else "en"


_VOTE = 2520
"""One word's vote, which any number of languages up to ten can share."""
_VOTES = struct.Struct(f"<{len(LANGUAGES)}I")
"""The votes of all languages side by side in one number, so that they add up at once."""


@cache
def _function_words() -> Mapping[str, int]:
    found: dict[str, list[int]] = {}
    for place, language in enumerate(LANGUAGES):
        for words in _entries(str(_shipped(language).get("function", ""))):
            found.setdefault(words[0], []).append(place)
    return {word: sum(_VOTE // len(places) << 32 * place for place in places) for word, places in found.items()}


def single_words(*groups: Collection[str]) -> tuple[frozenset[str], ...]:
    """For each group of concepts the words of one word, in all languages together."""
    tables = [_shipped("shared"), *map(_shipped, LANGUAGES)]
    return tuple(
        frozenset(
            entry[0]
            for table in tables
            for concept in group
            for entry in _entries(str(table.get(concept, "")))
            if len(entry) == 1
        )
        for group in groups
    )
