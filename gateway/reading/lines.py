"""Lines of a plain body: quotation marks off, and text as the tables of phrases are compared."""

from __future__ import annotations

import re
from collections.abc import Sequence

LONGEST = 400
"""Characters; a longer line is no heading and no signature, and no pattern is tried on it."""
_BLANKS = " \t\r\n\xa0\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\ufeff"  # marks of direction among them
_QUOTE_MARKS = re.compile(r"(?:[ \t]{0,3}[>|])*[ \t]*")


def is_quoted(line: str) -> bool:
    return line[:1] == ">" or (">" in line[:12] and line.lstrip(" \t\ufeff")[:1] == ">")


def bare(line: str) -> str:
    """The line without quotation marks, and without blanks at its ends."""
    line = line.strip()
    if not line.isascii():
        line = line.strip(_BLANKS).strip()
    if line[:1] in (">", "|"):
        match = _QUOTE_MARKS.match(line)
        return line[match.end() :] if match else line
    return line


def next_filled(lines: Sequence[str], position: int, reach: int) -> int | None:
    """Index of the first line with text among the next ``reach`` ones."""
    for index in range(position, min(position + reach, len(lines))):
        if bare(lines[index][:LONGEST]):
            return index
    return None


def is_cited(lines: Sequence[str], start: int, end: int) -> bool:
    """Whether ``lines[start:end]`` stand in the middle of somebody's sentence: as an example of such lines."""
    above = next((line.rstrip() for line in lines[max(0, start - 3) : start][::-1] if line.strip()), "")
    below = next_filled(lines, end, 3)
    return above[-1:].isalnum() and below is not None and lines[below].lstrip()[:1].islower()


def folded(text: str) -> str:
    """The text as phrases are compared: no case, and the Turkish dotted I without its extra dot."""
    if text.isascii():
        return text.lower().strip()
    return text.casefold().replace("i\u0307", "i").replace("\xa0", " ").strip()


def variants(row: str) -> list[str]:
    """The variants of one row of a table of phrases, folded."""
    return [folded(variant) for variant in row.split("|")]


def alternatives(*rows: str) -> str:
    """The variants of rows as one alternation for a pattern, longest first."""
    words = {word for row in rows for word in row.split("|")}
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
