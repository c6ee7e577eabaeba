"""Text from strangers, for logs and terminals."""

from __future__ import annotations


def printable(text: str, keep: str = "") -> str:
    """``text`` with everything that does not print (control characters, ANSI escapes, U+2028, bidi overrides)
    written as its escape, so that it cannot move a cursor, start a line or turn one around."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode("ascii") for c in text)
