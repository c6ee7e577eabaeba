"""Finds the signature at the end of what a person wrote. In doubt it finds none."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.reading import phrases
from gateway.reading.headings import folded, variants

_LONGEST = 25
"""Lines with text that a signature behind ``-- `` has at most; more is a letter with a rule in it."""
_BLOCK = 10
"""The same for a signature behind any other rule."""

_DASHES = re.compile(r"(?:--|—|–|-{2,3}|__)\s*")  # RFC 3676 §4.3, and what people make of it
_RULE = re.compile(r"(?:[-_*=~#+—–‐]\s?){2,}")
_TRACKER = re.compile(r"[\u1427\u200b\ufeff\xa0\s]*")
_DASH_NAME = re.compile(r"[-/][^\W\d_a-z][\w.'’]{0,20}(?:\s[^\W\d_a-z][\w.'’]{0,20}){0,2}")
_CONTACT = re.compile(r"@|https?://|www\.|\+?\d[\d ()/.-]{6,}|\b(?:tel|fax|phone|mobil\w*)\b", re.IGNORECASE)
_MOBILE = re.compile("|".join(phrases.MOBILE), re.IGNORECASE | re.VERBOSE)
_SENTENCE = re.compile(r"[,;]\s+\w+|[.!?]\s+\w")
_CLOSINGS = frozenset(variants(phrases.CLOSINGS))


def start(lines: Sequence[str]) -> int:
    """Index of the first line of the signature of one stretch of new text; ``len(lines)`` where there is none."""
    end = len(lines)
    for index, line in enumerate(lines):
        text = line.strip()
        if (
            1 <= len(text) <= 120
            and (text[0] in _STARTS or text[-1] in "傳送发發信냄일")
            and _begins(lines, index, text)
        ):
            end = index
            break
    end = min(end, _closing(lines, end))
    return _with_blank_and_tracker(lines, end)


def is_mobile(line: str) -> bool:
    """``Sent from my iPhone`` and its kind, in the languages known."""
    text = line.strip(" \t\xa0<>(*[_").casefold()
    match = _MOBILE.match(text)
    if match is None or len(text) > 120:
        return False
    device = text[match.end() :]
    return len(device.split()) <= 7 or not _SENTENCE.search(device[:60])


def _begins(lines: Sequence[str], index: int, text: str) -> bool:
    """Whether a signature begins with this line."""
    below = [line.strip() for line in lines[index + 1 : index + 60] if line.strip()]
    if _DASHES.fullmatch(text):
        return len(below) <= (_LONGEST if text.startswith("--") and len(text) == 2 else _BLOCK)
    if _RULE.fullmatch(text):
        return _ends_the_mail(lines, index, text, below)
    return is_mobile(text)


def _ends_the_mail(lines: Sequence[str], index: int, text: str, below: Sequence[str]) -> bool:
    """A rule of other characters: a signature where only more rules, a list's footer or a contact block follows."""
    if len(below) > _BLOCK:
        return False
    above = lines[index - 1].strip() if index else ""
    if all(_RULE.fullmatch(line) for line in below):
        return not above or bool(below)
    if above and text[0] != "_":
        return False
    short = all(len(line) <= 80 for line in below)
    return short and (text[0] == "_" or any(_CONTACT.search(line) for line in below) or len(below) == 1)


def _closing(lines: Sequence[str], end: int) -> int:
    """A closing formula or a dashed name on the last lines, with a name below: ``Best regards`` / ``Jane``."""
    filled = [index for index in range(max(0, end - 16), end) if lines[index].strip()]
    for place, index in enumerate(filled[:-1] or filled):
        text = lines[index].strip()
        below = [lines[at].strip() for at in filled[place + 1 :]]
        if len(text) <= 40 and folded(text.strip(" ,.!;*_")) in _CLOSINGS and _signs(lines, index, below):
            return index if place or filled[0] > 0 else end
    return filled[-1] if len(filled) > 1 and _is_dashed_name(lines, filled) else end


def _is_dashed_name(lines: Sequence[str], filled: Sequence[int]) -> bool:
    """``-Jane`` on the last line, below a blank one; not the last item of a list."""
    last = filled[-1]
    listed = any(lines[index].lstrip().startswith(("-", "/")) for index in filled[:-1])
    return (
        not listed and not lines[last - 1].strip() and _DASH_NAME.fullmatch(lines[last].strip().rstrip(".")) is not None
    )


def _signs(lines: Sequence[str], index: int, below: Sequence[str]) -> bool:
    """Whether what stands below a closing formula is a name, maybe with title and contact."""
    if not below or len(below) > _BLOCK:
        return False
    name = below[0].strip(",*_")
    if len(name.split()) > 3 or len(name) > 40 or name[-1] in ":?" or not name[0].isalpha() or name[0].islower():
        return False
    follows = index + 1 < len(lines) and bool(lines[index + 1].strip())
    return (follows or len(below) > 1) and all(len(line) <= 80 for line in below)


def _with_blank_and_tracker(lines: Sequence[str], end: int) -> int:
    """Takes blank lines above along, and the invisible mark that a mail tracker sets there."""
    while 0 < end < len(lines) and _TRACKER.fullmatch(lines[end - 1][:20]):
        end -= 1
    return end


_STARTS = frozenset("-—–_*=~#+‐<([sSgGfFdDvVhHeEtToOiIwWlLоОнНвВiкkKсСπΣпПіІиzZ从從发發나נأđĐ来來tT")
