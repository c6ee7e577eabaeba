"""Header fields and parts of a mail, as views on its bytes; ``structure`` finds them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field

from gateway.model import record
from gateway.reading import charset, encoded
from gateway.reading import headers as fields

_NULL_PATHS = frozenset({b"<>", b"< >"})
_SOFT_BREAK = re.compile(r"(?<!^--) \n(?!>)", re.MULTILINE)


class Headers:
    """The header fields of a mail or a part, in order; asked for by their names in lower case.

    A value is decoded (RFC 2047) and unfolded only when asked for.
    """

    __slots__ = ("_index", "fields")

    def __init__(self, pairs: Iterable[tuple[str, bytes]] = ()) -> None:
        self.fields: tuple[tuple[str, bytes], ...] = tuple(pairs)
        """Lower-case name and the value as sent, field by field."""
        index: dict[str, list[bytes]] = {}
        for name, value in self.fields:
            index.setdefault(name, []).append(value)
        self._index = index

    def get(self, name: str) -> str:
        """The first value of this name, decoded and on one line; empty where there is none."""
        values = self._index.get(name)
        return fields.decode(values[0]) if values else ""

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of this name, decoded, in order."""
        return tuple(fields.decode(value) for value in self._index.get(name, ()))

    def raw(self, name: str) -> bytes:
        """The first value of this name as sent; empty where there is none."""
        values = self._index.get(name)
        return values[0] if values else b""

    def raws(self, name: str) -> list[bytes]:
        """Every value of this name as sent, in order."""
        return self._index.get(name, [])

    @property
    def null_path(self) -> bool:
        """Whether Return-Path is the null one (RFC 5321, section 4.5.5): nobody is to be told of anything."""
        return self.raw("return-path").strip() in _NULL_PATHS

    def __contains__(self, name: str) -> bool:
        return name in self._index

    def __iter__(self) -> Iterator[str]:
        return iter(self._index)


@record
class Part:
    """One part of a mail, a view on its bytes. Containers (``multipart/*``) are parts too, before their own."""

    raw: bytes = field(repr=False)
    """The whole mail; the part is ``raw[start:end]``, still encoded."""
    headers: Headers
    content_type: str
    """Lower case, such as ``text/plain``; never empty."""
    params: Mapping[str, str]
    """Parameters of Content-Type, names in lower case (``boundary``, ``charset``, ``report-type``, ...)."""
    disposition: str
    """``attachment``, ``inline``, another word in lower case, or empty."""
    filename: str
    """As sent, decoded (RFC 2231, RFC 2047); not yet safe to use as a name."""
    content_id: str
    """Without angle brackets."""
    start: int
    end: int
    encoding: str
    """Content-Transfer-Encoding, lower case; empty where none is given."""
    depth: int
    parent: int
    """Index of the container among the parts; -1 for the mail itself."""

    @property
    def is_container(self) -> bool:
        return self.content_type.startswith("multipart/")

    def content(self) -> bytes:
        """The bytes, transfer-decoded. Never raises: what cannot be decoded stays as far as it went."""
        return encoded.decode(memoryview(self.raw)[self.start : self.end], self.encoding)

    @property
    def is_as_encoded(self) -> bool:
        """Whether all of a text is in the transfer encoding that it declares."""
        return encoded.end_of_text(self.raw[self.start : self.end], self.encoding) == self.end - self.start

    def text(self, most: int | None = None) -> str:
        """The content as text, with LF line ends; made of no more than the first ``most`` encoded bytes."""
        end = self.end if most is None else min(self.end, self.start + most)
        data, below = encoded.decode_text(self.raw[self.start : end], self.encoding)
        declared = self.params.get("charset", "")
        text = charset.decode(data, declared)
        if below:
            text = f"{text}\n{charset.decode(below)}" if data else charset.decode(below, declared)
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        text = text.replace("\0", "")  # PostgreSQL has no place for it
        # RFC 3676, section 4.1: with DelSp the blank before a soft line break is no part of the text.
        return _SOFT_BREAK.sub("", text) if self.params.get("delsp", "").lower() == "yes" else text


def parse_headers(block: bytes) -> Headers:
    """Read header fields, such as those inside a ``message/delivery-status`` or ``message/rfc822`` part."""
    return Headers(fields.split(block)[0])
