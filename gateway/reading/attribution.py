"""The line above a quotation that says who wrote it and when: "On 3 May 2024 at 10:00, Bob <bob@example.com> wrote:".

Clients word it in every language and order, and wrap it. So it is known less by its words than by its form: it names
a date or an address near its beginning, and ends in a verb of writing, or in a colon behind an address.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.reading import phrases
from gateway.reading.labels import clean_name
from gateway.reading.lines import LONGEST, alternatives, bare, folded, is_quoted, next_filled

_MOST_LINES = 6
"""A wrapped one was seen over five lines, blank ones included."""
_LONGEST_TEXT = 600
_NAME_WORDS = 8
_DATE_WITHIN = 45
"""Characters from the beginning in which its date begins."""

_VERB = alternatives(*phrases.WROTE.values())
_VERB_BEFORE_NAME = alternatives(phrases.WROTE_NAME)
_SPACELESS = alternatives(*(phrases.WROTE[language] for language in ("ja", "zh", "ko", "th")))
_LAST_WORDS = frozenset(folded(verb).split()[-1] for row in phrases.WROTE.values() for verb in row.split("|"))
_LAST_LETTERS = frozenset(case(word[-2:]) for word in _LAST_WORDS for case in (str.lower, str.upper))
_LAST_MARKS = frozenset(":：->*道到성 \t\r\xa0")  # blanks, for what stands before them is not looked at

# Tried on lower case: a search that folds case itself costs five times as much.
_WROTE_AT_END = re.compile(rf"(?:(?:^|[\s>)\]\"'”’,])(?:{_VERB})|(?:{_SPACELESS}))\s?[:：]?[\s*>-]*$")
_WROTE_INSIDE = re.compile(
    rf"\s(?:{_VERB_BEFORE_NAME})\s(?P<who>[^:]{{1,150}}|[^<>]{{1,100}}<[^<>]{{1,100}}>)\s?:[\s*]*$", re.IGNORECASE
)
_NAME_WROTE = re.compile(
    rf"[^<>@]{{0,100}}<[^<>\s@]+@[^<>\s@]+>\s?(?:{_VERB})\b[^<>]{{0,100}}[:：][\s-]{{0,8}}$", re.IGNORECASE
)
_DATE = re.compile(
    r"""(?:^|[^\w-])(?:
        (?:19|20)\d\d\b                                        # a year
      | \d{1,4}[./-]\d{1,2}[./-]\d{1,4}                        # 3/2/16, 2016-02-03, 03.02.2016
      | \d{1,2}[:.h]\d{2}\b                                    # a time
      | \d{1,2}(?:\.|st|nd|rd|th)?[ ](?:de[ ])?[^\W\d_]{3,12}  # 3. Februar, 3 de febrero
      | [^\W\d_]{3,9}\.?[ ]\d{1,2},                            # Feb 3,
      ) | \d\s?[年년]""",
    re.VERBOSE,
)
_DATE_END = re.compile(
    r"""(?: \d{4}[./-]\d{1,2}[./-]\d{1,2} | \d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b
          | \d{1,2}[:.h]\d{2}(?:[:.]\d{2})? | \b(?:19|20)\d\d\b | \d\s?[日일](?:\s?\([^)]{1,3}\))? )
        (?: \s?(?: [aApP]\.?\s?[mM]\.?(?!\w) | [uU]hr\b | [nN]achm\. | [vV]orm\. | г\. | р\.
          | (?:GMT|UTC)?[+-]\d\d:?\d\d | [A-Z]{3,4}\b
          | (?:[A-Z][a-z]+\ ){1,4}(?:Standard|Summer|Daylight)\ Time\b ) )*""",
    re.VERBOSE,
)
_TIME_ONLY = re.compile(r"(?:[^\W\d_]{1,4}\s)?\d{1,2}[:.h]\d{2}\s[^\d<>@]{1,80}[:：]$")
_MOMENT = re.compile(r"\d[:.h]\d{2}|(?:19|20)\d\d|\d[./-]\d{1,2}[./-]\d|\d\s?[日일]")
"""What a client writes out: the year, the time, or the date in digits."""
_PREPOSITIONS = (
    "on|am|le|el|il|em|op|den|dnia|w dniu|dne|dňa|dana|in data|at|pe|la|în|στις|vào|pada|på|no|a les|ngày|在|"
    "---- on|בתאריך|في"
)
_FIRST_WORDS = frozenset(words.split()[0] for words in _PREPOSITIONS.split("|"))
_PREPOSITION = re.compile(rf"(?:{alternatives(_PREPOSITIONS)})\s+", re.IGNORECASE)
_STARTS_WITH_DATE = re.compile(r"\d|[^\W\d_]{2,12}\.?,?\s(?:\w{2,9}\.?\s)?\d")
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}")
# Older Gmail and its mobile app end without colon or verb: "2016-03-03 17:21 GMT+01:00 Bob", "2013/7/20 Bob <b@c.de>".
_STAMP = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d GMT[+-]\d\d:\d\d [^<]{1,80}$|\d{4}/\d{1,2}/\d{1,2} [^<>@]{1,80}<[^\s@]+@[^\s@]+>\s?$"
)
_SPEECH = frozenset("\"“”„«»'‘‚")
"""Marks of direct speech, as people write it and no client."""
_LOG_LEVEL = re.compile(r"\b(?:ERROR|WARN(?:ING)?|INFO|DEBUG|FATAL|TRACE|CRITICAL)\b")
_IN_BRACKETS = re.compile(r"^\s*\([^()]{1,40}\)\s*-?\s*")
"""A time zone, as OTRS writes it."""
_NAME_WROTE_WHEN = re.compile(
    rf"(?P<who>[^<>@:\d]{{2,60}})\s(?:{_VERB}|{_VERB_BEFORE_NAME})\s(?P<when>[^<>@]{{4,60}})[:：]$", re.IGNORECASE
)
_BEFORE_NAME = re.compile(rf"[\s,;:.]*(?:{_VERB_BEFORE_NAME}|from|пользователь|użytkownik|keltezéssel,)\s")


def at(lines: Sequence[str], position: int) -> tuple[int, dict[str, str]] | None:
    """The attribution that begins at this line: the index behind it, and its ``sender`` and ``date`` as they stand."""
    if not any(map(_may_end, lines[position : position + _MOST_LINES])):
        return None
    first = bare(lines[position])
    preposition = first.split(None, 1)[0].casefold() in _FIRST_WORDS and _PREPOSITION.match(first)
    opens = (preposition or _STARTS_WITH_DATE.match(first)) and _dated(first)
    if not opens and "<" not in first and not ("@" in first and _ADDRESS.search(first)):
        return _with_name_only(lines, position, first)
    return _wrapped(lines, position, dated=bool(opens), blanks=bool(opens and preposition))


def _with_name_only(lines: Sequence[str], position: int, line: str) -> tuple[int, dict[str, str]] | None:
    """On one line, without address, above quotation marks: "Bob wrote:", "Bob kirjoitti 3.11.2026 klo 10.14:"."""
    if line[-1] not in ":：" or len(line) >= 100 or not _quote_follows(lines, position):
        return None
    if (when := _NAME_WROTE_WHEN.match(line)) and _MOMENT.search(when["when"]):
        return position + 1, {"sender": clean_name(when["who"]), "date": when["when"].strip()}
    verb = _wrote(line)
    if verb is None or len(line[:verb].split()) > _NAME_WORDS:
        return None
    return position + 1, _who_and_when(line, verb)


def _wrapped(lines: Sequence[str], position: int, *, dated: bool, blanks: bool) -> tuple[int, dict[str, str]] | None:
    """One that goes on until a line completes it, over ``blanks`` too; ``dated`` if its first line is."""
    pieces, length = [], 0
    for index in range(position, min(position + _MOST_LINES, len(lines))):
        line = bare(lines[index][: LONGEST + 1])
        length += len(line) + 1
        if len(line) > LONGEST or length > _LONGEST_TEXT or not (line or blanks):
            return None
        if line:
            pieces.append(line)
            if _may_end(line):
                text = " ".join(pieces)
                verb = _wrote(text)
                if _is_complete(text, verb, dated or _dated(text), lines, index):
                    return index + 1, _who_and_when(text, verb)
    return None


def _may_end(line: str) -> bool:
    """Whether an attribution can end with this line; cheap, for most lines cannot."""
    if line[-1:] in _LAST_MARKS:
        return True
    if line[-2:] not in _LAST_LETTERS:
        return "GMT" in line
    word = line.rsplit(None, 1)[-1]
    return folded(word.rsplit(">", 1)[-1]) in _LAST_WORDS or "GMT" in line


def _wrote(text: str) -> int | None:
    """Where the verb of writing begins that the text ends in, counted from the end."""
    tail = text[-40:].lower()
    verb = _WROTE_AT_END.search(tail)
    return verb and verb.start() - len(tail)


def _dated(text: str) -> bool:
    found = _DATE.search(text, 0, _DATE_WITHIN + 40)
    return found is not None and found.start() <= _DATE_WITHIN


def _is_complete(text: str, verb: int | None, dated: bool, lines: Sequence[str], index: int) -> bool:
    if text.endswith(">>>") and is_quoted(lines[index]):  # GroupWise: ">>> Bob <bob@example.com> 3/2/2016 10:15 >>>"
        return dated or "@" in text
    if verb is not None:
        if "@" not in text and _speech_follows(lines, index):
            return False  # "On Monday your colleague wrote:" and her words, told by somebody
        if dated and "@" not in text and (_TIME_ONLY.match(text) or not _MOMENT.search(text)):
            return _quote_follows(lines, index)  # "At 10:15 the technician called and said:", "On Monday she wrote:"
        if dated:
            return text[-1] in ":：-*" or "@" in text or _PREPOSITION.match(text) is not None
        return _NAME_WROTE.match(text) is not None or (text[-1] in ":：" and _quote_follows(lines, index))
    if text[-1] in ":：":
        return _ends_in_name(text, dated, lines, index)
    return dated and _STAMP.match(text) is not None


def _ends_in_name(text: str, dated: bool, lines: Sequence[str], index: int) -> bool:
    """A name or a date before the colon: "2016-03-03 17:21 Bob <bob@example.com>:", "Am 3.2. schrieb Bob:"."""
    if _NAME_WROTE.match(text):
        return True
    address = "@" in text and _ADDRESS.search(text)
    if not dated:
        return bool(address) and len(text) < 150 and _quote_follows(lines, index)
    inside = _WROTE_INSIDE.search(text)
    if inside and (address or len(inside["who"].split()) <= 5):
        return True
    if not address or len(text) >= 250 or _LOG_LEVEL.search(text):
        return False
    closed = text.rstrip(":：* ").endswith((">", ")"))
    opened = _STARTS_WITH_DATE.match(text) or _PREPOSITION.match(text)
    return bool(closed and opened) or _quote_follows(lines, index)


def _quote_follows(lines: Sequence[str], index: int) -> bool:
    ahead = next_filled(lines, index + 1, 3)
    return ahead is not None and is_quoted(lines[ahead])


def _speech_follows(lines: Sequence[str], index: int) -> bool:
    ahead = next_filled(lines, index + 1, 2)
    return ahead is not None and lines[ahead].lstrip()[:1] in _SPEECH


def _who_and_when(text: str, verb: int | None) -> dict[str, str]:
    """Takes an attribution apart into ``sender`` and ``date``."""
    text = text.lstrip(" *")
    address = _ADDRESS.search(text) if "@" in text else None
    head = text[: address.start()].rstrip(" <([\"'") if address else text[:verb].rstrip(" *").removesuffix(" ----")
    preposition = _PREPOSITION.match(head)
    begin = preposition.end() if preposition else 0
    ends = [match.end() for match in _DATE_END.finditer(head, begin)]
    date = head[begin : ends[-1]] if ends else ""
    name = head[ends[-1] :] if ends else head[begin:]
    before = _BEFORE_NAME.search(name.lower())
    name = _IN_BRACKETS.sub("", name)
    name = clean_name(name[: before.start()] + name[before.end() :] if before else name)
    sender = f"{name} <{address[0]}>" if address else name
    return {key: value for key, value in (("sender", sender), ("date", date.strip(" ,"))) if value}
