"""Finds what mail clients write above a mail they quote: an attribution, a block of headers, a separator.

Works on lines, in one pass: each line is looked at a bounded number of times, and long lines not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from enum import Enum, auto

from gateway.model import record
from gateway.reading import attribution, labels, phrases
from gateway.reading.lines import LONGEST, bare, folded, is_cited, is_quoted, next_filled, variants


class Kind(Enum):
    ATTRIBUTION = auto()
    """On such a day somebody wrote:"""
    HEADERS = auto()
    """From, Sent, To, Subject one below the other."""
    ORIGINAL = auto()
    """A separator that says "original message", with or without headers."""
    FORWARDED = auto()
    """A separator that says "forwarded message", with or without headers."""


@record
class Body:
    """A plain body, its lines, and the headings in them, top to bottom. Made once for all who take it apart."""

    text: str
    lines: Sequence[str]
    headings: Sequence[Heading]


@record
class Heading:
    """One heading, ``lines[start:end]``. ``fields`` hold raw values by the names of ``phrases.Labels``."""

    kind: Kind
    start: int
    end: int
    fields: Mapping[str, str] = field(default_factory=dict)

    def quoted(self, lines: Sequence[str]) -> bool:
        """Whether it stands behind quotation marks. Apple Mail marks the headers, not the separator above them;
        GroupWise writes the marks around its attribution, and none below."""
        line = self.start if self.kind is Kind.ATTRIBUTION else self.end - 1
        return self.end > self.start and is_quoted(lines[line]) and not lines[self.end - 1].rstrip().endswith(">>>")


_ENDS = frozenset(variants(phrases.FORWARD_ENDS))
_SEPARATORS = {phrase: Kind.ORIGINAL for row in phrases.ORIGINAL.values() for phrase in variants(row)} | {
    phrase: Kind.FORWARDED for row in phrases.FORWARDED.values() for phrase in variants(row)
}
_SEPARATOR_WORDS = max(len(phrase.split()) for phrase in _SEPARATORS)
_DECORATION = " \t\xa0-‐‑‒–—―=_*~#+.:：<>|»«…\"'\u200b\ufeff"
_RULES = frozenset("-‐‑‒–—―_=*~#<")
_FIRST = _RULES | {">", "|", "`"}
_SPACELESS_SCRIPT = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_DIVIDER = re.compile(r"(?:[-‐–—―_=*~]\s?){3,}")
_LABELLED_RULE = re.compile(r"[-‐–—―_=*~]{3,}[^-_=*~]{1,60}[-‐–—―_=*~]{3,}")
"""With headers below it says something of them, in whatever language."""
_SCISSORS = re.compile(r"={2,}8<=")
"""Of The Bat!, above the text and below it."""
_TRACE = ("Received:", "Return-Path:", "Delivered-To:", "DKIM-Signature:", "ARC-Seal:", "Authentication-Results:")
_TRACE_LINES = 60
_QUOTED_BLANKS = 5
"""Empty lines that may stand at the top of a quotation, above its heading."""


def scan(text: str) -> Body:
    lines = text.split("\n")
    return Body(text, lines, tuple(find(lines)))


def find(lines: Sequence[str]) -> Iterator[Heading]:
    """Yields the headings of a body, top to bottom, at the outermost level of quotation.

    Inside a quotation only its first lines are looked at: Apple Mail puts the attribution behind the quotation mark.
    Text between lines of three backticks is code, and has none.
    """
    position, fenced, inside = 0, False, -1
    for index in _candidates(lines):
        line = lines[index]
        if line.startswith("```"):
            fenced = not fenced
        if is_quoted(line) and (inside == index - 1 >= 0 or _is_inside_quotation(lines, index)):
            inside = index
            continue
        if fenced or index < position or len(line) > LONGEST:
            continue
        heading = at(lines, index)
        if heading:
            yield heading
            position = heading.end


def _candidates(lines: Sequence[str]) -> list[int]:
    """Most lines are none: a heading has a colon, an address or a year in its first line, or begins with a rule."""
    return [
        index
        for index, line in enumerate(lines)
        if line
        and (
            line[0] in _FIRST
            or ":" in line
            or "@" in line
            or "<" in line
            or "20" in line
            or "--" in line
            or "：" in line
        )
    ]


def _is_inside_quotation(lines: Sequence[str], index: int) -> bool:
    """Whether text of the same quotation stands above a quoted line."""
    for above in lines[max(0, index - _QUOTED_BLANKS) : index][::-1]:
        if not is_quoted(above):
            return False
        if above[:LONGEST].strip("> \t\r"):
            return True
    return index > 0


def at(lines: Sequence[str], position: int) -> Heading | None:
    """The heading that begins at this line, if one does."""
    line = bare(lines[position])
    if not line or line == "--":  # RFC 3676 §4.3: a signature
        return None
    if line[0] in _RULES or line[-1] in ":：-=":
        found = _separated(lines, position, line)
        if found:
            return found
    label = labels.of(line)
    if label and label[0] and not _below_trace(lines, position):
        fields, end = labels.read(lines, position)
        if labels.convincing(fields):
            return _under_plain_phrase(lines, position, end, fields)
    quoted = attribution.at(lines, position)
    return Heading(Kind.ATTRIBUTION, position, *quoted) if quoted else None


def _below_trace(lines: Sequence[str], position: int) -> bool:
    """Whether trace fields stand directly above: somebody shows us the header of a mail, and goes on below."""
    for above in range(position - 1, max(-1, position - _TRACE_LINES), -1):
        line = lines[above]
        if not line.strip():
            break
        if line.startswith(_TRACE):
            return True
    return False


def _under_plain_phrase(lines: Sequence[str], position: int, end: int, fields: Mapping[str, str]) -> Heading:
    """Headers; a line above that says "forwarded message" without any rule or colon belongs to them."""
    for above in range(position - 1, max(-1, position - 3), -1):
        line = lines[above].strip()
        kind = separator(line) if len(line) <= LONGEST else None
        if kind:
            return Heading(kind, above, _behind_closing(lines, end, line), fields)
        if _LABELLED_RULE.fullmatch(line):
            return Heading(Kind.HEADERS, above, end, fields)
        if line:
            break
    return Heading(Kind.HEADERS, position, end, fields)


def _separated(lines: Sequence[str], position: int, line: str) -> Heading | None:
    """A separator, and the headers or the attribution below it; a plain divider counts only with headers."""
    kind = separator(line)
    below = _below_dividers(lines, position + 1) if kind or _DIVIDER.fullmatch(line) else None
    if kind is None:
        return _under_divider(lines, position, below) if below is not None else None
    if below is not None:
        fields, end = labels.read(lines, below)
        if not fields:
            fields, end = labels.read_without_colons(lines, below)
        if len(fields) > 1 or "sender" in fields:
            return Heading(kind, position, _behind_closing(lines, end, line), fields)
        quoted = attribution.at(lines, below)
        if quoted:
            return Heading(kind, position, *quoted)
    believed = len(line.strip(_DECORATION).split()) > 1 or _SPACELESS_SCRIPT.search(line)
    cited = is_cited(lines, position, position + 1)
    return Heading(kind, position, position + 1) if believed and not cited else None


def _under_divider(lines: Sequence[str], position: int, below: int) -> Heading | None:
    """A plain rule with headers under it, or with a separator that says more."""
    line = bare(lines[below])
    if separator(line[:LONGEST]):
        inner = _separated(lines, below, line)
        return inner and Heading(inner.kind, position, inner.end, inner.fields)
    fields, end = labels.read(lines, below)
    return Heading(Kind.HEADERS, position, end, fields) if labels.convincing(fields) else None


def _below_dividers(lines: Sequence[str], position: int) -> int | None:
    """The next line with text that is no plain rule."""
    for _ in range(3):
        below = next_filled(lines, position, 4)
        if below is None or not _DIVIDER.fullmatch(bare(lines[below])[:LONGEST]):
            return below
        position = below + 1
    return None


def _behind_closing(lines: Sequence[str], end: int, above: str) -> int:
    """Some clients repeat the separator, or draw a rule, below the headers."""
    below = next_filled(lines, end, 2)
    if below is None:
        return end
    line = bare(lines[below])[:LONGEST]
    closes = line == above or _SCISSORS.match(line) or (below == end and _DIVIDER.fullmatch(line))
    return below + 1 if closes else end


def separator(line: str) -> Kind | None:
    """What a line says of the mail below: "original message" or "forwarded message", in the languages known."""
    words = folded(line.strip(_DECORATION)).split()[: _SEPARATOR_WORDS + 1]
    if not words:
        return None
    found = _SEPARATORS.get(" ".join(words))
    if found or len(words) < 2 or not _DIVIDER.match(line):
        return found
    # Lotus Notes and mutt go on behind the phrase: "----- Forwarded by Bob/Sales on 3 May -----".
    begins = (_SEPARATORS.get(" ".join(words[:count])) for count in range(len(words) - 1, 1, -1))
    return next(filter(None, begins), None)


def ends_forward(line: str) -> bool:
    """Whether a line says that the forwarded mail ends here."""
    return line[:2] in ("--", "==", "__") and len(line) < 120 and folded(line.strip(_DECORATION + "8")) in _ENDS
