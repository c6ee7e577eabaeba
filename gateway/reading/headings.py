"""Finds what mail clients write above a mail they quote: an attribution, a block of headers, a separator.

Works on lines, in one pass: each line is looked at a bounded number of times, and long lines not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from gateway.model import Address
from gateway.reading import phrases

LONGEST_LINE = 400
"""Characters; no client writes a longer heading."""
_ATTRIBUTION_LINES = 6
"""A wrapped "On ..., NAME <ADDRESS> wrote:" was seen over five lines, blank ones included."""
_BLOCK_LINES = 40


class Kind(Enum):
    ATTRIBUTION = auto()
    """On such a day somebody wrote:"""
    HEADERS = auto()
    """From, Sent, To, Subject one below the other."""
    ORIGINAL = auto()
    """A separator that says "original message", with or without headers."""
    FORWARDED = auto()
    """A separator that says "forwarded message", with or without headers."""


@dataclass(frozen=True, slots=True)
class Heading:
    """One heading, ``lines[start:end]``. ``fields`` hold raw values by the names of ``phrases.Labels``."""

    kind: Kind
    start: int
    end: int
    fields: Mapping[str, str] = field(default_factory=dict)

    def quoted(self, lines: Sequence[str]) -> bool:
        """Whether it stands behind quotation marks. Apple Mail marks the headers, not the separator above them."""
        line = self.start if self.kind is Kind.ATTRIBUTION else self.end - 1
        return self.end > self.start and is_quoted(lines[line])


def folded(text: str) -> str:
    """The text as phrases are compared: no case, and the Turkish dotted I without its extra dot."""
    return text.casefold().replace("i\u0307", "i").replace("\xa0", " ").strip()


def variants(row: str) -> list[str]:
    """The variants of one row of a table of phrases, folded."""
    return [folded(variant) for variant in row.split("|")]


def _by_label() -> dict[str, str]:
    table: dict[str, str] = {}
    for labels in phrases.LABELS.values():
        for name, row in labels._asdict().items():
            for label in variants(row):
                table.setdefault(label, name)
    return table


_FIELDS = _by_label()
_OTHER = frozenset(variants(phrases.OTHER_LABELS))
_ENDS = frozenset(variants(phrases.FORWARD_ENDS))
_SEPARATORS = {phrase: Kind.ORIGINAL for row in phrases.ORIGINAL.values() for phrase in variants(row)} | {
    phrase: Kind.FORWARDED for row in phrases.FORWARDED.values() for phrase in variants(row)
}
_SEPARATOR_WORDS = max(len(phrase.split()) for phrase in _SEPARATORS)

_LABEL = re.compile(
    r"""[\s*_|•\u200b\ufeff]*            # emphasis of a rich text turned plain
        ([^\s*_|:：<>@][^:：<>@]{0,38}?)  # the label
        [\s*_]*[:：][\s*_]*              # NBSP before the colon in French
        (.*)""",
    re.VERBOSE | re.DOTALL,
)
_QUOTE_MARKS = re.compile(r"(?:[ \t]{0,3}[>|])*[ \t]*")
_DECORATION = " \t\xa0-‐‑‒–—―=_*~#+.:：<>|»«…\"'\u200b\ufeff"
_RULES = frozenset("-‐‑‒–—―_=*~#<>")
_SPACELESS_SCRIPT = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_DIVIDER = re.compile(r"[\s*>|]*(?:[-‐–—―_=*~]\s?){3,}\s*")


def _alternatives(*rows: str) -> str:
    """The variants of tables as one alternation, longest first."""
    words = {word for row in rows for word in row.split("|")}
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_VERB = _alternatives(*phrases.WROTE.values())
_VERB_BEFORE_NAME = _alternatives(phrases.WROTE_NAME)
_SPACELESS = _alternatives(*(phrases.WROTE[language] for language in ("ja", "zh", "ko", "th")))
_WROTE_AT_END = re.compile(rf"(?:(?:^|[\s>)\]\"'”’,])(?:{_VERB})|(?:{_SPACELESS}))\s*[:：]?[\s*>-]*$", re.IGNORECASE)
_WROTE_INSIDE = re.compile(
    rf"\s(?:{_VERB_BEFORE_NAME})\s(?P<who>[^:]{{1,150}}|.{{1,150}}>)\s*:[\s*]*$",
    re.IGNORECASE,
)
_NAME_WROTE = re.compile(rf"[^<>@]{{0,100}}<[^<>\s]+@[^<>\s]+>\s*(?:{_VERB})\b[^<>]{{0,100}}[:：]\s*$", re.IGNORECASE)

_DATE = re.compile(
    r"""(?:^|[^\w-])(?:
        (?:19|20)\d\d\b                               # a year
      | \d{1,4}[./-]\d{1,2}[./-]\d{1,4}               # 3/2/16, 2016-02-03, 03.02.2016
      | \d{1,2}[:.h]\d{2}\b                           # a time
      | \d{1,2}(?:\.|st|nd|rd|th)?[ ](?:de[ ])?[^\W\d_]{3,12}   # 3. Februar, 3 de febrero
      | [^\W\d_]{3,9}\.?[ ]\d{1,2},                   # Feb 3,
      ) | \d\s?[年년]""",
    re.VERBOSE,
)
_DATE_END = re.compile(
    r"""(?:\d{4}[./-]\d{1,2}[./-]\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b|\d{1,2}[:.h]\d{2}(?:[:.]\d{2})?|\b(?:19|20)\d\d\b
          |\d\s?[日일](?:\s?\([^)]{1,3}\))?)
        (?:\s?(?:[ap]\.?\s?m\.?(?!\w)|uhr\b|nachm\.|vorm\.|г\.|р\.|(?:GMT|UTC)?[+-]\d\d:?\d\d|(?-i:[A-Z]{3,4})\b))*""",
    re.VERBOSE | re.IGNORECASE,
)
_FROM_DATE = re.compile(r"\d|[^\W\d_]{2,12}\.?,?\s(?:\w{2,9}\.?\s)?\d")
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}")
_BARE_STAMP = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d GMT[+-]\d\d:\d\d [^<]{1,80}$|\d{4}/\d{1,2}/\d{1,2} [^<>@]{1,80}<\S+@\S+>\s*$"
)
_LOG_LEVEL = re.compile(r"\b(?:ERROR|WARN(?:ING)?|INFO|DEBUG|FATAL|TRACE|CRITICAL)\b")
_ON = re.compile(
    r"[\s>*-]*(?:on|am|le|el|il|em|op|den|dnia|w dniu|dne|dňa|dana|in data|at|pe|la|στις|vào|pada|på|no|a les|ngày|在|-{2,}\s*on)\s+",
    re.IGNORECASE,
)


def bare(line: str) -> str:
    """The line without quotation marks and blanks at its ends."""
    line = line.strip()
    if line[:1] in (">", "|"):
        match = _QUOTE_MARKS.match(line)
        return line[match.end() :] if match else line
    return line


def is_quoted(line: str) -> bool:
    return line.startswith(">") or line.lstrip(" \t\ufeff").startswith(">")


def people(value: str) -> tuple[Address, ...]:
    """Reads addresses as clients print them: ``Name <a@b>``, ``Name [mailto:a@b]``, ``a@b<mailto:a@b>``, bare names."""
    value = value[:4000]
    found: list[Address] = []
    position = 0
    for match in _ADDRESS.finditer(value):
        name = _clean_name(value[position : match.start()])
        position = match.end()
        address = match.group()
        if found and not name and found[-1].address == address:
            continue
        found.append(Address("" if name == address else name, address))
    if not found:
        names = (_clean_name(part) for part in value.split(";"))
        return tuple(Address(name, "") for name in names if name)
    return tuple(found)


def _clean_name(text: str) -> str:
    name = re.sub(r"mailto:|[<>\[\]()]", " ", text).strip(" \t\xa0,;\"'*‘’“”，、")
    return " ".join(name.split())


def label_of(line: str) -> tuple[str, str] | None:
    """The field that a line names and its value: ``("sender", "Bob <bob@example.com>")``."""
    if ":" not in line[:60] and "：" not in line[:60]:
        return None
    match = _LABEL.match(line)
    if match is None:
        return None
    name = _FIELDS.get(folded(match.group(1)))
    return (name, match.group(2).strip(" \t\xa0*\u200e\u200f")) if name else None


def _is_other_label(line: str) -> bool:
    match = _LABEL.match(line)
    return match is not None and folded(match.group(1)) in _OTHER


def find(lines: Sequence[str]) -> Iterator[Heading]:
    """Yields the headings of a body, top to bottom, at the outermost level of quotation.

    Inside a quotation only its first lines are looked at: Apple Mail puts the attribution behind the quotation mark.
    """
    position, fresh, fenced = 0, True, False
    while position < len(lines):
        line = lines[position]
        quoted = is_quoted(line)
        if line.startswith("```"):
            fenced = not fenced
        heading = None
        if not fenced and len(line) <= LONGEST_LINE and (not quoted or fresh):
            heading = heading_at(lines, position)
        if heading:
            yield heading
            position = heading.end
            fresh = heading.kind is not Kind.ATTRIBUTION
            continue
        fresh = not quoted or (fresh and not bare(line))
        position += 1


def heading_at(lines: Sequence[str], position: int) -> Heading | None:
    """The heading that begins at this line, if one does."""
    line = bare(lines[position])
    if not line:
        return None
    first = line[0]
    if first in _RULES or line[-1] in ":：-" or _only_phrase(line):
        found = _separated(lines, position)
        if found:
            return found
    if label_of(line):
        fields, end = _headers(lines, position)
        if _convincing(fields):
            return Heading(Kind.HEADERS, position, end, fields)
    return _attribution(lines, position)


def _only_phrase(line: str) -> bool:
    return len(line) < 40 and folded(line.strip(_DECORATION)) in _SEPARATORS


# --- separators and headers -----------------------------------------------------------------------


def _separated(lines: Sequence[str], position: int) -> Heading | None:
    """A separator, and the headers or the attribution below it; a plain divider counts only with headers."""
    line = bare(lines[position])
    kind = separator_kind(line)
    below = _below_dividers(lines, position + 1) if kind or _DIVIDER.fullmatch(line) else None
    if kind is None:
        return _under_divider(lines, position, below) if below is not None else None
    decorated = line[0] in _RULES or line[-1] in ":："
    if below is not None:
        fields, end = _headers(lines, below)
        if len(fields) > 1 or "sender" in fields:
            return Heading(kind, position, _behind_closing(lines, end, line), fields)
        quoted = _attribution(lines, below) if decorated else None
        if quoted:
            return Heading(kind, position, quoted.end, quoted.fields)
    believed = decorated and len(line.strip(_DECORATION).split()) > 1 or _SPACELESS_SCRIPT.search(line)
    return Heading(kind, position, position + 1) if decorated and believed else None


def _under_divider(lines: Sequence[str], position: int, below: int) -> Heading | None:
    """A plain rule with headers under it, or with a separator that says more."""
    if separator_kind(bare(lines[below])):
        inner = _separated(lines, below)
        return inner and Heading(inner.kind, position, inner.end, inner.fields)
    fields, end = _headers(lines, below)
    return Heading(Kind.HEADERS, position, end, fields) if _convincing(fields) else None


def _below_dividers(lines: Sequence[str], position: int) -> int | None:
    """The next line with text that is no plain rule."""
    for _ in range(3):
        below = _next_text(lines, position, 4)
        if below is None or not _DIVIDER.fullmatch(bare(lines[below])[:LONGEST_LINE]):
            return below
        position = below + 1
    return None


def _behind_closing(lines: Sequence[str], end: int, separator: str) -> int:
    """Some clients repeat the separator, or a rule, below the headers."""
    below = _next_text(lines, end, 2)
    if below is None:
        return end
    line = bare(lines[below])[:LONGEST_LINE]
    return below + 1 if line == separator or (below == end and _DIVIDER.fullmatch(line)) else end


def separator_kind(line: str) -> Kind | None:
    """Whether a line says "original message" or "forwarded message", in any of the languages known."""
    words = folded(line.strip(_DECORATION)).split()[: _SEPARATOR_WORDS + 1]
    if not words:
        return None
    whole = " ".join(words)
    found = _SEPARATORS.get(whole)
    if found or line[:2] not in ("--", "__", "==", "**", "- ", "‐‐", "––", "——"):
        return found
    # Lotus Notes and Groupwise go on behind the phrase: "----- Forwarded by Bob/Sales on 3 May -----".
    for count in range(len(words) - 1, 1, -1):
        found = _SEPARATORS.get(" ".join(words[:count]))
        if found:
            return found
    return None


def ends_forward(line: str) -> bool:
    """Whether a line says that the forwarded mail ends here."""
    return len(line) < 120 and line[:2] in ("--", "==", "__") and folded(line.strip(_DECORATION)) in _ENDS


def _next_text(lines: Sequence[str], position: int, reach: int) -> int | None:
    for index in range(position, min(position + reach, len(lines))):
        if bare(lines[index]):
            return index
    return None


def _convincing(fields: Mapping[str, str]) -> bool:
    """Three fields with a sender, one of which only a mail has: enough without a separator above."""
    return (
        "sender" in fields
        and len(fields) >= 3
        and ("subject" in fields or any("@" in value for value in fields.values()))
    )


def _headers(lines: Sequence[str], position: int) -> tuple[dict[str, str], int]:
    """Reads header lines from ``position`` on; returns them and the index behind the last."""
    fields: dict[str, str] = {}
    end, last = position, ""
    index = position
    while index < min(len(lines), position + _BLOCK_LINES):
        line = bare(lines[index][:1000])
        found = label_of(line) if line else None
        if found and found[0] not in fields:
            last = found[0]
            fields[last] = found[1]
        elif found and found[0] == "cc":
            fields["cc"] += ", " + found[1]
        elif not line:
            ahead = _next_text(lines, index, 4)
            following = label_of(bare(lines[ahead])) if ahead is not None and fields else None
            if ahead is None or following is None or following[0] in fields:
                break
            index = ahead
            continue
        elif last and _is_other_label(line):
            pass
        elif last and _continues(lines, index, last, fields[last]):
            fields[last] = f"{fields[last]} {line}".strip()
        else:
            break
        index += 1
        end = index
    return fields, end


def _continues(lines: Sequence[str], index: int, name: str, value: str) -> bool:
    """Whether a line goes on with the header above it: header lines are wrapped, or stand below their label."""
    line = bare(lines[index])
    if len(line) > LONGEST_LINE:
        return False
    if name in ("sender", "to", "cc", "reply_to"):
        newest = re.split("[,;]", value)[-1]
        return ("@" in line and "@" not in newest) or value.endswith((",", ";", "<")) or (not value and len(line) < 100)
    following = bare(lines[index + 1]) if index + 1 < len(lines) else ""
    if following and label_of(following):
        return True
    return (not value or (name == "subject" and len(value) > 45)) and not following and len(line) < 100


# --- attributions -----------------------------------------------------------------------------------


def _attribution(lines: Sequence[str], position: int) -> Heading | None:
    """An attribution that begins here. Joined line by line until it is complete, or cannot be one."""
    first = bare(lines[position])
    dated = _DATE.search(first, 0, 90)
    opens = dated and dated.start() <= 45 and (_ON.match(first) or _FROM_DATE.match(first))
    if not opens and not ("@" in first or "<" in first or first[-1] in ":："):
        return None
    text = ""
    for index in range(position, min(position + _ATTRIBUTION_LINES, len(lines))):
        if len(lines[index]) > LONGEST_LINE:
            return None
        line = bare(lines[index])
        if not line and not (dated and _ON.match(first)):
            return None
        text = f"{text} {line}".strip() if line else text
        if line and _complete(text, lines, index):
            return Heading(Kind.ATTRIBUTION, position, index + 1, _who_and_when(text))
    return None


def _complete(text: str, lines: Sequence[str], index: int) -> bool:
    dated = _DATE.search(text, 0, 90)
    if text.endswith(">>>") and is_quoted(lines[index]):  # GroupWise: ">>> Bob <bob@example.com> 3/2/2016 10:15 >>>"
        return dated is not None or "@" in text
    if _WROTE_AT_END.search(text):
        if dated and dated.start() <= 45:
            return text[-1] in ":：-*" or "@" in text or _ON.match(text) is not None
        if _NAME_WROTE.match(text):
            return True
        return text[-1] in ":：" and len(text) < 100 and _quote_follows(lines, index)
    if text[-1] in ":：":
        return _colon_attribution(text, dated, lines, index)
    return dated is not None and _BARE_STAMP.match(text) is not None


def _colon_attribution(text: str, dated: re.Match[str] | None, lines: Sequence[str], index: int) -> bool:
    """Attributions that end in a name or a date: "2016-03-03 17:21 Bob <bob@example.com>:", "Am 3.2. schrieb Bob:"."""
    if _NAME_WROTE.match(text):
        return True
    address = _ADDRESS.search(text)
    if dated and dated.start() <= 45:
        inside = _WROTE_INSIDE.search(text)
        if inside and (address or len(inside["who"].split()) <= 5):
            return True
        closed = text.rstrip(":：* ").endswith((">", ")"))
        return bool(address and closed and _FROM_DATE.match(text) and len(text) < 250 and not _LOG_LEVEL.search(text))
    return bool(address and len(text) < 150 and _quote_follows(lines, index))


def _quote_follows(lines: Sequence[str], index: int) -> bool:
    ahead = _next_text(lines, index + 1, 3)
    return ahead is not None and is_quoted(lines[ahead])


def _who_and_when(text: str) -> dict[str, str]:
    """Takes an attribution apart into ``sender`` and ``date``."""
    text = text.strip(" -*")
    address = _ADDRESS.search(text)
    head = text[: address.start()].rstrip(" <([\"'") if address else _WROTE_AT_END.sub("", text)
    on = _ON.match(head)
    begin = on.end() if on else 0
    ends = [match.end() for match in _DATE_END.finditer(head, begin)]
    date = head[begin : ends[-1]] if ends else ""
    name = head[ends[-1] :] if ends else head[begin:]
    name = re.sub(
        rf"^[\s,;:.]*(?:{_VERB_BEFORE_NAME}|from|пользователь|użytkownik)\s",
        "",
        name,
        flags=re.I,
    )
    name = _clean_name(name.replace("mailto:", " ").strip(" ,;:."))
    if not ends and address:
        date = ""
    sender = f"{name} <{address.group()}>" if address else name
    return {key: value for key, value in (("sender", sender), ("date", date.strip(" ,"))) if value}
