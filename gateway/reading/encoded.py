"""Transfer encodings (RFC 2045, section 6): base64, quoted-printable, and uuencode of old."""

from __future__ import annotations

import binascii
import re

import pybase64

UUENCODE = frozenset({"x-uuencode", "uuencode", "x-uue", "uue"})
MANY_RUNS = 1000
"""Padding inside a base64 body ends a run; beyond so many runs it is noise."""
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_PROSE = re.compile(rb"^_{20,}\r?$|^[A-Za-z]{1,20} [a-z]{1,20} [a-z]{1,20}", re.MULTILINE)
_BLANKS_BEHIND_SOFT_BREAK = re.compile(rb"=[ \t]+(?=\r?\n)")
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} ([^\r\n]+)\r?\n", re.MULTILINE)


def decode(data: bytes | memoryview, encoding: str) -> bytes:
    """``data`` without its transfer encoding. Never raises; an unknown encoding leaves it as it is."""
    if encoding == "base64":
        return base64(data)
    data = bytes(data)
    if encoding == "quoted-printable":
        return quoted_printable(data)
    if encoding in UUENCODE:
        return uuencode(data)
    return data


def decode_text(data: bytes, encoding: str) -> bytes:
    """As ``decode``, and without the lines that a mailing list put below a body that it did not decode."""
    if encoding == "base64" and (b" " in data or b"_" in data) and (footer := _PROSE.search(data)):
        data = data[: data.rfind(b"\n", 0, footer.start()) + 1]
    return decode(data, encoding)


def base64(data: bytes | memoryview) -> bytes:
    """Whatever can be read, with foreign bytes skipped and missing padding added."""
    body = bytes(data).rstrip(b"\r\n\t =")
    if b"=" not in body:  # else padding inside ends a run, of which the decoder knows nothing
        try:
            return pybase64.b64decode(data)
        except (binascii.Error, ValueError):
            pass
    runs = [body] if body.count(b"=") > MANY_RUNS else body.split(b"=")
    return b"".join(map(_base64_run, runs))


def _base64_run(run: bytes) -> bytes:
    run = _NOT_BASE64.sub(b"", run)
    if len(run) % 4 == 1:
        run = run[:-1]
    return binascii.a2b_base64(run + b"=" * (-len(run) % 4))


def quoted_printable(data: bytes) -> bytes:
    if b"= " in data or b"=\t" in data:
        data = _BLANKS_BEHIND_SOFT_BREAK.sub(b"=", data)
    return binascii.a2b_qp(data)


def uuencode(data: bytes) -> bytes:
    """The file between ``begin`` and ``end``."""
    begin = _UU_BEGIN.search(data)
    lines = data[begin.end() if begin else 0 :].splitlines()
    decoded = []
    for line in lines:
        if line.rstrip() == b"end":
            break
        decoded.append(_uu_line(line))
    return b"".join(decoded)


def _uu_line(line: bytes) -> bytes:
    if not line or not 32 <= line[0] <= 96:
        return b""
    size = ((line[0] - 32) & 63) * 4 // 3 + 2
    try:
        return binascii.a2b_uu(line[: 1 + size])
    except binascii.Error:
        return b""
