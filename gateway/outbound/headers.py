"""Header fields as text, safe by construction: no value can hold a control character, so none can start a new field.

Identifiers are never encoded and folded only between ids: encoded words in them are forbidden (RFC 2047 §5) and break
threading, which the standard library's policies do to ids beyond 77 characters. What the standard library spends a
millisecond on a mail with stays here within some microseconds.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from urllib.parse import quote

from gateway.model import Address

LINE = 78
"""Where a line is folded, RFC 5322 §2.1.1; 998 is the hard limit."""
_WORD_BYTES = 45
"""UTF-8 bytes in one encoded word: ``=?utf-8?b?`` + 60 + ``?=`` stays within 75 characters (RFC 2047 §2)."""
_ID_LIMIT = 900

_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f"  # control characters, CR and LF among them
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks that turn the direction of what follows
    r"\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]"  # line separators, byte order marks, lone surrogates
)
_SPACES = re.compile(r"\s+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_ADDRESS = re.compile(
    r"""(?: "(?: [^\x00-\x1f\x7f"\\] | \\[\x20-\x7e] )*"     # a quoted local part
          | [^\x00-\x20\x7f"<>(),:;@\[\]\\]+ )             # a plain one
        @ [^\x00-\x20\x7f"<>(),;@\\]+""",
    re.VERBOSE,
)
_ID = re.compile(r"[\x21-\x3b\x3d\x3f-\x7e]+")
_Q_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
"""What Q may leave as is even inside a phrase (RFC 2047 §5 (3))."""
_Q = ["_" if b == 0x20 else chr(b) if b in _Q_PLAIN else f"={b:02X}" for b in range(256)]


def clean(text: str) -> str:
    """One line of plain text: control and direction characters gone, white space single."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return _SPACES.sub(" ", _UNSAFE.sub(" ", text)).strip()


def text(name: str, value: str) -> str:
    """An unstructured field such as Subject, with encoded words where it is not short plain ASCII."""
    value = clean(value)
    if _is_plain(value):
        return _fold(name, value.split(" ")) if len(name) + 2 + len(value) > LINE else f"{name}: {value}\r\n"
    return _fold(name, _encoded_words(value, len(name) + 2))


def addresses(name: str, people: Iterable[Address]) -> str:
    """An address field; empty text where there is nobody. Who has no address that can be written is left out."""
    tokens: list[str] = []
    for person in people:
        mailbox = _mailbox(person.name, person.address)
        if tokens and mailbox:
            tokens[-1] += ","
        tokens += mailbox
    return _fold(name, tokens) if tokens else ""


def ids(name: str, message_ids: Iterable[str]) -> str:
    """A field of message ids, given without brackets; ids that cannot stand in a header are left out."""
    tokens = [f"<{i}>" for i in message_ids if _is_id(i)]
    return _fold(name, tokens) if tokens else ""


def token(name: str, value: str) -> str:
    """A field whose value is ASCII and our own; whatever else slipped in is dropped."""
    return f"{name}: {clean(value).encode('ascii', 'ignore').decode()}\r\n"


@lru_cache(64)
def date(name: str, value: datetime) -> str:
    return f"{name}: {format_datetime(value)}\r\n"


def references(thread: Sequence[str], parent: str = "") -> tuple[str, ...]:
    """The thread for References: the first id and the last twenty, each once, the parent last."""
    chain = [*dict.fromkeys(i for i in thread if i != parent), *([parent] if parent else [])]
    return tuple(chain if len(chain) <= 21 else [chain[0], *chain[-20:]])


def parameter(name: str, value: str) -> str:
    """A parameter such as a file name, in the extended form of RFC 2231 where it is not plain ASCII."""
    value = clean(value)
    if value.isascii() and len(value) < 60 and "=?" not in value:
        return f';\r\n {name}="{_quoted(value)}"'
    return _continued(name, value)


def _continued(name: str, value: str) -> str:
    """RFC 2231 §3 and §4.1: percent-encoded UTF-8, in numbered pieces where it is long."""
    encoded = quote(value, safe="")
    if len(encoded) < 60:
        return f";\r\n {name}*=utf-8''{encoded}"
    pieces = _pieces(encoded)
    head = f";\r\n {name}*0*=utf-8''{pieces[0]}"
    return head + "".join(f";\r\n {name}*{n}*={piece}" for n, piece in enumerate(pieces[1:], 1))


def _pieces(encoded: str, size: int = 48) -> list[str]:
    """Cut percent-encoded text so that no ``%XX`` is torn."""
    pieces = []
    while encoded:
        end = min(size, len(encoded))
        while end < len(encoded) and "%" in encoded[end - 2 : end]:
            end -= 1
        pieces.append(encoded[:end])
        encoded = encoded[end:]
    return pieces


def _mailbox(name: str, address: str) -> tuple[str, ...]:
    """One person as pieces between which a line may be folded; nothing where the address cannot stand in a header."""
    if not _ADDRESS.fullmatch(address):
        return ()
    phrase = _phrase(name)
    return (*phrase, f"<{address}>") if phrase else (address,)


@lru_cache(4096)
def _phrase(name: str) -> tuple[str, ...]:
    name = clean(name)
    if not name:
        return ()
    if _is_plain(name):
        if not _ATOMS.fullmatch(name):
            name = f'"{_quoted(name)}"'
        return tuple(name.split(" "))
    return tuple(_encoded_words(name, 0))


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _is_plain(value: str) -> bool:
    """Whether the value may stand unencoded: ASCII, nothing like an encoded word, no word too long to fold."""
    return value.isascii() and "=?" not in value and (len(value) <= LINE or max(map(len, value.split(" "))) <= LINE)


def _is_id(value: str) -> bool:
    return len(value) <= _ID_LIMIT and _ID.fullmatch(value) is not None


def _encoded_words(value: str, used: int) -> list[str]:
    """RFC 2047 words of at most 75 characters, none tearing a character; ``used`` columns precede the first."""
    words: list[str] = []
    piece: list[str] = []
    size, room = 0, _WORD_BYTES - max(0, used - 3) * 3 // 4
    for character in value:
        length = len(character.encode())
        if size + length > room and piece:
            words.append(_encoded_word("".join(piece)))
            piece, size, room = [], 0, _WORD_BYTES
        piece.append(character)
        size += length
    return [*words, _encoded_word("".join(piece))] if piece else words


def _encoded_word(piece: str) -> str:
    raw = piece.encode()
    quoted = "".join([_Q[b] for b in raw])
    based = b64encode(raw).decode()
    return f"=?utf-8?q?{quoted}?=" if len(quoted) <= len(based) else f"=?utf-8?b?{based}?="


def _fold(name: str, tokens: Sequence[str]) -> str:
    """Join tokens by spaces, with a line break in front of the one that would pass the line's end."""
    whole = f"{name}: {' '.join(tokens)}"
    if len(whole) <= LINE:
        return f"{whole}\r\n"
    lines, line = [], f"{name}:"
    for piece in tokens:
        if len(line) + 1 + len(piece) > LINE and line != f"{name}:":
            lines.append(line)
            line = ""
        line += f" {piece}"
    return "\r\n".join([*lines, line]) + "\r\n"
