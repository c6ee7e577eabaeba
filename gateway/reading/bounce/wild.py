"""Recipients in the prose of a report: what the mail systems write that do not follow RFC 3464.

No form of one system is known here. An address counts by where it stands: at the start of a line, behind a label
(`Recipient:`, `RCPT TO:`), or on a line that tells an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from gateway.reading.bounce.phrases import DAEMONS, any_of
from gateway.reading.bounce.rfc3464 import Recipient

_LINES_MAX = 2_000
_LINE_MAX = 1_000
_ADDRESSES_MAX = 200
_EXCERPT_MAX = 2_000

_ATEXT = r"\w.!#$%&'*+/=?^`{|}~-"
# The look-behind lets a run of letters be tried once only, so that a long one costs no more than its length.
_ADDRESS = re.compile(rf"""(?<![{_ATEXT}])(?:[{_ATEXT}]{{1,64}}|"[^"\s@]{{1,64}}")@[A-Za-z0-9][\w.-]{{0,252}}""")
# An address as the name of the next one: `a@b <c@d>`.
_NAME_OF_NEXT = re.compile(r"""["']?\s*<(?=[^\s<>@]+@)""")
# X.400: `c=US;a= ;p=IKON;o=Nexus;dda:SMTP=a@b;`
_X400 = re.compile(r".*\bsmtp=", re.IGNORECASE)

_LEAD = re.compile(r"""[\s<>*•·"'(\[|:-]*+(?:smtp:|to\s++|[45]\d\d[ -]++)?[\s<"']*+""")
_LABEL = re.compile(
    any_of(
        r"rcpt to",
        r"recipients?(?: address)?",
        r"addressed(?: to)?",
        r"error-for",
        r"mailbox",
        r"user(?:id|name)?",
        r"address(?:es)?",
        r"account",
        r"e-?mail",
        r"delivered to",
        r"deliver(?: (?:your|the|this))?(?: (?:message|mail|e-?mail))? to",
        r"not deliver(?:ed|able)?",
        r"undeliverable",
        r"reach(?:ed)?",
        r"failed(?: to)?",
        r"generated from",
        r"errors",
        r"unknown",
        r"smtp",
        r"empfänger",
        r"adresse",
        r"destinat(?:aire|ario|ário)",
        r"indirizzo",
        r"получател\w+",
        r"(?:宛先|收件人)",
    )
    + r"""(?:\(s\)|\(es\))?\s*+[:=,]?\s*+[\[<"'(]*+(?:smtp:)?$"""
)
_NOT_A_RECIPIENT = re.compile(
    any_of(
        any_of(
            r"(?<!generated\s)\bfrom",
            r"sender",
            r"return-path",
            r"(?:reply|errors|in-reply)-to",
            r"message-?id",
            r"content-id",
            r"references",
            r"mailto",
            r"contact",
            r"helpdesk",
            r"support",
            r"assistance",
            r"questions",
            r"forward (?:this|it)[^\n]{0,40} to",
            r"report",
            r"originator",
            r"postmaster",
            r"administrator",
            r"id (?:is|was)",
            r"message by",
            r"behalf of",
            r"subject",
            r"sent by",
            r"(?:von|de la part)",
        )
        + r"[^@\n]{0,25}$",
        r"^\s*(?:received|date|cc|bcc|x-[\w-]+|dkim-signature):",
    )
)
_ERROR = re.compile(
    any_of(
        r"unknown",
        r"not (?:found|exist|known|deliver|listed|recogni|accept|valid|local|reach|permitted|allowed|a )",
        r"(?:doesn't|does not|could not)",
        r"no such",
        r"(?:reject|refuse|denied|block)",
        r"(?:fail|error|bounce|undeliver|unable|unrout)",
        r"(?:invalid|illegal|bad )",
        r"(?:unavailable|disabled|inactive|suspended)",
        r"(?:full|exceed|quota)",
        r"\b[45][0-5]\d[ -]",
        r"\b[45]\.\d\.\d",
        r"(?:不存在|无法|失败|できません)",
    )
)


class Place(IntEnum):
    """How surely an address at this place names who did not get the mail."""

    NEVER = 0
    MENTION = 1
    ERROR = 2
    HEAD = 3


@dataclass(frozen=True, slots=True)
class _Hit:
    line: int
    address: str
    place: Place


def recipients(notice: str, others: Iterable[str]) -> list[Recipient]:
    """The recipients that ``notice`` complains of, with the lines that tell why.

    ``others`` are addresses of the sender's side: they count only where nobody else is named.
    """
    lines = [line[:_LINE_MAX] for line in notice.split("\n", _LINES_MAX)[:_LINES_MAX]]
    hits = _hits(lines)
    aside = {address.lower() for address in others}
    candidates = [hit for hit in hits if hit.address.lower() not in aside] or hits
    best = max((hit.place for hit in candidates), default=Place.NEVER)
    if best is Place.NEVER:
        return []
    named = dict.fromkeys(hit.address.lower() for hit in candidates if hit.place is best)
    spelled = {hit.address.lower(): hit.address for hit in reversed(candidates)}
    excerpts = _excerpts(
        lines, {hit.line: hit.address.lower() for hit in reversed(hits) if hit.address.lower() in named}
    )
    return [Recipient(spelled[name], diagnostic=excerpts.get(name, "")) for name in named]


def _hits(lines: list[str]) -> list[_Hit]:
    hits: list[_Hit] = []
    for number, line in enumerate(lines):
        if "@" in line:
            hits += _hits_in(number, line)
        if len(hits) >= _ADDRESSES_MAX:
            break
    return hits[:_ADDRESSES_MAX]


def _hits_in(number: int, line: str) -> Iterator[_Hit]:
    lowered = line.lower()
    name_at = -1
    for match in _ADDRESS.finditer(line):
        if _NAME_OF_NEXT.match(line, match.end()):
            name_at = match.start()
            continue
        start = match.start() if name_at < 0 else name_at
        name_at = -1
        address = _X400.sub("", match[0]).strip("'").rstrip("._-")
        place = Place.HEAD if _X400.match(match[0]) else _place(lowered[:start], lowered[match.end() :], address)
        yield _Hit(number, address, place)


def _place(before: str, behind: str, address: str) -> Place:
    if address.partition("@")[0].lower() in DAEMONS or _NOT_A_RECIPIENT.search(before):
        return Place.NEVER
    if _LEAD.fullmatch(before) or _LABEL.search(before):
        return Place.HEAD
    if _ERROR.search(before) or _ERROR.search(behind):
        return Place.ERROR
    return Place.MENTION


def _excerpts(lines: list[str], names: dict[int, str]) -> dict[str, str]:
    """The lines of each name: those that it stands on, what follows each, and the answers (`<<<`) above it.

    ``names`` tells by the line's number who stands on it.
    """
    kept: dict[str, list[str]] = {}
    answers: list[str] = []
    inside: list[str] | None = None
    for number, line in enumerate(lines):
        if line.startswith("<<<"):
            answers.append(line)
        if number in names:
            inside = kept.setdefault(names[number], [])
            inside += answers
            answers = []
        if inside is not None:
            inside.append(line)
    return {name: "\n".join(its)[:_EXCERPT_MAX] for name, its in kept.items()}
