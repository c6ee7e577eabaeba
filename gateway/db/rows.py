"""Rows that more than one part writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from gateway.model import Composed, DeliveryState, Evidence, Severity

_PAGE_TEXT = 2000


def outgoing_row(id_: int, ticket_id: int | None, mail: Composed, moment: int) -> dict[str, Any]:
    """A fresh row of the outbox, leased to nobody."""
    return {
        "id": id_, "ticket_id": ticket_id, "template": mail.template, "mailbox": mail.mailbox,
        "recipient": mail.recipient, "rfc_id": mail.message_id, "content": mail.content, "boundary": mail.boundary,
        "attachments": json.dumps(mail.attachments), "automatic": mail.automatic, "state": DeliveryState.WAITING.value,
        "attempts": 0, "last_error": "", "created_at": moment, "due_at": moment, "sent_at": None, "node": "",
        "lease_until": 0,
    }  # fmt: skip


def page_row(
    id_: int,
    ticket_id: int,
    target: str,
    severity: Severity,
    requester: str,
    text: str,
    evidence: Sequence[Evidence],
    moment: int,
) -> dict[str, Any]:
    """A fresh page, leased to nobody."""
    reasons = [": ".join(filter(None, (one.signal, one.text))) for one in evidence]
    return {
        "id": id_, "ticket_id": ticket_id, "target": target, "severity": severity.value, "requester": requester,
        "text": text[:_PAGE_TEXT], "evidence": json.dumps(reasons),
        "state": DeliveryState.WAITING.value, "attempts": 0, "last_error": "", "created_at": moment,
        "due_at": moment, "sent_at": None, "node": "", "lease_until": 0,
    }  # fmt: skip


def verdict_evidence(evidence: Sequence[Evidence]) -> str:
    """As JSON for a ticket: why it has its severity and category."""
    return json.dumps([[e.signal, e.text, e.weight] for e in evidence])
