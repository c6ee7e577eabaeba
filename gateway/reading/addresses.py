"""Address lists, read leniently for showing and for answers. Who a mail is from is decided in ``identity``.

Every header is read in one pass: what a quotation or a comment without end leaves open is read as plain text.
"""

from __future__ import annotations

import re

from gateway.model import Address
from gateway.reading import headers

_SIMPLE = re.compile(
    r"""
    (?: ([^"<>,;:()@\\=\[\]\x00-\x1f\x7f-\x9f\udc80-\udcff]*) < ([\w.+-]+ @ [\w.-]+) >      # Name <address>
      | ([\w.+-]+ @ [\w.-]+) )                                                              # address
    """,
    re.VERBOSE | re.ASCII,
)
"""The form that nearly all mail has; whatever it does not match is read token by token."""
_TOKEN = re.compile(
    r"""
      (?P<word> =\?[^?\s]{1,60}\?[BbQq]\?[^?]*+\?= )       # an encoded word hides its punctuation
    | (?P<quoted> " (?: [^"\\] | \\. )*+ " )
    | (?P<angle> < [^<>]*+ >? )
    | (?P<mark> [,;:()"<>] )
    | (?P<text> (?: [^"<>,;:()\[=] | \[ [^\[\]]*+ \]? | = (?!\?) )++ | = )
    """,
    re.VERBOSE | re.DOTALL,
)
_WORDS = re.compile(r"[^@,\"]*")
_OTHER_HALF = re.compile(r"[^@,;:<>\"()]{1,80}(?:\([^()]{0,40}\)\s?)?<[^<>\s]+@")
_PARENTHESIS = re.compile(r"\\.|[()]", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_BLANKS = re.compile(r"\s{2,}")
_LOOSE = re.compile(r" ?(@) ?|(?<=\w) ?\. ?(?=\w)")


def parse(value: bytes, most: int = 500) -> tuple[Address, ...]:
    """The mailboxes of one header, members of groups included; at most ``most``."""
    text = headers.unfold(value)
    if "  " in text or not text.isprintable():  # all blanks but the common one are not printable
        text = _BLANKS.sub(" ", text)
    simple = _SIMPLE.fullmatch(text)
    if simple:
        return (Address((simple[1] or "").strip(), simple[2] or simple[3]),)
    return tuple(_Reader(text, most).read()) if text else ()


def first(value: bytes) -> Address | None:
    """The first mailbox of a header, or None."""
    return next(iter(parse(value, 1)), None)


class _Reader:
    """Reads one list. ``pieces`` and ``comments`` hold the words of the mailbox that is being read."""

    def __init__(self, text: str, most: int) -> None:
        self.text = text
        self.most = most
        self.found: list[Address] = []
        self._next()

    def _next(self) -> None:
        self.pieces: list[str] = []
        self.comments: list[str] = []
        self.angle = ""

    def read(self) -> list[Address]:
        at = 0
        while len(self.found) < self.most and (token := _TOKEN.match(self.text, at)):
            at = self._take(token)
        if len(self.found) < self.most:
            self._close()
        return self.found

    def _take(self, token: re.Match[str]) -> int:
        """File one token; gives where the next one starts."""
        kind, word = token.lastgroup, token[0]
        if kind == "angle":
            self.angle = self.angle or word.strip("<>").strip()
        elif kind != "mark" or (word == "," and self._is_half_a_name(token.end())):
            self.pieces.append(word)
        elif word in ",;":
            self._close()
        elif word == ":":
            self._colon()
        elif word == "(":
            return self._comment(token.end())
        elif word == '"':
            self.text = self.text[: token.end()] + self.text[token.end() :].replace('"', " ")
        return token.end()

    def _is_half_a_name(self, behind: int) -> bool:
        """``Doe, Jane <jane@example.com>``, which should stand in quotation marks: the first half is no address."""
        if self.angle or not self.pieces or not all(map(_WORDS.fullmatch, self.pieces)):
            return False
        return _OTHER_HALF.match(self.text, behind) is not None

    def _colon(self) -> None:
        """A colon ends the name of a group, or stands in an unquoted name."""
        if "@" in "".join(self.pieces):
            self.pieces.append(":")
        else:
            self.pieces.clear()

    def _comment(self, start: int) -> int:
        depth = 1
        for found in _PARENTHESIS.finditer(self.text, start):
            depth += {"(": 1, ")": -1}.get(found[0], 0)
            if not depth:
                self.comments.append(_ESCAPED.sub(r"\1", self.text[start : found.start()]))
                return found.end()
        self.text = self.text[:start] + self.text[start:].replace("(", " ").replace(")", " ")
        return start

    def _close(self) -> None:
        pieces, comments, angle = self.pieces, self.comments, self.angle
        self._next()
        if angle:
            address, name = _address(angle), "".join(map(_plain, pieces))
        else:
            address, name = _bare(pieces)
        name = name.strip() or (" ".join(comments) if address else "")
        if address or name:
            self.found.append(Address(_shown(name), address))


def _plain(piece: str) -> str:
    return _ESCAPED.sub(r"\1", piece[1:-1]) if piece.startswith('"') and len(piece) > 1 else piece


def _shown(name: str) -> str:
    return headers.shown(_BLANKS.sub(" ", name).strip())


def _address(text: str) -> str:
    """What stands in angle brackets: without comments, blanks and the route of old (RFC 5322, section 4.4)."""
    if "(" in text:
        text = "".join(piece.strip() for piece in _without_comments(text))
    if text.startswith("@") and ":" in text:
        text = text.rpartition(":")[2]
    return headers.shown(text if '"' in text else "".join(text.split()))


def _without_comments(text: str) -> list[str]:
    pieces, depth, at = [], 0, 0
    for found in _PARENTHESIS.finditer(text):
        if found[0] == "(":
            if depth == 0:
                pieces.append(text[at : found.start()])
            depth += 1
        elif found[0] == ")" and depth:
            depth -= 1
            at = found.end()
    return [*pieces, text[at:]] if depth == 0 else pieces


def _bare(pieces: list[str]) -> tuple[str, str]:
    """Address and name where no angle brackets stand."""
    text = "".join(pieces).strip()
    if "@" not in text:
        return "", "".join(map(_plain, pieces))
    if pieces[0].startswith('"') and len(pieces) > 1 and pieces[1].startswith("@"):
        return headers.shown("".join(pieces).strip()), ""
    text = _LOOSE.sub(lambda found: found[1] or ".", text)
    words = text.split()
    address = next(word for word in words if "@" in word)
    words.remove(address)
    return headers.shown(address.strip("\"'")), " ".join(words).strip('"')
