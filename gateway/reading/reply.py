"""Splits a body into what is new and what is not: quotation, signature. Marks, never deletes; in doubt keeps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from gateway.model import Reply, Span, SpanKind
from gateway.reading import headings, labels, quotemarks, signature
from gateway.reading.headings import Heading, Kind
from gateway.reading.lines import is_quoted

_NEW, _QUOTE, _SIGNATURE, _FORWARD = SpanKind.NEW, SpanKind.QUOTE, SpanKind.SIGNATURE, SpanKind.FORWARD
# Quotation marks of mailers that put initials or a bar there; believed only below an attribution.
_SUPERCITE = re.compile(r"[A-Z][A-Za-z]{0,11}>|\|")
_LAZY_FROM = 60
"""A quoted line of this length may have been wrapped, so that its rest stands on the next line without a mark."""


@dataclass(slots=True)
class _Block:
    """A stretch of lines that is all quotation, or none of it."""

    start: int
    end: int
    quoted: bool
    heading: Heading | None = None


def split(text: str, html: str, subject: str) -> Reply:
    """Splits ``text``, the plain body; ``html`` is the HTML body, whose client marks tell where a quotation begins.

    The spans joined give ``text`` again. ``quoted`` is all that was cut, in order, so that whoever unfolds it misses
    nothing: quotations with their headings, and the signature, which ``signature`` also holds on its own.
    ``subject`` tells an answer from a forward where a client marks both alike.
    """
    lines = text.split("\n")
    found = list(headings.find(lines))
    marked = quotemarks.find(lines, html) if html else None
    if marked and not any(heading.start <= marked.start for heading in found):
        found = [marked, *found]
    if not found and ">" not in text:
        return _without_quotation(text, lines)
    kinds = _classify(lines, found)
    first = next((heading.fields for heading in found if heading.fields), {})
    people = labels.people(first.get("sender", ""))
    return Reply(
        text=_pick(lines, kinds, (_NEW,)).strip(),
        quoted=_pick(lines, kinds, (_QUOTE, _FORWARD, _SIGNATURE)),
        signature=_pick(lines, kinds, (_SIGNATURE,)),
        quoted_from=people[0] if people else None,
        quoted_date_raw=first.get("date", ""),
        spans=tuple(_spans(lines, kinds)),
    )


def _without_quotation(text: str, lines: Sequence[str]) -> Reply:
    """The short way for most first mails."""
    begin = signature.start(lines)
    if begin == len(lines):
        return Reply(text=text.strip(), spans=(Span(_NEW, text),))
    kinds = [_NEW] * begin + [_SIGNATURE] * (len(lines) - begin)
    new, signed = "\n".join(lines[:begin]).strip(), "\n".join(lines[begin:]).strip("\r\n")
    return Reply(text=new, quoted=signed, signature=signed, spans=tuple(_spans(lines, kinds)))


def _classify(lines: Sequence[str], found: Sequence[Heading]) -> list[SpanKind]:
    kinds = [_NEW] * len(lines)
    blocks = list(_blocks(lines, found))
    texts = [block for block in blocks if not block.quoted and _sign(lines, kinds, block)]
    quotes = [block for block in blocks if block.quoted]
    for block in quotes:
        preceded = bool(texts) and texts[0].start < block.start
        followed = bool(texts) and texts[-1].start >= block.end
        kind = _FORWARD if block.heading and block.heading.kind is Kind.FORWARDED else _QUOTE
        for index in _cut(block, preceded, followed, len(quotes)):
            kinds[index] = kind
    return kinds


def _cut(block: _Block, preceded: bool, followed: bool, quotes: int) -> range:
    """The lines of a quotation that are folded away. New text below may answer it line by line, so then more stays.

    - with a heading, and at the end or the only one: all of it;
    - with a heading, text below, and more quotations: its heading only, for the answers stand in between;
    - without a heading: all of it at the end of a text, else nothing (the writer put it there).
    """
    if block.heading is None:
        return range(block.start, block.end) if preceded and not followed else range(0)
    if followed and quotes > 1:
        return range(block.start, block.heading.end)
    return range(block.start, block.end)


def _blocks(lines: Sequence[str], found: Sequence[Heading]) -> Iterator[_Block]:
    """Divides the body into quotations and the rest."""
    position, written = 0, False
    for heading in found:
        if heading.start < position:
            continue
        for block in _plain_blocks(lines, position, heading.start):
            yield block
            written = written or not block.quoted
        end = _end_of_quotation(lines, heading, written)
        yield _Block(heading.start, end, True, heading)
        position = end
    yield from _plain_blocks(lines, position, len(lines))


def _end_of_quotation(lines: Sequence[str], heading: Heading, written: bool) -> int:
    """Where the mail below a heading ends: with its quotation marks, or at the end of the body.

    Without marks, and with nothing written above, what stands below is all the text there is: only the heading goes.
    """
    index = heading.end
    while index < len(lines) and not lines[index].strip():
        index += 1
    opened = heading.quoted(lines)
    marked = index < len(lines) and (is_quoted(lines[index]) or _is_supercite(lines[index], heading))
    if marked and (written or heading.kind is Kind.ATTRIBUTION):
        return _end_of_marks(lines, index, heading)
    if opened and written:
        return index
    return len(lines) if written else heading.end


def _is_supercite(line: str, heading: Heading) -> bool:
    return heading.kind is Kind.ATTRIBUTION and _SUPERCITE.match(line) is not None


def _end_of_marks(lines: Sequence[str], index: int, heading: Heading | None) -> int:
    """The end of a run of quoted lines; blank lines inside belong to it, and the wrapped rest of a long line."""
    end = index
    while index < len(lines):
        line = lines[index]
        if is_quoted(line) or (heading and _is_supercite(line, heading)):
            end = index + 1
        elif line.strip() and not (end == index and _is_wrapped_rest(lines, index)):
            break
        index += 1
    return end


def _is_wrapped_rest(lines: Sequence[str], index: int) -> bool:
    """Whether a line is the rest of the quoted line above, which was wrapped on its way."""
    above = lines[index - 1]
    below = lines[index + 1] if index + 1 < len(lines) else ""
    return len(above) >= _LAZY_FROM and is_quoted(above) and is_quoted(below) and lines[index][:1].islower()


def _plain_blocks(lines: Sequence[str], start: int, end: int) -> Iterator[_Block]:
    """Stretches without a heading: quoted or not by their marks alone."""
    position = start
    index = start
    while index < end:
        if is_quoted(lines[index]):
            if any(lines[at].strip() for at in range(position, index)):
                yield _Block(position, index, False)
            position = min(_end_of_marks(lines, index, None), end)
            yield _Block(index, position, True)
            index = position
        else:
            index += 1
    if any(lines[at].strip() for at in range(position, end)):
        yield _Block(position, end, False)


def _sign(lines: Sequence[str], kinds: list[SpanKind], block: _Block) -> bool:
    """Marks the signature of a stretch of new text; tells whether text is left above it."""
    begin = block.start + signature.start(lines[block.start : block.end])
    for index in range(begin, block.end):
        kinds[index] = _SIGNATURE
    return any(lines[index].strip() for index in range(block.start, begin))


def _pick(lines: Sequence[str], kinds: Sequence[SpanKind], wanted: Iterable[SpanKind]) -> str:
    return "\n".join(line for line, kind in zip(lines, kinds, strict=True) if kind in wanted).strip("\r\n")


def _spans(lines: Sequence[str], kinds: Sequence[SpanKind]) -> Iterator[Span]:
    """Runs of lines of one kind; each but the last keeps the newline at its end, so that they join to the body."""
    start = 0
    for kind, run in groupby(kinds):
        end = start + sum(1 for _ in run)
        yield Span(kind, "\n".join(lines[start:end]) + ("\n" if end < len(lines) else ""))
        start = end
