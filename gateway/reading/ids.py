"""Message-IDs (RFC 5322, section 3.6.4), as strict as real mail allows."""

from __future__ import annotations

import re

LONGEST = 998
"""Octets, as a line has (RFC 5322, section 2.1.1)."""
_ID = re.compile(r"<([^<>]+)>")


def all_of(text: str) -> tuple[str, ...]:
    """The ids of a References or In-Reply-To header in order, without angle brackets."""
    if not text:
        return ()
    found = _ID.findall(text) or [word for word in text.split() if "@" in word]
    return tuple(one for one in (_tidy(each) for each in found) if one)


def first(text: str) -> str:
    """The id of a Message-ID header; empty where there is none."""
    found = _ID.search(text)
    return _tidy(found[1] if found else text)


def _tidy(text: str) -> str:
    joined = "".join(text.split()).strip("<>")
    return joined if len(joined.encode("utf-8", "replace")) <= LONGEST else ""
