"""Finds the signature at the end of what a person wrote. In doubt it finds none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product

from gateway.reading import phrases
from gateway.reading.lines import LONGEST, folded, is_cited, variants

_LONGEST = 25
"""Lines with text that a signature behind ``-- `` has at most; more is a letter with a rule in it."""
_BLOCK = 10
"""The same for a signature behind another rule."""
_CARD = 14
"""The same below a closing formula: name, title, company, address, numbers."""
_TOLD = 12
"""Words of a paragraph that is no slogan and no address."""
_GREETING = 4
"""Words of ``Dear support team,`` and its like."""
_PROSE = 8
"""Words in lower case that no line of a card has."""
_FORM = 40
"""Lines between two rules that belong together."""
_DASHES = re.compile(r"--|—|–|---|__")  # RFC 3676 §4.3, and what people make of it
_RULE = re.compile(r"(?:[-_*=~#+—–‐━─═＝＊]\s?){2,}")
_RULES = frozenset("-_*=~#+—–‐━─═＝＊")
_ASKS = re.compile(r"^[^/]*[?？](?:\s|$)")  # in no address of a page
_TRACKER = "\u1427\u200b\ufeff\xa0 \t\r"
_DASHED_NAME = re.compile(r"[-/][^\W\d_a-z][\w.'’]{0,20}(?:\s[^\W\d_a-z][\w.'’]{0,20}){0,2}")
_CONTACT = re.compile(r"@|https?://|www\.|\+?\d[\d ()/.-]{6,20}|\b(?:tel|fax|phone|mobil\w{0,9})\b", re.IGNORECASE)
_COMPANY = re.compile("|".join(phrases.COMPANY))
_THANKS = frozenset(variants(phrases.THANKS))
_CLOSINGS = _THANKS.union(variants(phrases.CLOSINGS))
_PARTICLES = frozenset(phrases.NAME_PARTICLES.split("|"))
_TITLES = re.compile(r"(?:(?:i\.\s?[AV]\.|ppa\.|(?:Dr|Prof|Ing|Mag|Mr|Mrs|Ms|M|Mme)\.?|Dipl\.-\w{2,6}\.?)\s)+")
_POSTSCRIPT = re.compile(r"p\.?\s?s\.?\b|n\.?b\.?\s", re.IGNORECASE)
_CLOSING_ENDS = frozenset(closing[-1] for closing in _CLOSINGS)

_NOTICES = 4
"""Paragraphs of legal notice, in several languages say."""
_NOTICE_READ = 600
_SECRET = re.compile("|".join(phrases.NOTICE_SECRET))
_ADDRESSEE = re.compile("|".join(phrases.NOTICE_ADDRESSEE))

_MOBILE = re.compile("|".join(phrases.MOBILE), re.IGNORECASE | re.VERBOSE)
_MOBILE_FIRST = frozenset(
    "".join(case) for word in phrases.MOBILE_FIRST.split("|") for case in product(*zip(word, word.upper(), strict=True))
)
_MOBILE_LAST = frozenset(ending[-1] for ending in phrases.MOBILE_LAST.split("|"))
_APP_LINK = "//aka.ms/"
"""Below mails of Outlook on phones, in whatever language."""
_LINK = re.compile(r"[<(]?https?://[^\s<>()]{1,300}[>)]?")
_MOBILE_WRAP = " \t\xa0<>(*[_"
_MARKS = _RULES.union(_MOBILE_WRAP, "`")
_SENTENCE = re.compile(r"[,;]\s\w|[.!?]\s\w")


def start(lines: Sequence[str], *, opening: bool) -> int:
    """Index of the first line of the signature of one stretch of new text; ``len(lines)`` where there is none.

    ``opening`` where the mail begins with it.
    """
    end, fenced = len(lines), False
    for index in _candidates(lines):
        if lines[index].startswith("```"):
            fenced = not fenced
        elif not fenced and len(lines[index]) <= LONGEST and _begins(lines, index):
            end = index
            break
    if opening and end < len(lines) and _opens(lines, end):
        end = len(lines)
    end = _closing(lines, _notice(lines, end))
    while 0 < end < len(lines) and not lines[end - 1][:20].strip(_TRACKER):  # a mail tracker's mark, blank lines
        end -= 1
    return end


def _opens(lines: Sequence[str], begin: int) -> bool:
    """Whether a mail only begins here: with nothing said above but a greeting maybe, and its text below."""
    above = " ".join(lines[:begin]).split()
    if not above:
        return _goes_on(lines, begin)
    below = (line.strip() for line in lines[begin + 1 :])
    return len(above) <= _GREETING and any(_is_prose(line) and not _is_notice(line.lower()) for line in below)


def _goes_on(lines: Sequence[str], begin: int) -> bool:
    """Whether a paragraph below a signature says something: some write beneath the one their program put there."""
    gap = next((index for index in range(begin, len(lines)) if not lines[index].strip()), len(lines))
    paragraphs = "\n".join(map(str.strip, lines[gap:])).split("\n\n")
    return any(len(one.split()) >= _TOLD and not _is_notice(one.lower()) for one in paragraphs)


def _candidates(lines: Sequence[str]) -> list[int]:
    """Most lines are none, as their first characters tell, or the last one."""
    return [
        index
        for index, line in enumerate(lines)
        if line and (line[0] in _MARKS or line[:3] in _MOBILE_FIRST or line[-1] in _MOBILE_LAST or _APP_LINK in line)
    ]


def _is_mobile(line: str) -> bool:
    """``Sent from my iPhone`` and its kind, in the languages known."""
    text = line.strip(_MOBILE_WRAP)
    if text[:3] not in _MOBILE_FIRST and text[-1:] not in _MOBILE_LAST and _APP_LINK not in text:
        return False
    match = _MOBILE.match(text) if len(text) <= LONGEST and len(_LINK.sub("", text)) <= 120 else None
    if match is None:
        return False
    device = text[match.end() :]
    return len(device.split()) <= 7 or not _SENTENCE.search(device[:60])


def _begins(lines: Sequence[str], index: int) -> bool:
    text = lines[index].strip()
    if text[:1] in _RULES:
        return _is_rule(lines, index, text)
    if not _is_mobile(text) or _is_amid_text(lines, index) or is_cited(lines, index, index + 1):
        return False
    return not any(_ASKS.search(line) for line in lines[index + 1 : index + _FORM])


def _is_amid_text(lines: Sequence[str], index: int) -> bool:
    """Text directly above and below: somebody writes about such lines."""
    around = (*lines[max(0, index - 1) : index], *lines[index + 1 : index + 2])
    return len(around) == 2 and all(line.strip() for line in around)


def _is_rule(lines: Sequence[str], index: int, text: str) -> bool:
    """A rule with a signature below: ``-- `` and its like, or another rule over little text at the end."""
    dashes = _DASHES.fullmatch(text)
    if not dashes and not _RULE.fullmatch(text):
        return False
    rest = lines[index + 1 : index + 60]
    below = [line.strip() for line in rest if line.strip()]
    if not below and text != "--" and index and lines[index - 1].strip():
        return False
    if lines[index].rstrip("\r") != "-- " and below and _is_between(rest, below):
        return False
    if dashes:
        return len(below) <= (_LONGEST if text == "--" else _BLOCK)
    if text in below[:-1] or any(line.strip() == text for line in lines[max(0, index - _FORM) : index]):
        return False  # a form, whose fields stand between rules
    above = lines[index - 1].strip() if index else ""
    if len(below) > _BLOCK or (above and text[0] != "_"):  # directly below text a rule is a heading, or a table
        return False
    if all(_RULE.fullmatch(line) for line in below):
        return True
    listed = text[0] == "_" or len(below) == 1 or any(_CONTACT.search(line) for line in below)
    return listed and all(len(line) <= 80 for line in below)


def _is_between(lines: Sequence[str], below: Sequence[str]) -> bool:
    """Whether a rule stands amid text: above a question, a comment of a program, a piece of a diff, or a signature."""
    return below[0][:2] == "--" or below[0][0] in "<>" or any(_ASKS.search(line) for line in below) or "-- " in lines


def _notice(lines: Sequence[str], end: int) -> int:
    """Where the legal notices begin that companies put below their mails; ``end`` where there are none."""
    begin = end
    for _ in range(_NOTICES):
        bottom = begin
        while bottom > 0 and not lines[bottom - 1].strip():
            bottom -= 1
        top = bottom
        while top > max(0, bottom - _BLOCK) and lines[top - 1].strip():
            top -= 1
        text = " ".join(lines[top:bottom])[:_NOTICE_READ].lower()
        if top == 0 or not _is_notice(text):
            break
        begin = top
    return begin


def _is_notice(text: str) -> bool:
    if not any(root in text for root in phrases.NOTICE_ROOTS):  # most texts end here, at a fiftieth of the time
        return False
    return _SECRET.search(text) is not None and _ADDRESSEE.search(text) is not None


def _closing(lines: Sequence[str], end: int) -> int:
    """A closing formula with a name below on the last lines, ``Best regards`` / ``Jane``, or a name behind a dash.

    Thanks are something said, so they stay with a name; they go with a block of contact data.
    """
    filled = [index for index in range(max(0, end - 16), end) if lines[index] and not lines[index].isspace()]
    for place in range(1 if max(0, end - 16) == 0 else 0, len(filled) - 1):
        line = lines[filled[place]]
        text = line.strip(" \t\r,.:!;*_") if len(line) <= 60 else ""
        if 1 < len(text) <= 40 and text[-1].casefold() in _CLOSING_ENDS and folded(text) in _CLOSINGS:
            below = [lines[index].strip() for index in filled[place + 1 :]]
            directly = filled[place + 1] == filled[place] + 1 and folded(text) not in _THANKS
            if _signs(below, directly=directly):
                return filled[place]
    return filled[-1] if len(filled) > 1 and _is_dashed_name(lines, filled) else end


def _signs(below: Sequence[str], *, directly: bool) -> bool:
    """Whether what stands below a closing formula is a name, maybe with title and contact."""
    name = _TITLES.sub("", below[0].strip(",*_"))
    words = [word for word in name.split() if word not in _PARTICLES]
    if not words or len(below) > _CARD or len(name) > 40 or len(words) > 3:
        return False
    if name[-1] in ":?" or not name[0].isalpha() or name[0].islower():
        return False
    told = any(line.endswith("?") or _POSTSCRIPT.match(line) or _is_prose(line) for line in below)
    short = all(len(line) <= 100 or _COMPANY.search(line) for line in below)
    return (directly or len(below) > 1) and not told and short


def _is_prose(line: str) -> bool:
    """A line of a sentence: what is written below a signature, and no address or title."""
    return sum(word[0].islower() for word in line.split()) >= _PROSE and not _COMPANY.search(line)


def _is_dashed_name(lines: Sequence[str], filled: Sequence[int]) -> bool:
    """``-Jane`` on the last line, below a blank one; not the last item of a list."""
    last = filled[-1]
    text = lines[last].strip().rstrip(".")
    if text[:1] not in ("-", "/") or lines[last - 1].strip() or not _DASHED_NAME.fullmatch(text[:80]):
        return False
    return not any(lines[index].lstrip()[:1] in ("-", "/") for index in filled[:-1])
