"""Who a mail is from, by a strict reading of the raw From header.

Stricter than RFC 5322 on purpose: it names an address only where every mail server would name the same one, so that
what DMARC proved and what we believe cannot differ. Everything odd about the header becomes a flag.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence

from gateway.model import Identity
from gateway.reading import headers

LONGEST = 2000
"""Bytes of a From header; a longer one names nobody."""
BROKEN = ("header-too-long", "header-without-end")
"""Defects of the mail's own header block that leave open whether another From stands in it."""
_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]+"
_SPEC = rf"({_ATOM}(?:\.{_ATOM})*)@((?:[^\W_](?:[\w-]{{0,61}}[^\W_])?\.)*[^\W_](?:[\w-]{{0,61}}[^\W_])?)"
_COMMENT = r"\([^()\\<>@\"]*+\)"
_MAILBOX = re.compile(
    rf"""
    (?: (?P<name> (?: "(?:[^"\\]|\\.)*+" | {_COMMENT} | [^"<>,;:()\\\[\]]++ )*+ )
        < {_SPEC} > [ ]*+ (?:{_COMMENT})?+                        # "Name" <local@domain>
      | {_SPEC} [ ]*+ (?P<comment> {_COMMENT} )?+ )               # local@domain (Name)
    """,
    re.VERBOSE,
)
_ADDRESS = re.compile(r"[^\s<>\"'()\[\],;:]+@[^\s<>\"'()\[\],;:]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


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
    found = _MAILBOX.fullmatch(text)
    if not found:
        return Identity("", (_why_not(text),))
    local, domain = found[2] or found[4], found[3] or found[5]
    address = f"{local}@{domain.lower()}"
    return Identity(address, tuple(_flags(found["name"] or found["comment"] or "", address)))


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
