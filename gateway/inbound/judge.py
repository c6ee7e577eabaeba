"""Reading and triage of one mail, as the children do it and as a replay does it again."""

from __future__ import annotations

from gateway import reading
from gateway.model import ReadMail, Verdict
from gateway.settings import Reading
from gateway.triage.classify import classify
from gateway.triage.policy import Policy

SHORT_COMMENT = 200
"""Characters; a forward with no more of its own than this speaks through what it forwards."""


def judge(raw: bytes, settings: Reading, policy: Policy) -> tuple[ReadMail, Verdict]:
    """Everything about a mail that follows from its bytes alone."""
    mail = reading.read(raw, _limits(settings))
    verdict = classify(
        new_text(mail),
        mail.subject,
        policy,
        sender=mail.identity.address,
        attachments=tuple(a.name for a in mail.attachments),
        language=mail.language,
    )
    return mail, verdict


def salvage(raw: bytes, settings: Reading) -> ReadMail:
    """What is safe of a mail whose reading failed: sender, subject, and the mail itself as its attachment."""
    return reading.salvage(raw, _limits(settings), "unreadable")


def new_text(mail: ReadMail) -> str:
    """What a mail says itself; quotation, signature and history left out."""
    if mail.forward is not None and len(mail.forward.comment) <= SHORT_COMMENT:
        return f"{mail.forward.comment}\n\n{mail.forward.text}".strip()
    return mail.reply.text


def _limits(settings: Reading) -> reading.Limits:
    return reading.Limits(header_bytes=settings.header_bytes, nesting=settings.nesting, parts=settings.parts)
