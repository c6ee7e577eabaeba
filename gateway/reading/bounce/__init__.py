"""Reports about mail that was not delivered: RFC 3464, and the older forms that are in use.

A report is believed only from what looks like a mail system: a delivery-status part, a mailer's address, the null
return path or a report's subject; a customer who writes about a bounce stays a customer.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from gateway.model import Bounce, BounceRecipient, ReadMail
from gateway.reading.bounce import codes, original, phrases, rfc3464, wild
from gateway.reading.bounce.original import Report
from gateway.reading.bounce.rfc3464 import Recipient
from gateway.reading.mime import Headers, Part

_NULL_PATHS = frozenset({b"<>", b"< >", b""})
_RECIPIENTS_MAX = 200


class _Trust(IntEnum):
    NONE = 0
    HINT = 1
    LIKELY = 2
    STATED = 3


def find(headers: Headers, parts: Sequence[Part], mail: ReadMail) -> Bounce | None:
    """Read ``mail`` as a delivery report; ``None`` where it is not one. Never raises."""
    trust = _trust(headers, parts, mail)
    if trust is _Trust.NONE:
        return None
    report = original.pieces(parts, mail.text)
    if trust < _Trust.STATED and not phrases.FAILURE.search(report.notice.lower()):
        return None
    found = _recipients(headers, mail, report)
    if not found and trust is _Trust.HINT:
        return None
    dsn = any(part.content_type in original.STATUS_TYPES for part in parts)
    return _bounce(found, dsn, report, headers)


def _trust(headers: Headers, parts: Sequence[Part], mail: ReadMail) -> _Trust:
    """How much speaks for a report, by what costs next to nothing: every person's mail comes through here."""
    for part in parts:
        if part.content_type in original.STATUS_TYPES:
            return _Trust.STATED
    if "x-failed-recipients" in headers:
        return _Trust.STATED
    if mail.author is not None:
        name = mail.author.address.partition("@")[0].lower()
        if name in phrases.DAEMONS:
            return _Trust.HINT if name == "postmaster" else _Trust.LIKELY
    if "return-path" in headers and headers.raw("return-path").strip() in _NULL_PATHS:
        return _Trust.HINT
    return _Trust.HINT if phrases.SUBJECT.match(mail.subject.lower()) else _Trust.NONE


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


def _bounce(found: list[Recipient], dsn: bool, report: Report, headers: Headers) -> Bounce:
    told = report.notice.lower()
    lasting = not phrases.DELAY.search(told) or bool(phrases.FINAL.search(told))
    recipients = tuple(_result(each, found, report, "failed" if lasting else "delayed") for each in found)
    failed = [each for each in recipients if each.action == "failed"]
    return Bounce(
        failed=bool(failed) or not recipients,
        dsn=dsn,
        permanent=any(_is_permanent(each) for each in failed),
        original_message_id=report.message_id,
        recipients=recipients[:_RECIPIENTS_MAX],
    )


def _result(recipient: Recipient, among: list[Recipient], report: Report, action: str) -> BounceRecipient:
    """One recipient with codes; where its own lines hold none and it stands alone, with those of the notice."""
    texts = [recipient.diagnostic]
    if len(among) == 1:
        texts.append(report.notice)
    status = codes.status(recipient.diagnostic)
    if codes.is_vague(status):
        told = recipient.status or status
        status = told if not codes.is_vague(told) else next(filter(None, map(codes.status, texts)), "") or told
    reply = next(filter(None, (codes.reply(text, status) for text in texts)), "")
    return BounceRecipient(recipient.original or recipient.address, status, recipient.action or action, reply)


def _is_permanent(recipient: BounceRecipient) -> bool:
    return not (recipient.status or recipient.reply_code).startswith("4")
