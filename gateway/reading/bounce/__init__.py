"""Reports about mail that was not delivered: RFC 3464, and the older forms that are in use.

A report is believed only from what looks like a mail system: a delivery-status part, a mailer's address, the null
return path or a report's subject; a customer who writes about a bounce stays a customer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntEnum

from gateway.model import Bounce, BounceRecipient, ReadMail
from gateway.reading.bounce import codes, original, phrases, rfc3464, sns, wild
from gateway.reading.bounce.original import Report
from gateway.reading.bounce.rfc3464 import Recipient
from gateway.reading.mime import Headers, Part

_RECIPIENTS_MAX = 200
# Dovecot's Sieve refuses a mail by a disposition notification (RFC 5429 §2.1 allows it).
_REFUSED = re.compile(r"^disposition:[ \t]*automatic-action/[^;\n]{0,80};[ \t]*(?:deleted|denied|failed)", re.I | re.M)


class _Trust(IntEnum):
    """What speaks for a report, before its text was looked at."""

    NONE = 0
    SUBJECT = 1
    """A person may write such a subject, and paste an error: only what mail systems attach is evidence."""
    NULL_PATH = 2
    """Absence notices have it too: codes are evidence."""
    LIKELY = 3
    DAEMON = 4
    """Sent by a mailer: a report even where no recipient can be told."""
    STATED = 5


def find(headers: Headers, parts: Sequence[Part], mail: ReadMail) -> Bounce | None:
    """Read ``mail`` as a delivery report; ``None`` where it is not one. Never raises."""
    if headers.raw(sns.HEADER):
        told = sns.read(mail.text)
        return _bounce(told.recipients, False, "", told.message_id) if told else None
    trust = _trust(headers, parts, mail)
    if trust is _Trust.NONE or _is_other_report(parts):
        return None
    report = original.pieces(parts, mail.text)
    if not _is_credible(trust, report):
        return None
    found = _recipients(headers, mail, report)
    if not found and trust < _Trust.DAEMON:
        return None
    dsn = any(part.content_type in original.STATUS_TYPES for part in parts)
    return _bounce(found, dsn, report.notice, report.message_id)


def _trust(headers: Headers, parts: Sequence[Part], mail: ReadMail) -> _Trust:
    """By what costs next to nothing: every person's mail comes through here."""
    if headers.raw("x-failed-recipients"):
        return _Trust.STATED
    if parts and parts[0].content_type == "multipart/report":
        return _Trust.STATED if any(part.content_type in original.STATUS_TYPES for part in parts) else _Trust.LIKELY
    if mail.author is not None:
        local = mail.author.address.partition("@")[0].lower()
        if local in phrases.DAEMONS:
            return _Trust.LIKELY if local == "postmaster" else _Trust.DAEMON
    subject = mail.subject.lower()
    if phrases.TITLE.match(subject):
        return _Trust.SUBJECT if "user-agent" in headers else _Trust.LIKELY  # people's programs write that field
    if phrases.SUBJECT.match(subject):
        return _Trust.LIKELY if headers.null_path else _Trust.SUBJECT
    return _Trust.NULL_PATH if headers.null_path else _Trust.NONE


def _is_credible(trust: _Trust, report: Report) -> bool:
    if trust is _Trust.STATED:
        return True
    if trust is _Trust.SUBJECT and not report.is_complete:
        return False
    if trust is _Trust.NULL_PATH and not (report.is_complete or report.has_codes):
        return False
    return bool(phrases.FAILURE.search(report.notice.lower()))


def _is_other_report(parts: Sequence[Part]) -> bool:
    """Whether it reports something else: abuse (RFC 5965), or that a mail was read (RFC 8098)."""
    for part in parts:
        if part.content_type == "message/feedback-report":
            return True
        if part.content_type == "message/disposition-notification":
            return not _REFUSED.search(original.head(part))
    return False


def _recipients(headers: Headers, mail: ReadMail, report: Report) -> list[Recipient]:
    found = rfc3464.recipients(report.status) or rfc3464.recipients(report.notice)
    if found:
        return found
    others = [address.address for address in mail.to] + list(headers.all("delivered-to")) + report.senders
    told = wild.recipients(report.notice, others)
    announced = [name.strip(" <>") for value in headers.all("x-failed-recipients") for name in value.split(",")]
    if announced:
        why = {recipient.address.lower(): recipient.diagnostic for recipient in told}
        return [Recipient(name, diagnostic=why.get(name.lower(), report.notice)) for name in announced if "@" in name]
    if told:
        return told
    if inner := rfc3464.recipients(report.returned):
        # A filter wrapped the report once more.
        return inner
    return [Recipient(name, diagnostic=report.notice) for name in dict.fromkeys(report.addressed)]


def _bounce(found: list[Recipient], dsn: bool, notice: str, message_id: str) -> Bounce:
    told = notice.lower()
    action = "delayed" if phrases.DELAY.search(told) and not phrases.FINAL.search(told) else "failed"
    recipients = tuple(_result(each, notice if len(found) == 1 else "", action) for each in found[:_RECIPIENTS_MAX])
    failed = [each for each in recipients if each.action == "failed"]
    return Bounce(
        failed=bool(failed) or not recipients,
        dsn=dsn,
        permanent=any(_is_permanent(each) for each in failed),
        original_message_id=message_id,
        recipients=recipients,
    )


def _result(recipient: Recipient, notice: str, action: str) -> BounceRecipient:
    """One recipient with codes: of its own lines, else of ``notice``.

    The server's own status, in the diagnostic, tells more than the class that the reporting system made of it.
    """
    texts = (recipient.diagnostic, notice)
    known = (codes.status(recipient.diagnostic), recipient.status, codes.status(notice))
    status = next((code for code in known if not codes.is_vague(code)), next(filter(None, known), ""))
    reply = next(filter(None, (codes.reply(text, status) for text in texts)), "")
    return BounceRecipient(recipient.original or recipient.address, status, recipient.action or action, reply)


def _is_permanent(recipient: BounceRecipient) -> bool:
    return not (recipient.status or recipient.reply_code).startswith("4")
