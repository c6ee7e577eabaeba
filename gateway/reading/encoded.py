"""Transfer encodings (RFC 2045, section 6): base64, quoted-printable, and uuencode of old."""

from __future__ import annotations

import binascii
import re

import pybase64

UUENCODE = frozenset({"x-uuencode", "uuencode", "x-uue", "uue"})
MANY_RUNS = 1000
"""Padding inside a base64 body ends a run; beyond so many runs it is noise."""
FOREIGN = 0.1
"""Share of a text that may be damaged; in words, blanks alone are more."""
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n"
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


def decode_text(data: bytes, encoding: str) -> tuple[bytes, bytes]:
    """As ``decode``; and the lines below, as they came, that are not in the encoding: what a list put there, or all of
    a text whose program only says that it encoded it."""
    end = end_of_text(data, encoding)
    return decode(data[:end], encoding), data[end:]


def end_of_text(data: bytes, encoding: str) -> int:
    """Where a text declared as base64 ends to be so."""
    if encoding != "base64" or not data.translate(None, _BASE64):
        return len(data)
    prose = _PROSE.search(data)
    end = data.rfind(b"\n", 0, prose.start()) + 1 if prose else len(data)
    body = data[:end].translate(None, b"\r\n")
    foreign = len(body.translate(None, _BASE64))
    whole = foreign <= FOREIGN * len(body) and not (prose and (len(body) - foreign) % 4)
    return end if whole else 0


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
