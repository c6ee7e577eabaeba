"""The structure of a mail: where its header fields and its parts lie, found without copying them.

Line ends are CRLF or LF, as an MTA sees them. A stray CR never ends a header line, or the text behind it could pass
for a header of its own ("X: a<CR>From: ..."); only in a file that has no LF at all does it.
Depth is handled by a stack, not by recursion, and each byte is looked at once a level.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple

from gateway.model import record
from gateway.reading import headers as fields
from gateway.reading.limits import Limits
from gateway.reading.mime import Headers, Part

_MBOX_LINE = re.compile(rb">?From [^\n]*\n")
_BLANK_LINE = re.compile(rb"[ \t\r]*+\n")
_LINE_END = re.compile(rb"[ \t\r]*+(?:\n|\Z)")
_BODY = re.compile(rb"\n\r?\n")
_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+\Z", re.ASCII)
_CR = 13
SEARCHED_TIMES, SEARCHED_BYTES = 8, 16 * 1024 * 1024
"""How often the bytes of a mail are searched for boundaries; each level of nesting does so once. The second number
lets small mails nest as deep as the limits allow."""


@record
class Structure:
    parts: tuple[Part, ...]
    """In the order of the mail; the first is the mail itself."""
    defects: tuple[str, ...]

    @property
    def headers(self) -> Headers:
        return self.parts[0].headers


def normalised(raw: bytes) -> bytes:
    """``raw`` without a byte order mark, which would hide the first header, and with LF where CR alone ends the lines
    (files of old Macs); mostly the same object. Spans count in this form."""
    raw = raw.removeprefix(codecs.BOM_UTF8)
    return raw if b"\n" in raw else raw.replace(b"\r", b"\n")


def parse(raw: bytes, limits: Limits, *, shallow: bool = False) -> Structure:
    """Find the header fields and the parts of a normalised mail. Never raises.

    ``shallow`` leaves out what a part of type ``multipart/*`` holds.
    """
    walk = _Walk(raw, limits)
    walk.run(shallow)
    return Structure(tuple(walk.parts), tuple(dict.fromkeys(walk.defects)))


class _Span(NamedTuple):
    """A part still to be read: where it lies, and what it takes from its container."""

    start: int
    end: int
    depth: int = 0
    parent: int = -1
    default: str = "text/plain"


class _Walk:
    """Reads the parts depth first."""

    def __init__(self, raw: bytes, limits: Limits) -> None:
        self.raw = raw
        self.limits = limits
        self.parts: list[Part] = []
        self.defects: list[str] = []
        self.to_search = SEARCHED_TIMES * len(raw) + SEARCHED_BYTES

    def run(self, shallow: bool) -> None:
        mbox = _MBOX_LINE.match(self.raw)
        waiting = [_Span(mbox.end() if mbox else 0, len(self.raw))]
        while waiting:
            if len(self.parts) >= self.limits.parts:
                self.defects.append("too-many-parts")
                return
            inner = self._read(waiting.pop())
            waiting += [] if shallow else inner

    def _read(self, span: _Span) -> list[_Span]:
        """Read one part; gives the spans inside it, the last one first."""
        headers, body = self._head(span)
        content_type, params = self._type(headers, span.default)
        inner: list[_Span] = []
        if content_type.startswith("multipart/"):
            inner = self._inner(span, body, params.get("boundary", ""), content_type)
            content_type = content_type if inner else "text/plain"
        disposition, more, _ = fields.parameters(headers.raw("content-disposition"))
        name = more.get("filename") or params.get("name", "")
        content_id = headers.get("content-id").strip("<> ")
        encoding = headers.get("content-transfer-encoding").partition(";")[0].strip().lower()
        self.parts.append(
            Part(
                self.raw, headers, content_type, params, disposition, name, content_id, body, span.end, encoding,
                span.depth, span.parent,
            )
        )  # fmt: skip
        return inner

    def _head(self, span: _Span) -> tuple[Headers, int]:
        """The header fields of a part, and where its body starts."""
        limit = min(span.end, span.start + self.limits.header_bytes)
        pairs, at = fields.split(self.raw, span.start, limit)
        if limit < span.end and at >= limit:
            self._note("header-too-long", span)
            blank = _BODY.search(self.raw, limit - 1, span.end)
            at = blank.end() if blank else span.end
        elif blank := _BLANK_LINE.match(self.raw, at, span.end):
            at = blank.end()
        elif at < span.end:
            self._note("header-without-end", span)
        return Headers(pairs), at

    def _note(self, defect: str, span: _Span) -> None:
        self.defects.append(defect if span.parent < 0 else f"part-{defect}")

    def _type(self, headers: Headers, default: str) -> tuple[str, dict[str, str]]:
        values = headers.raws("content-type")
        if not values:
            return default, {}
        content_type, params, twice = fields.parameters(values[0])
        if twice or len(values) > 1:
            self.defects.append("ambiguous-content-type")
        if not _TYPE.match(content_type):
            content_type = default
        return content_type, params

    def _inner(self, span: _Span, body: int, boundary: str, content_type: str) -> list[_Span]:
        self.to_search -= span.end - body
        if span.depth >= self.limits.nesting or self.to_search < 0:
            self.defects.append("too-deep")
            return []
        default = "message/rfc822" if content_type == "multipart/digest" else "text/plain"
        index, depth = len(self.parts), span.depth + 1
        mark = b"--" + boundary.rstrip().encode("utf-8", "replace")
        inner: list[_Span] = []
        for start, end in _between(self.raw, body, span.end, mark):
            if len(inner) > self.limits.parts:
                break
            inner.append(_Span(start, end, depth, index, default))
        if not inner:
            self.defects.append("multipart-without-parts")
        return inner[::-1]


def _between(raw: bytes, start: int, end: int, mark: bytes) -> Iterator[tuple[int, int]]:
    """The spans between delimiter lines (RFC 2046, section 5.1); the last may lack its closing delimiter."""
    opened = -1
    at = start if raw.startswith(mark, start, end) else raw.find(b"\n" + mark, start, end)
    while at >= 0:
        behind = at + len(mark) + (raw[at] == 10)
        closing = raw.startswith(b"--", behind)
        line = _LINE_END.match(raw, behind + 2 * closing, end)
        if line:
            if opened >= 0:
                yield opened, max(opened, at - (raw[at - 1] == _CR))
            opened = -1 if closing else line.end()
            if closing:
                return
        at = raw.find(b"\n" + mark, behind - 1, end)
    if opened >= 0:
        yield opened, end
