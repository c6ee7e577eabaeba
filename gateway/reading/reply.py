"""Splits a body into what is new and what is not: quotation, signature. Marks, never deletes; in doubt keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from gateway.model import Address, Reply, Span, SpanKind
from gateway.reading import labels, phrases, quotemarks, signature
from gateway.reading.headings import Body, Heading, Kind
from gateway.reading.lines import is_quoted, next_filled

_NEW, _QUOTE, _SIGNATURE, _FORWARD = SpanKind.NEW, SpanKind.QUOTE, SpanKind.SIGNATURE, SpanKind.FORWARD
# Quotation marks of mailers that put a name, initials or a bar there; believed where one stands below an attribution.
_RARE_MARKS = (re.compile(r"[ ]{0,4}[A-Za-z]{1,12}>"), re.compile(r"[ ]{0,4}\|"))
_LAZY_FROM = 60
"""A quoted line of this length may have been wrapped, so that its rest stands on the next line without a mark."""
_UNMARKED = (Kind.HEADERS, Kind.ORIGINAL)
"""Headings whose clients put no mark before the quoted lines."""
_SHORT_NOTE = 400
"""Characters of a text that does no more than point to the answers below."""
# What a line is, in one character: so the lines of a body are searched as one string.
_QUOTED, _BLANK, _TEXT = ">", " ", "t"


@dataclass(slots=True)
class _Block:
    """A stretch of lines that is all quotation, or none of it."""

    start: int
    end: int
    quoted: bool
    heading: Heading | None = None


def split(body: Body, html: str = "") -> Reply:
    """Splits the plain body; ``html`` is the HTML body, whose client marks tell where a quotation begins.

    The spans joined give the text again. ``quoted`` is all that was cut, in order, so that whoever unfolds it misses
    nothing: quotations with their headings, and the signature, which ``signature`` also holds on its own.
    """
    lines, found = body.lines, body.headings
    marked = quotemarks.find(lines, html) if html else quotemarks.Found()
    if marked.quotation and not (found and found[0].start <= marked.quotation.start):
        found = (marked.quotation, *found)
    if not found and ">" not in body.text:
        return _without_quotation(body, marked.signature)
    first = next((heading.fields for heading in found if heading.fields), {})
    people = labels.people(first.get("sender", ""))
    kinds, interleaved = _classify(lines, found, marked.signature)
    return _reply(_spans(lines, kinds), people[0] if people else None, first.get("date", ""), interleaved)


def _without_quotation(body: Body, marked: range) -> Reply:
    """The short way for most first mails."""
    begin = signature.start(body.lines, opening=True)
    if marked and marked.start < begin and not any(map(str.strip, body.lines[marked.stop :])):
        begin = marked.start
    if begin == len(body.lines):
        return Reply(text=body.text.strip(), spans=(Span(_NEW, body.text),))
    signed = "\n".join(body.lines[begin:])
    new = body.text[: len(body.text) - len(signed)]
    spans = (Span(_NEW, new), Span(_SIGNATURE, signed)) if new else (Span(_SIGNATURE, signed),)
    cut = signed.strip("\r\n")
    return Reply(text=new.strip(), quoted=cut, signature=cut, spans=spans)


def _reply(spans: Sequence[Span], quoted_from: Address | None, date: str, interleaved: bool) -> Reply:
    return Reply(
        text="".join([span.text for span in spans if span.kind is _NEW]).strip(),
        quoted="".join([span.text for span in spans if span.kind is not _NEW]).strip("\r\n"),
        signature="".join([span.text for span in spans if span.kind is _SIGNATURE]).strip("\r\n"),
        quoted_from=quoted_from,
        quoted_date_raw=date,
        spans=tuple(spans),
        interleaved=interleaved,
    )


def _spans(lines: Sequence[str], kinds: Sequence[SpanKind]) -> list[Span]:
    """Runs of lines of one kind; each but the last keeps the newline at its end, so that they join to the body."""
    spans, end = [], 0
    for kind, run in groupby(kinds):
        start, end = end, end + len(list(run))
        spans.append(Span(kind, "\n".join(lines[start:end]) + ("\n" if end < len(lines) else "")))
    return spans


def _classify(lines: Sequence[str], found: Sequence[Heading], marked: range) -> tuple[list[SpanKind], bool]:
    """The kind of each line, and whether quoted ones are among the new."""
    kinds, interleaved = [_NEW] * len(lines), False
    marks = _marks(lines, found)
    blocks = list(_blocks(lines, marks, found))
    texts = [block for block in blocks if not block.quoted and _sign(lines, marks, kinds, block, marked)]
    quotes = [block for block in blocks if block.quoted]
    for block in quotes:
        preceded = bool(texts) and texts[0].start < block.start
        followed = bool(texts) and texts[-1].start >= block.end
        kind = _FORWARD if block.heading and block.heading.kind is Kind.FORWARDED else _QUOTE
        cut = _cut(block, preceded, followed, len(quotes))
        if block.heading and block.heading.kind in _UNMARKED and _announces(lines, block.start):
            cut = range(block.start, block.heading.end)
        kinds[cut.start : cut.stop] = [kind] * len(cut)
        interleaved = interleaved or _stays(lines, block, cut, followed)
    return kinds, interleaved


def _stays(lines: Sequence[str], block: _Block, cut: range, followed: bool) -> bool:
    """Whether quoted text is left: lines of the block, or what has no marks below a heading that is all of it."""
    if cut.stop < block.end or block.heading is None:
        return cut.stop < block.end
    return followed and not any(map(str.strip, lines[block.heading.end : block.end]))


def _announces(lines: Sequence[str], end: int) -> bool:
    """Whether the text above says that the answers stand between the lines below, coloured maybe, or to read them."""
    above = " ".join(lines[:end])
    return len(above) <= _SHORT_NOTE and phrases.INSIDE.search(above.lower()) is not None


def _marks(lines: Sequence[str], found: Sequence[Heading]) -> str:
    marks = [
        _QUOTED if ">" in line[:12] and is_quoted(line) else _TEXT if line and not line.isspace() else _BLANK
        for line in lines
    ]
    if rare := _rare_mark(lines, found):
        marks = [_QUOTED if rare.match(line) else mark for mark, line in zip(marks, lines, strict=True)]
    return "".join(marks)


def _rare_mark(lines: Sequence[str], found: Sequence[Heading]) -> re.Pattern[str] | None:
    firsts = (next_filled(lines, heading.end, 3) for heading in found if heading.kind is Kind.ATTRIBUTION)
    below = [lines[first] for first in firsts if first is not None]
    return next((mark for mark in _RARE_MARKS for line in below if mark.match(line)), None)


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


def _blocks(lines: Sequence[str], marks: str, found: Sequence[Heading]) -> Iterator[_Block]:
    """Divides the body into quotations and the rest."""
    position, written = 0, False
    for heading in found:
        if heading.start < position:
            continue
        for block in _plain_blocks(lines, marks, position, heading.start):
            yield block
            written = written or not block.quoted
        end = _end_of_quotation(lines, marks, heading, written)
        yield _Block(heading.start, end, True, heading)
        position = end
    yield from _plain_blocks(lines, marks, position, len(lines))


def _end_of_quotation(lines: Sequence[str], marks: str, heading: Heading, written: bool) -> int:
    """Where the mail below a heading ends: with its quotation marks, or at the end of the body.

    Without marks, and with nothing written above, what stands below is all the text there is: only the heading goes.
    """
    index = heading.end
    while index < len(lines) and marks[index] == _BLANK:
        index += 1
    if index < len(lines) and marks[index] == _QUOTED and (written or heading.kind is Kind.ATTRIBUTION):
        return _end_of_marks(lines, marks, index)
    if written and heading.quoted(lines):
        return index
    return len(lines) if written else heading.end


def _end_of_marks(lines: Sequence[str], marks: str, start: int) -> int:
    """The end of a run of quoted lines; blank lines inside belong to it, and the wrapped rest of a long line."""
    end = start
    for index in range(start, len(lines)):
        if marks[index] == _QUOTED:
            end = index + 1
        elif marks[index] == _TEXT and not (end == index and _is_wrapped_rest(lines, marks, index)):
            break
    return end


def _is_wrapped_rest(lines: Sequence[str], marks: str, index: int) -> bool:
    """Whether a line is the rest of the quoted line above, which was wrapped on its way."""
    between = marks[index - 1] == _QUOTED and marks[index + 1 : index + 2] == _QUOTED
    return between and len(lines[index - 1]) >= _LAZY_FROM and lines[index][:1].islower()


def _plain_blocks(lines: Sequence[str], marks: str, start: int, end: int) -> Iterator[_Block]:
    """Stretches without a heading: quoted or not by their marks alone."""
    position = start
    while (index := marks.find(_QUOTED, position, end)) >= 0:
        if _TEXT in marks[position:index]:
            yield _Block(position, index, False)
        position = min(_end_of_marks(lines, marks, index), end)
        yield _Block(index, position, True)
    if _TEXT in marks[position:end]:
        yield _Block(position, end, False)


def _sign(lines: Sequence[str], marks: str, kinds: list[SpanKind], block: _Block, marked: range) -> bool:
    """Marks the signature of a stretch of new text, ``marked`` by the client at its end or told by its looks; tells
    whether text is left above it."""
    begin = block.start + signature.start(lines[block.start : block.end], opening=block.start == 0)
    if marked and block.start <= marked.start < begin and _TEXT not in marks[marked.stop : block.end]:
        begin = marked.start
    kinds[begin : block.end] = [_SIGNATURE] * (block.end - begin)
    return _TEXT in marks[block.start : begin]
