"""Who a mail is from, by a strict reading of the raw From header.

Stricter than RFC 5322 on purpose: it names an address only where every mail server that names one would name the same,
so that what DMARC proved and what we believe cannot differ. Where RFC 5322 is broken without a doubt about the address,
as in ``Müller, Carla <carla@kunde.example>`` with its one @, the sender is named all the same: he must be able to
answer by his own reply address. Everything odd about the header becomes a flag.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Collection, Sequence

from gateway.model import Identity
from gateway.reading import headers

LONGEST = 2000
"""Bytes of a From header; a longer one names nobody."""
BROKEN = ("header-too-long", "header-without-end")
"""Defects of the mail's own header block that leave open whether another From stands in it."""
_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]+"
_LOCAL = rf"{_ATOM}(?:\.++{_ATOM})*+\.*+"
"""Dots may follow each other and stand last, as Japanese telephone companies gave them out."""
_SPEC = rf"({_LOCAL})@((?:[^\W_](?:[\w-]{{0,61}}[^\W_])?\.)*[^\W_](?:[\w-]{{0,61}}[^\W_])?)"
_COMMENT = r"\([^()\\<>@\"]*+\)"
_MAILBOX = re.compile(
    rf"""
    (?: (?P<name> (?: "(?:[^"\\]|\\.)*+" | {_COMMENT} | [^"<>,;:()\\\[\]]++ )*+ )
        < {_SPEC} > [ ]*+ (?:{_COMMENT})?+                        # "Name" <local@domain>
      | {_SPEC} [ ]*+ (?P<comment> {_COMMENT} )?+ )               # local@domain (Name)
    """,
    re.VERBOSE,
)
_ONE_AT = re.compile(
    rf"(?P<name> (?: \"[^\"\\@<>]*+\" | {_COMMENT} | [^\"<>@:()\\]++ )*+ ) < {_SPEC} > [ ]*+", re.VERBOSE
)
"""A name that should stand in quotation marks, and behind it the only @, so that there is no other address to read."""
_ADDRESS = re.compile(r"[^\s<>\"'()\[\],;:]+@[^\s<>\"'()\[\],;:]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
"""Full case folding makes a ``k`` of U+212A KELVIN SIGN, and of a stranger's domain a customer's."""


def of(fields: Sequence[bytes], defects: Collection[str] = ()) -> Identity:
    """The identity that the From headers state, in a mail with these defects."""
    for defect in BROKEN:
        if defect in defects:
            return Identity("", (defect,))
    if len(fields) != 1:
        return Identity("", ("several-from-headers" if fields else "no-from",))
    if len(fields[0]) > LONGEST:
        return Identity("", ("from-too-long",))
    value = fields[0].rstrip(b"\r\n")
    stray = b"\r" in value.replace(b"\r\n", b"")
    text = headers.unfold(value)
    if stray or _CONTROL.search(text):
        return Identity("", ("control-characters",))
    if found := _MAILBOX.fullmatch(text):
        address = _folded(found[2] or found[4], found[3] or found[5])
        return Identity(address, tuple(_flags(found["name"] or found["comment"] or "", address)))
    if (found := _ONE_AT.fullmatch(text)) and "@" not in headers.words(found["name"]):
        address = _folded(found[2], found[3])
        return Identity(address, ("unquoted-name", *_flags(found["name"], address)))
    return Identity("", (_why_not(text),))


def _folded(local: str, domain: str) -> str:
    return f"{local}@{domain.translate(_ASCII_LOWER)}"


def _why_not(text: str) -> str:
    """A short name of what is wrong, for staff."""
    bare = re.sub(r'"[^"]*"', "", text)
    if ":" in bare:
        return "group"
    if "," in bare or ";" in bare or bare.count("<") > 1:
        return "several-addresses"
    return "unreadable-from" if "@" in bare else "no-address"


def _flags(name: str, address: str) -> list[str]:
    """What about the display name could mislead people (Mailsploit, look-alikes)."""
    shown = headers.words(name) if "=?" in name else name
    flags = []
    if not address.isascii():
        flags.append("non-ascii-address")
    if _CONTROL.search(shown):
        flags.append("control-characters")
    if not shown.isascii() and any(unicodedata.category(c) in {"Cf", "Zl", "Zp"} for c in shown if not c.isascii()):
        flags.append("invisible-characters")
    named = _ADDRESS.findall(shown) if "@" in shown else ()
    if any(other.casefold().rstrip(".") != address.casefold() for other in named):
        flags.append("address-in-display-name")
    return flags
