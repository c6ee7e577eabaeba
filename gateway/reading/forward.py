"""Finds the mail that a mail forwards: inline, as clients write it out, or as an attached message."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from gateway.model import Forward, ReadMail
from gateway.reading import headings, language, phrases
from gateway.reading.headings import Body, Heading, Kind
from gateway.reading.labels import people
from gateway.reading.lines import bare, folded, is_quoted

_PREFIX = re.compile(r"\s*(?:\[[^\[\]]{1,40}\]\s*)?([^\W\d_]{1,12})\.?\s?(?:\[\d{1,3}\]|\(\d{1,3}\))?\s?[:：]")
_MARK = re.compile(r"[ \t]{0,3}>[ ]?")


def find(body: Body, subject: str, enclosed: Iterable[tuple[ReadMail, str]]) -> Forward | None:
    """The forwarded mail, or None.

    Inline, a separator that says "forwarded" is believed always; headers that an answer has as well, unless the
    subject is an answer's; an attribution, only where the subject is a forward's. ``enclosed`` are the attached
    mails, each with its Date as sent; the first is what is forwarded, unless the subject is an answer's.
    """
    prefix = _prefix(subject)
    heading = next((one for one in body.headings if "sender" in one.fields or len(one.fields) > 1), None)
    if heading and _forwards(heading, prefix, body.lines):
        return _inline(body.lines, heading)
    attached = None if prefix in phrases.REPLY_PREFIXES else next(iter(enclosed), None)
    return _attached(body.text, *attached) if attached else None


def _forwards(heading: Heading, prefix: str, lines: Sequence[str]) -> bool:
    if prefix == "vs":  # an answer in Finnish, a forward in Danish and Norwegian
        return heading.kind is Kind.FORWARDED or any(
            folded(bare(line)[:4]) == "fra:" for line in lines[heading.start : heading.end]
        )
    match heading.kind:
        case Kind.FORWARDED:
            return True
        case Kind.ATTRIBUTION:
            return prefix in phrases.FORWARD_PREFIXES
        case _:
            return prefix not in phrases.REPLY_PREFIXES


def _prefix(subject: str) -> str:
    """The first reply or forward prefix of a subject, lower case and without its colon; empty where there is none."""
    match = _PREFIX.match(subject)
    return folded(match.group(1)) if match else ""


def _inline(lines: Sequence[str], heading: Heading) -> Forward:
    fields = heading.fields
    body = lines[heading.end : _end(lines, heading)]
    if heading.quoted(lines):
        body = [_MARK.sub("", line, count=1) for line in body]
    sender = people(fields.get("sender", ""))
    text = "\n".join(body).strip("\r\n")
    return Forward(
        sender=sender[0] if sender else None,
        to=people(fields.get("to", "")),
        cc=people(fields.get("cc", "")),
        reply_to=people(fields.get("reply_to", "")),
        subject=fields.get("subject", ""),
        date_raw=fields.get("date", ""),
        text=text,
        comment="\n".join(lines[: heading.start]).strip("\r\n"),
        language=language.of(text),
    )


def _end(lines: Sequence[str], heading: Heading) -> int:
    """A forward behind quotation marks ends with them; any other at a line that says so, or with the body."""
    if heading.quoted(lines):
        return next(
            (at for at in range(heading.end, len(lines)) if bare(lines[at]) and not is_quoted(lines[at])), len(lines)
        )
    return next((at for at in range(heading.end, len(lines)) if headings.ends_forward(lines[at])), len(lines))


def _attached(comment: str, mail: ReadMail, date: str) -> Forward:
    return Forward(
        sender=mail.author,
        to=mail.to,
        cc=mail.cc,
        reply_to=mail.reply_to,
        subject=mail.subject,
        date_raw=date,
        text=mail.text,
        comment=comment.strip("\r\n"),
        language=language.of(mail.text),
    )
