"""Bytes to text: by the declared character set, UTF-8, detection on a sample, windows-1252.

Python knows codecs that are no character sets (``unicode_escape``, ``punycode``, ``rot13``), and a sender can name
them, so only those listed here are used.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

import chardet
from chardet import EncodingEra

_NAMES = """
    ascii utf-7 utf-8 utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be
    iso8859-1 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-9 iso8859-10 iso8859-11
    iso8859-13 iso8859-14 iso8859-15 iso8859-16
    cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258
    cp437 cp737 cp775 cp850 cp852 cp855 cp857 cp858 cp860 cp861 cp862 cp863 cp864 cp865 cp866 cp869 cp874 cp1125
    koi8-r koi8-u koi8-t kz1048 ptcp154 hp-roman8 tis-620
    mac-roman mac-cyrillic mac-greek mac-latin2 mac-turkish mac-iceland mac-croatian mac-romanian
    shift_jis cp932 shift_jis_2004 euc_jp euc_jis_2004 iso2022_jp iso2022_jp_1 iso2022_jp_2 iso2022_jp_3
    iso2022_jp_2004 iso2022_jp_ext
    gb2312 gbk gb18030 hz big5 big5hkscs cp950 euc_kr cp949 johab iso2022_kr
"""
CHARSETS = frozenset(_NAMES.split())
"""The real character sets, as ``codecs.lookup`` names them."""

WIDER = {
    "ascii": "utf-8",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "cp950": "big5hkscs",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "iso2022_jp": "iso2022_jp_ext",
}
"""What senders mean by the narrower name (WHATWG Encoding, section 4.2)."""

ALIASES = {
    "x-sjis": "cp932",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "ksc5601": "cp949",
    "x-windows-949": "cp949",
    "x-gbk": "gb18030",
    "x-euc-jp": "euc_jp",
    "x-big5": "big5hkscs",
    "big5-hkscs": "big5hkscs",
    "gb_2312-80": "gb18030",
    "gb18030-2000": "gb18030",
    "windows-874": "cp874",
    "dos-874": "cp874",
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-8-e": "iso8859-8",
    "unicode-1-1-utf-7": "utf-7",
    "unicode-1-1-utf-8": "utf-8",
    "utf8mb4": "utf-8",
    "x-mac-roman": "mac-roman",
    "macintosh": "mac-roman",
    "x-mac-cyrillic": "mac-cyrillic",
    "x-mac-ce": "mac-latin2",
    "unicode": "utf-16",
    "ansi": "cp1252",
    "x-user-defined": "cp1252",
    "cp-850": "cp850",
    "x-cp1250": "cp1250",
    "x-cp1251": "cp1251",
    "x-cp1252": "cp1252",
}

SAMPLE = 4096
"""Bytes that detection looks at; it costs a few milliseconds."""
FEW_ERRORS = 0.02
"""Share of a text that may be unreadable before the declared character set is held to be wrong."""
FALLBACK = "cp1252"
FEW = 6
"""Letters beyond ASCII that say too little about their character set: then the commonest is the best guess."""
LATIN = ("cp1252", "cp1250", "cp1254", "cp1257")
"""All that comes into question where each foreign letter stands alone between ASCII letters."""
_NEVER_LIKE_UTF_8 = (FALLBACK, "iso2022")
"""In the one such letters hardly ever come in a row, the others have seven bits."""
_HIGH = re.compile(rb"[\x80-\xff]")
_NEIGHBOURS = re.compile(rb"[\x80-\xff]{2}")


@lru_cache(maxsize=512)
def codec(name: str) -> str:
    """The Python codec for a declared character set, widened to what senders mean; empty for an unknown name."""
    key = name.strip().strip("\"'").lower()
    key = ALIASES.get(key, key)
    if not key.isascii() or len(key) > 40:
        return ""
    try:
        found = codecs.lookup(key).name
    except (LookupError, ValueError):
        return ""
    return WIDER.get(found, found) if found in CHARSETS else ""


def storable(text: str) -> str:
    """``text`` as every database takes it: PostgreSQL has no place for NUL, and none for half a surrogate pair."""
    return _whole(text.replace("\0", ""))


def _whole(text: str) -> str:
    """With U+FFFD for halves of surrogate pairs: UTF-7 (RFC 2152), JSON and Python's arguments may hold one alone."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")  # which joins halves that fit
    return text


def decode(data: bytes, declared: str = "") -> str:
    """The text of ``data``. Never raises; at worst the text holds replacement characters."""
    return _whole(_decoded(data, declared))


def _decoded(data: bytes, declared: str) -> str:
    name = codec(declared) if declared else "utf-8"
    if name == "utf-8" and data.isascii() and b"\x1b" not in data:
        return data.decode("ascii")
    if not name or (name.startswith(_NEVER_LIKE_UTF_8) and _is_utf8(data)):
        name = "utf-8"
    try:
        text = data.decode(name)
    except UnicodeError:
        return _guess(data, name)
    if name == "utf-8" and b"\x1b" in data and data.isascii():
        return _escaped(data, text)
    return text.removeprefix("\ufeff")


def _is_utf8(data: bytes) -> bool:
    """Text that was declared otherwise by a program that did not look."""
    if data.isascii():
        return False
    try:
        data.decode("utf-8")
    except UnicodeError:
        return False
    return True


def _guess(data: bytes, declared: str) -> str:
    """The text of what is not in the declared character set."""
    if declared != "utf-8":
        try:
            return data.decode("utf-8").removeprefix("\ufeff")
        except UnicodeError:
            pass
    damaged = data.decode(declared, "replace")
    if damaged.count("\ufffd") <= FEW_ERRORS * len(damaged):
        return damaged
    return _detected(data)


def _detected(data: bytes) -> str:
    first = _HIGH.search(data)
    if len(data) < SAMPLE and len(_HIGH.findall(data)) < FEW and not _NEIGHBOURS.search(data):
        return data.decode(FALLBACK, "replace")
    start = max(0, first.start() - SAMPLE // 2) if first else 0
    sample = data[start : start + SAMPLE]
    found = chardet.detect(
        sample,
        encoding_era=EncodingEra.MODERN_WEB,
        include_encodings=None if _NEIGHBOURS.search(sample) else LATIN,
        prefer_superset=True,
        compat_names=False,
    )
    name = codec(found["encoding"] or "") or FALLBACK
    try:
        return data.decode(name)
    except UnicodeError:
        return data.decode(FALLBACK, "replace")


def _escaped(data: bytes, text: str) -> str:
    """Seven-bit text with escape sequences, such as Japanese that was not declared."""
    try:
        return data.decode("iso2022_jp_ext")
    except UnicodeError:
        return text
