"""Words to concepts: the word lists of one language, ready for looking up a mail's words at a few nanoseconds each."""

from __future__ import annotations

import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from gateway.triage.concepts import ASK, CLAUSE, END, MARK, QUOTE

LANGUAGES = ("de", "en", "es", "fr", "it", "ja", "nl", "pl", "pt")

Extra = tuple[tuple[str, str], ...]
"""Words of an operator: concept and comma-separated words, in a form that can key a cache."""

MEMO = 50_000
"""Words remembered per lexicon; beyond, hostile vocabulary is looked up afresh each time."""

TOKEN = re.compile(
    r"""
    \d+(?:[.,:\d]*\d)?\w*           # 2,100  95  5xx  02:15
    | [^\W\d_]\w*(?:'\w+)*(?:(?<=s)')?  # words, with an apostrophe inside or behind an s: can't, schools'
    | [.:](?![^\s"”»)])             # not those inside of a host name
    | [!?…;,。、！？"“„«「|–—]       # ends of sentences and clauses
    | (?<!\w)'(?=\w)               # opening quotation mark
    | [%\#]\w*                      # signs: % and #value
    """,
    re.VERBOSE,
)
PUNCTUATION = {
    **dict.fromkeys(".!…。！|", END),
    **dict.fromkeys("?？", ASK + END),
    **dict.fromkeys(";:,、–—", CLAUSE),
    **dict.fromkeys("\"'“„«「", QUOTE),
}
CJK = re.compile("[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")


class Codes(dict[str, str]):
    """Word to outline characters. Unknown words are resolved by their stems once, then remembered."""

    def __init__(self, exact: Mapping[str, str], stems: Mapping[str, str], agent_nouns: bool) -> None:
        super().__init__(exact)
        self._stems = stems
        self._agent_nouns = agent_nouns

    def __missing__(self, word: str) -> str:
        code = self._resolve(word)
        if len(self) < MEMO:
            self[word] = code
        return code

    def _resolve(self, word: str) -> str:
        if word[0].isdecimal():
            return MARK["number"]
        for length in range(len(word), 2, -1):
            if code := self._stems.get(word[:length]):
                return code
        if self._agent_nouns and len(word) > 5 and word.endswith(("ers", "ors", "ists", "ants", "ians", "ees")):
            return MARK["people"]
        return ""


@dataclass(frozen=True, slots=True)
class Lexicon:
    codes: Codes
    phrases: Mapping[str, tuple[tuple[tuple[str, ...], str], ...]]
    """First word to (further words, outline characters), longest first."""
    numbers: Mapping[str, int]
    script: re.Pattern[str] | None
    """Words of a language written without spaces; they are cut out before the words are looked up."""

    def outline(self, words: list[str]) -> list[str]:
        """The outline characters of each word; a phrase's stand at its first word."""
        codes = list(map(self.codes.__getitem__, words))
        phrases = self.phrases
        covered = 0
        for place in [place for place, word in enumerate(words) if word in phrases]:
            if place < covered:
                continue
            for rest, code in phrases[words[place]]:
                end = place + 1 + len(rest)
                if tuple(words[place + 1 : end]) == rest or (
                    rest[-1][-1] == "*" and _starts(words[place + 1 : end], rest)
                ):
                    codes[place:end] = [code, *[""] * len(rest)]
                    covered = end
                    break
        return codes

    def words(self, text: str) -> list[str]:
        """Lower-case words, numbers and punctuation of a text."""
        text = text.lower().replace("’", "'").replace(" - ", ", ")
        if self.script is not None:
            text = self.script.sub(r" \g<0> ", text)
        return TOKEN.findall(text)


def _starts(words: list[str], rest: tuple[str, ...]) -> bool:
    return words[:-1] == list(rest[:-1]) and bool(words) and words[-1].startswith(rest[-1][:-1])


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
        Codes({**_joined(single), **PUNCTUATION}, _joined(stems), language == "en"),
        _by_first(phrases),
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


def _by_first(phrases: Mapping[tuple[str, ...], set[str]]) -> Mapping[str, tuple[tuple[tuple[str, ...], str], ...]]:
    """Phrases by their first word, longest first."""
    found = defaultdict[str, list[tuple[tuple[str, ...], str]]](list)
    for (first, *rest), marks in sorted(phrases.items(), key=lambda item: -len(item[0])):
        found[first].append((tuple(rest), "".join(sorted(marks))))
    return {first: tuple(entries) for first, entries in found.items()}


def _joined(marks: Mapping[str, set[str]]) -> dict[str, str]:
    return {word: "".join(sorted(found)) for word, found in marks.items()}


def _script(words: Iterable[str]) -> re.Pattern[str]:
    own = sorted((word for word in words if CJK.search(word)), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, own)))


def _entries(text: str) -> Iterable[tuple[str, ...]]:
    """``"log/sign in, down"`` as (log, in), (sign, in), (down,)."""
    for entry in text.split(","):
        choices: list[tuple[str, ...]] = [()]
        for word in entry.split():
            choices = [(*start, choice) for start in choices for choice in word.split("/")]
        yield from (choice for choice in choices if choice)


def _shipped(language: str) -> Mapping[str, object]:
    path = resources.files("gateway.triage") / "words" / f"{language}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def lexicon(language: str, extra: Extra = ()) -> Lexicon:
    """The lexicon of one of ``LANGUAGES``, with the operator's own words joined in."""
    return _build([_shipped("shared"), _shipped(language), dict(extra)], language)


def language_of(text: str, hint: str = "") -> str:
    """The language of ``LANGUAGES`` whose small words the text's beginning uses most; else ``hint``, else English."""
    if CJK.search(text):
        return "ja"
    votes = Counter(language for word in text[:1000].lower().split() for language in _function_words().get(word, ()))
    if votes and (best := max(votes.items(), key=lambda vote: vote[1]))[1] >= 2:
        return best[0]
    return hint if hint in LANGUAGES else "en"


@cache
def _function_words() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for language in LANGUAGES:
        for words in _entries(str(_shipped(language).get("function", ""))):
            found.setdefault(words[0], []).append(language)
    return {word: tuple(languages) for word, languages in found.items()}
