"""Finds the mail that a mail forwards: inline, as clients write it out, or as an attached message."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.model import Forward, ReadMail
from gateway.reading import headings, phrases
from gateway.reading.headings import Heading, Kind, bare, is_quoted, people

_PREFIX = re.compile(r"\s*(?:\[[^\[\]]{1,40}\]\s*)?([^\W\d_]{1,12})\s?(?:\[\d{1,3}\]|\(\d{1,3}\))?\s?[:：]")


def find(text: str, html: str, subject: str, rfc822: Sequence[ReadMail]) -> Forward | None:
    """The forwarded mail, or None.

    ``rfc822`` holds the attached messages, already read; one of them is what is forwarded unless the subject says
    that the mail is an answer. Inline, a separator that says "forwarded" is believed always; headers that an answer
    has as well, only where the subject is not an answer's.
    """
    lines = text.split("\n")
    answers = prefix_of(subject) in phrases.REPLY_PREFIXES
    for heading in headings.find(lines):
        if heading.kind is Kind.ATTRIBUTION:
            break
        if "sender" not in heading.fields and not (heading.kind is Kind.FORWARDED and len(heading.fields) > 1):
            continue
        if heading.kind is not Kind.FORWARDED and answers:
            break
        return _inline(lines, heading)
    if rfc822 and not answers:
        return _attached(text, rfc822[0])
    return None


def prefix_of(subject: str) -> str:
    """The first reply or forward prefix of a subject, lower case and without its colon; empty where there is none."""
    match = _PREFIX.match(subject)
    return match.group(1).casefold() if match else ""


def _inline(lines: Sequence[str], heading: Heading) -> Forward:
    fields = heading.fields
    end = _end(lines, heading)
    body = "\n".join(_unquoted(lines[heading.end : end]) if is_quoted(lines[heading.start]) else lines[heading.end : end])
    above = "\n".join(lines[: heading.start])
    sender = people(fields.get("sender", ""))
    return Forward(
        sender=sender[0] if sender else None,
        to=people(fields.get("to", "")),
        cc=people(fields.get("cc", "")),
        reply_to=people(fields.get("reply_to", "")),
        subject=fields.get("subject", ""),
        date_raw=fields.get("date", ""),
        text=body.strip("\r\n"),
        comment=above.strip("\r\n"),
    )


def _end(lines: Sequence[str], heading: Heading) -> int:
    """A forward behind quotation marks ends with them; any other is the rest of the body."""
    if not is_quoted(lines[heading.start]):
        return len(lines)
    index = heading.end
    while index < len(lines) and (is_quoted(lines[index]) or not bare(lines[index])):
        index += 1
    return index


def _unquoted(lines: Sequence[str]) -> list[str]:
    """The lines with one level of quotation marks taken off."""
    return [re.sub(r"^[ \t]{0,3}>[ ]?", "", line) for line in lines]


def _attached(comment: str, mail: ReadMail) -> Forward:
    return Forward(
        sender=mail.author,
        to=mail.to,
        cc=mail.cc,
        reply_to=mail.reply_to,
        subject=mail.subject,
        date_raw=mail.date.isoformat() if mail.date else "",
        text=mail.text,
        comment=comment.strip("\r\n"),
    )
