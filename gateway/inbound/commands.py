"""MAIL and RCPT as they stand on the wire (RFC 5321 §4.1.2). Pure: bytes in, values or a refusal out."""

from __future__ import annotations

import re
from typing import NamedTuple

_LOCAL = rb'(?:[A-Za-z0-9!#$%&\'*+/=?^_`{|}~.\x80-\xff-]+|"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*")'
_DOMAIN = rb"(?:[A-Za-z0-9_.\x80-\xff-]+|\[[A-Za-z0-9.:-]+\])"
_ARGUMENT = re.compile(
    rb"[ ]*(?:"  # a blank after the colon is wrong, and common
    rb"<(?:@[^\s<>:]*:)?"  # a source route is read over (RFC 5321 appendix C)
    rb"((?:%(local)b(?:@%(domain)b)?)?)>"
    rb"|(%(local)b@%(domain)b)"  # devices leave the brackets out
    rb")((?:[ ]+[\x21-\x7e]+)*)[ ]*" % {b"local": _LOCAL, b"domain": _DOMAIN}
)
_DOT_ATOM = re.compile(r"[^\s\"\\()<>,;:@\[\]]+")
_LONGEST_ADDRESS = 1000
"""Beyond RFC 5321 §4.5.3.1: reply tokens and UTF-8 make long addresses."""


class Refused(Exception):
    """A command that is not taken; ``reply`` is the whole reply line."""

    def __init__(self, reply: bytes) -> None:
        super().__init__(reply)
        self.reply = reply + b"\r\n"


class Mail(NamedTuple):
    sender: str
    """Return path; empty for the null sender."""
    size: int
    """Octets that the client declared (RFC 1870); 0 if it did not."""
    utf8: bool


def parse_mail(argument: bytes) -> Mail:
    """What follows ``MAIL ``. Raises Refused."""
    if argument[:5].upper() != b"FROM:":
        raise Refused(b"501 5.5.4 Syntax: MAIL FROM:<address>")
    path, parameters = _split(argument[5:], b"501 5.1.7 That is no sender address")
    size, utf8 = _mail_parameters(parameters) if parameters else (0, False)
    sender = _address(path, utf8)
    if sender and "@" not in sender:
        raise Refused(b"553 5.1.7 The sender address lacks a domain")
    return Mail(sender, size, utf8)


def parse_rcpt(argument: bytes, utf8: bool) -> str:
    """The recipient out of what follows ``RCPT ``; ``utf8`` if MAIL said SMTPUTF8. Raises Refused."""
    if argument[:3].upper() != b"TO:":
        raise Refused(b"501 5.5.4 Syntax: RCPT TO:<address>")
    path, parameters = _split(argument[3:], b"501 5.1.3 That is no recipient address")
    if parameters:
        raise Refused(b"555 5.5.4 RCPT parameter not implemented")
    if not path:
        raise Refused(b"501 5.1.3 That is no recipient address")
    return _address(path, utf8)


def _split(argument: bytes, refusal: bytes) -> tuple[bytes, bytes]:
    match = _ARGUMENT.fullmatch(argument)
    if match is None:
        raise Refused(refusal)
    bracketed, bare, parameters = match.groups()
    path = bare if bracketed is None else bracketed
    if len(path) > _LONGEST_ADDRESS:
        raise Refused(refusal)
    return path, parameters


def _address(path: bytes, utf8: bool) -> str:
    if not path.isascii() and not utf8:
        raise Refused(b"553 5.6.7 Such an address needs SMTPUTF8")
    try:
        text = path.decode()
    except UnicodeDecodeError:
        raise Refused(b"501 5.1.3 The address is not UTF-8") from None
    return _unquote(text) if text.startswith('"') else text


def _unquote(address: str) -> str:
    """``"ann"@host`` is ``ann@host`` (RFC 5321 §4.1.2); where the quotes mean something, they stay."""
    local, quote, domain = address[1:].rpartition('"')
    return local + domain if quote and _DOT_ATOM.fullmatch(local) else address


def _mail_parameters(text: bytes) -> tuple[int, bool]:
    size, utf8 = 0, False
    for parameter in text.split():
        key, equals, value = parameter.upper().partition(b"=")
        if key == b"SIZE" and value.isdigit() and len(value) <= 20:  # RFC 1870 §3: up to 20 digits
            size = int(value)
        elif key == b"SMTPUTF8" and not equals:
            utf8 = True
        elif (key == b"BODY" and value in (b"7BIT", b"8BITMIME")) or (key == b"AUTH" and value):
            pass  # all bodies are taken as they come; whom the client says it speaks for proves nothing
        elif key in (b"SIZE", b"SMTPUTF8", b"BODY", b"AUTH"):
            raise Refused(b"501 5.5.4 Bad value of a MAIL parameter")
        else:
            raise Refused(b"555 5.5.4 MAIL parameter not implemented")
    return size, utf8
