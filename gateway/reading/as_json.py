"""A ``ReadMail`` as plain values, for ``gateway parse`` and for tools outside."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from gateway.model import Address, Attachment, Bounce, Forward, ReadMail, Reply

Json = dict[str, Any]


def as_json(mail: ReadMail) -> Json:
    """Plain values that ``json.dumps`` takes; an absent text is null, absent lists are empty."""
    return {
        "subject": mail.subject or None,
        "subject_base": mail.subject_base or None,
        "from": _address(mail.author),
        "identity": {"address": mail.identity.address or None, "flags": list(mail.identity.flags)},
        "sender": _address(mail.sender),
        "answer_to": mail.answer_to or None,
        "to": _addresses(mail.to),
        "cc": _addresses(mail.cc),
        "reply_to": _addresses(mail.reply_to),
        "date": mail.date.isoformat() if mail.date else None,
        "message_id": mail.message_id or None,
        "in_reply_to": list(mail.in_reply_to),
        "references": list(mail.references),
        "text": mail.text,
        "has_text": mail.has_text,
        "html": mail.html or None,
        "attachments": [_attachment(one) for one in mail.attachments],
        "reply": _reply(mail.reply),
        "forward": _forward(mail.forward),
        "machine": {"kinds": list(mail.machine.kinds), "may_answer": mail.machine.may_answer},
        "bounce": _bounce(mail.bounce),
        "language": mail.language or None,
        "content_hash": mail.content_hash,
        "defects": list(mail.defects),
    }


def _address(one: Address | None) -> Json | None:
    return {"name": one.name or None, "address": one.address or None} if one else None


def _addresses(many: tuple[Address, ...]) -> list[Json | None]:
    return [_address(one) for one in many]


def _attachment(one: Attachment) -> Json:
    return {
        "name": one.name or None,
        "content_type": one.content_type,
        "disposition": one.disposition or None,
        "content_id": one.content_id or None,
        "size": one.size,
        "sha256": one.sha256,
    }


def _reply(reply: Reply) -> Json:
    return {
        "text": reply.text,
        "quoted": reply.quoted,
        "signature": reply.signature,
        "quoted_from": _address(reply.quoted_from),
        "quoted_date_raw": reply.quoted_date_raw or None,
    }


def _forward(forward: Forward | None) -> Json | None:
    if forward is None:
        return None
    return {
        "from": _address(forward.sender),
        "to": _addresses(forward.to),
        "cc": _addresses(forward.cc),
        "reply_to": _addresses(forward.reply_to),
        "subject": forward.subject or None,
        "date_raw": forward.date_raw or None,
        "text": forward.text,
        "comment": forward.comment,
    }


def _bounce(bounce: Bounce | None) -> Json | None:
    return asdict(bounce) if bounce else None
