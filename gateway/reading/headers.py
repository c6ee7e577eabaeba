"""Header fields: finding them, unfolding, encoded words (RFC 2047) and parameters (RFC 2231).

All of it is linear in the size of the field, and forgiving: mail in the wild breaks each of these rules. Until it is
shown, a value is UTF-8 with foreign bytes as surrogates, so that no guess at a character set moves its punctuation.
"""

from __future__ import annotations

import binascii
import re
import sys
from urllib.parse import unquote_to_bytes

from gateway.reading import charset, encoded

_FIELD = re.compile(
    rb"""
    ([!-9;-~]++) [ \t]*+ : [ \t]*+        # name: visible ASCII without colon (RFC 5322, 2.2; blanks: 4.5.3)
    (.*+ (?: \n [ \t] .*+ )*+ )           # value, with folded lines
    (?: \n | \Z )
    """,
    re.VERBOSE,
)
_FOLD = re.compile(r"\r?\n[ \t]*")
_BLANKS = re.compile(r"[ \t]{2,}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SURROGATE = re.compile("[\udc80-\udcff]")
_FALSE_END = re.compile(r"\?=[0-9A-F]{2}[^?]{0,75}\?=")
_WORD_START = re.compile(r"=\?([^?\s]{1,60})\?([BbQq])\?")
_PARAMETER = re.compile(
    r"""
    ; \s*+ ([^\s=;"]++) \s*+ = \s*+       # name, with the * of RFC 2231
    (?: " ((?: [^"\\] | \\. )*+) "        # quoted value
      | ([^;]*+) )                        # or anything up to the next semicolon
    """,
    re.VERBOSE | re.DOTALL,
)
_END = re.compile(rb"\r?\n\r?\n")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
MANY_PARAMETERS = 1000


def block(raw: bytes, most: int = sys.maxsize) -> bytes:
    """The header of a mail, up to the empty line; the first ``most`` octets where none stands in them."""
    end = _END.search(raw, 0, most)
    return raw[: end.start() if end else most]


def split(block: bytes, start: int = 0, limit: int = sys.maxsize) -> tuple[list[tuple[str, bytes]], int]:
    """The fields from ``start`` on, lower-case name and value as sent, and where what is no field begins."""
    at, pairs = start, []
    while found := _FIELD.match(block, at, limit):
        name, value = found.groups()
        pairs.append((name.decode("ascii").lower(), value))
        at = found.end()
    return pairs, at


def unfold(value: bytes) -> str:
    """The value on one line, encoded words left as they stand; a stray CR is a blank, as an MTA makes it."""
    text = value.strip().decode("utf-8", "surrogateescape")
    if text.isprintable():  # so it holds no white space but the common blank
        return text
    return _FOLD.sub(" ", text).replace("\r", " ").strip()


def decode(value: bytes) -> str:
    """The value for people: on one line, decoded, without control characters and runs of blanks."""
    text = unfold(value)
    if "=?" in text or not text.isprintable():
        text = shown(text)
    return _BLANKS.sub(" ", text) if "  " in text else text


def shown(text: str) -> str:
    """An unfolded value for people."""
    if "=?" in text:
        text = words(text)
    if text.isprintable():
        return text
    if "\x1b" in text or _SURROGATE.search(text):
        text = charset.decode(text.encode("utf-8", "surrogateescape"))
    return _CONTROL.sub("", text.replace("\r", " ").replace("\n", " "))


def words(text: str) -> str:
    """Decode the encoded words in ``text`` (RFC 2047), also where blanks are missing or stand inside them.

    Neighbours of one character set are joined before decoding: senders cut within a character.
    """
    pieces: list[str] = []
    waiting: list[bytes] = []
    name, at = "", 0
    while (word := _WORD_START.search(text, at)) and (end := _word_end(text, word.end())) >= 0:
        between = text[at : word.start()]
        here = word[1].partition("*")[0].lower()
        if waiting and not between.strip():
            between = ""
        if waiting and (here != name or between):
            pieces.append(charset.decode(b"".join(waiting), name))
            waiting = []
        pieces.append(between)
        waiting.append(_word(word[2], text[word.end() : end]))
        name, at = here, end + 2
    if waiting:
        pieces.append(charset.decode(b"".join(waiting), name))
    pieces.append(text[at:])
    return "".join(pieces)


def _word_end(text: str, start: int) -> int:
    """Where a word ends: at ``?=``, unless that is a bare question mark and an encoded character of the same word."""
    end = text.find("?=", start)
    false = _FALSE_END.match(text, end) if end >= 0 else None
    return false.end() - 2 if false else end


def _word(kind: str, body: str) -> bytes:
    data = body.encode("utf-8", "surrogateescape")
    return encoded.base64(data) if kind in "Bb" else binascii.a2b_qp(data, header=True)


def parameters(value: bytes) -> tuple[str, dict[str, str], bool]:
    """Main value in lower case, parameters by lower-case name, and whether one was given twice.

    Reads the continuations and character sets of RFC 2231, and the encoded words that do not belong here.
    """
    if not value:
        return "", {}, False
    text = unfold(value)
    before, semicolon, _ = text.partition(";")
    main = shown(before).strip().lower()
    if not semicolon:
        return main, {}, False
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bool, str]]] = {}
    twice = False
    for found in _PARAMETER.finditer(text, len(before)):
        name = found[1].lower()
        content = _ESCAPED.sub(r"\1", found[2]) if found[2] is not None else found[3].strip().strip('"')
        if "*" in name:
            _continuation(pieces, name, content)
        elif name in plain:
            twice = True
        elif len(plain) < MANY_PARAMETERS:
            plain[name] = shown(content)
    plain.update((name, _joined(parts)) for name, parts in pieces.items())
    return main, plain, twice


def _continuation(pieces: dict[str, dict[int, tuple[bool, str]]], name: str, content: str) -> None:
    """File one ``name*``, ``name*0`` or ``name*0*`` (RFC 2231, sections 3 and 4)."""
    base, _, rest = name.partition("*")
    number = rest.rstrip("*") or "0"
    parts = pieces.setdefault(base, {})
    if number.isdecimal() and len(number) < 5 and len(parts) < MANY_PARAMETERS:
        parts.setdefault(int(number), (name.endswith("*"), content))


def _joined(parts: dict[int, tuple[bool, str]]) -> str:
    """The value of all continuations, percent-decoded where they are marked so."""
    name = ""
    data = []
    for number in sorted(parts):
        percent, content = parts[number]
        if number == 0 and percent and content.count("'") >= 2:
            name, _, content = content.split("'", 2)
        encoded_content = content.encode("utf-8", "surrogateescape")
        data.append(unquote_to_bytes(encoded_content) if percent else encoded_content)
    return shown(charset.decode(b"".join(data), name))
