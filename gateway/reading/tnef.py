"""winmail.dat: what Outlook wraps into one application/ms-tnef part (MS-OXTNEF), read without trusting any length."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.reading import charset

SIGNATURE = b"\x78\x9f\x3e\x22"
MOST_MEMBERS = 1000
MOST_ATTRIBUTES = 20_000
MOST_PROPERTIES = 2_000
"""In one attribute; and most values in one property."""
_RENDDATA, _TITLE, _DATA, _ATTACHMENT = 0x9002, 0x8010, 0x800F, 0x9005
_BODY, _MAPI, _CODEPAGE = 0x800C, 0x9003, 0x9007

_FIXED = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
"""Size of a property value by its type, padding included (MS-OXTNEF, section 2.1.3.4)."""
_OBJECT, _STRING, _UNICODE, _BINARY = 0x0D, 0x1E, 0x1F, 0x102
_SIZED = {_OBJECT, _STRING, _UNICODE, _BINARY}
_MANY = 0x1000
_P_BODY, _P_HTML = 0x1000, 0x1013
_P_DATA, _P_SHORT_NAME, _P_LONG_NAME, _P_MIME, _P_CONTENT_ID = 0x3701, 0x3704, 0x3707, 0x370E, 0x3712


@dataclass(frozen=True, slots=True)
class Member:
    name: str
    content_type: str
    content_id: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Container:
    """What one winmail.dat holds. Cut or broken data gives what came before the damage."""

    members: tuple[Member, ...] = ()
    text: str = ""
    html: str = ""
    readable: bool = False
    """Whether it is TNEF at all."""


class _Cut(Exception):
    """A length points behind the end."""


class _Cursor:
    __slots__ = ("at", "data")

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> memoryview:
        start, self.at = self.at, self.at + size
        if self.at > len(self.data):
            raise _Cut
        return self.data[start : self.at]

    def number(self, layout: str) -> int:
        value: int = struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        return value

    def padded(self) -> memoryview:
        """A length, so many bytes, and padding to a multiple of four."""
        size = self.number("<I")
        value = self.take(size)
        self.at = min(self.at + -size % 4, len(self.data))
        return value


def read(data: bytes) -> Container:
    """Members and body of a TNEF stream. Never raises; what is no TNEF is empty."""
    reader = _Reader()
    if data.startswith(SIGNATURE):
        try:
            for name, value in _attributes(_Cursor(memoryview(data)[6:])):
                reader.take(name, value)
        except _Cut:
            pass
    return reader.result()


def _attributes(cursor: _Cursor) -> Iterator[tuple[int, memoryview]]:
    """Identifier and value of each attribute; level, type and checksum say nothing more."""
    for _ in range(MOST_ATTRIBUTES):
        if cursor.at >= len(cursor.data):
            return
        cursor.take(1)
        name = cursor.number("<I") & 0xFFFF
        size = cursor.number("<I")
        yield name, cursor.take(size)
        cursor.take(2)


def _properties(value: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """Identifier, type and first value of each MAPI property; ends where the data is damaged."""
    cursor = _Cursor(value)
    try:
        for _ in range(min(cursor.number("<I"), MOST_PROPERTIES)):
            kind, name = cursor.number("<H"), cursor.number("<H")
            if name >= 0x8000:
                cursor.take(16)
                if cursor.number("<I"):
                    cursor.padded()
                else:
                    cursor.take(4)
            yield name, kind & ~_MANY, _value(cursor, kind)
    except _Cut:
        return


def _value(cursor: _Cursor, kind: int) -> memoryview:
    """The first value of a property; the others, where there are several, are passed over."""
    base = kind & ~_MANY
    if base not in _SIZED and base not in _FIXED:
        raise _Cut
    count = cursor.number("<I") if kind & _MANY or base in _SIZED else 1
    first = memoryview(b"")
    for index in range(min(count, MOST_PROPERTIES)):
        value = cursor.padded() if base in _SIZED else cursor.take(_FIXED[base])
        first = first if index else value
    return first


class _Reader:
    """Collects attributes; those of an attachment follow its attAttachRenddata."""

    def __init__(self) -> None:
        self.readable = False
        self.codepage = "cp1252"
        self.text = self.html = ""
        self.members: list[Member] = []
        self.open: dict[int, memoryview] | None = None
        self.types: dict[int, int] = {}

    def take(self, name: int, value: memoryview) -> None:
        self.readable = True
        if name == _RENDDATA:
            self._close()
            self.open = {}
        elif name == _CODEPAGE and len(value) >= 4:
            self.codepage = f"cp{struct.unpack('<I', value[:4])[0]}"
        elif name == _BODY:
            self.text = self.text or self._string(value, _STRING)
        elif name == _MAPI:
            self._body(value)
        elif self.open is not None and name in (_TITLE, _DATA):
            self.open.setdefault(name, value)
        elif self.open is not None and name == _ATTACHMENT:
            for prop, kind, content in _properties(value):
                self.open[prop] = content
                self.types[prop] = kind

    def _body(self, value: memoryview) -> None:
        for prop, kind, content in _properties(value):
            if prop == _P_BODY:
                self.text = self.text or self._string(content, kind)
            elif prop == _P_HTML:
                self.html = self.html or self._string(content, kind)

    def _string(self, value: memoryview, kind: int) -> str:
        if kind == _UNICODE:
            return charset.storable(bytes(value).decode("utf-16-le", "replace"))
        return charset.storable(charset.decode(bytes(value).rstrip(b"\0"), self.codepage))

    def _named(self, prop: int) -> str:
        value = (self.open or {}).get(prop)
        return self._string(value, self.types.get(prop, _STRING)) if value is not None else ""

    def _close(self) -> None:
        if self.open is None or len(self.members) >= MOST_MEMBERS:
            return
        data = self.open.get(_DATA)
        if data is None:
            data = self.open.get(_P_DATA, memoryview(b""))
        name = self._named(_P_LONG_NAME) or self._named(_TITLE) or self._named(_P_SHORT_NAME)
        kind = self._named(_P_MIME).strip().lower() or "application/octet-stream"
        self.members.append(Member(name, kind, self._named(_P_CONTENT_ID).strip("<> "), bytes(data)))
        self.open, self.types = None, {}

    def result(self) -> Container:
        self._close()
        return Container(tuple(self.members), self.text, self.html, self.readable)
