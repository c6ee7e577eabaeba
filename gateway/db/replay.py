"""What became of mails that were read before, and what a second reading changes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, exists, insert, select, update

from gateway.db.known import load, tickets
from gateway.db.mails import envelope
from gateway.db.rows import page_row, verdict_evidence
from gateway.db.schema import event, from_moment, mail, message, page, ticket, to_moment
from gateway.db.store import Store
from gateway.db.wake import Channel, wake
from gateway.desk.decision import Known, Lookups, NewMessage
from gateway.model import Envelope, MailState, MessageKind, Severity, Ticket, Verdict
from gateway.settings import Loops


@dataclass(frozen=True, slots=True)
class Past:
    """A mail as it was read, and what became of it."""

    id: int
    envelope: Envelope
    received_at: datetime
    state: MailState
    released: bool
    raw: Row[Any]
    """For ``Mails.raw``."""
    ticket: Ticket | None
    subcategory: str
    severity_settled: bool
    """Somebody changed the severity since it was first judged: an agent, or a later mail."""
    message: PastMessage | None


@dataclass(frozen=True, slots=True)
class PastMessage:
    """What a customer's mail became in its ticket."""

    id: int
    author: str
    text: str
    first: bool
    """It opened the ticket."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What a second reading changes."""

    says: str
    """For the ticket's history."""
    message: NewMessage
    severity: Severity | None
    """None leaves it as it is."""
    verdict: Verdict | None
    first: bool
    """The mail opened the ticket, so the verdict gives it its category and evidence."""
    page: bool


_SETTLED = exists().where(
    event.c.ticket_id == ticket.c.id, event.c.what.like("severity %"), event.c.actor != "gateway"
).label("severity_settled")  # fmt: skip


class Replays:
    """Every method blocks: call it from a thread."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def ids(self, since: datetime | None) -> list[int]:
        """Every mail that was accepted since then, the oldest first."""
        query = select(mail.c.id).order_by(mail.c.received_at, mail.c.id)
        if since is not None:
            query = query.where(mail.c.received_at >= to_moment(since))
        return [row.id for row in self._rows(query)]

    def past(self, ids: Sequence[int]) -> list[Past]:
        """What became of these mails; those that are not there are left out."""
        query = (
            select(mail, ticket.c.subcategory, _SETTLED)
            .outerjoin(ticket, ticket.c.id == mail.c.ticket_id)
            .where(mail.c.id.in_(ids))
            .order_by(mail.c.received_at, mail.c.id)
        )

        def job(connection: Connection) -> list[Past]:
            rows = connection.execute(query).all()
            found = tickets(connection, [row.ticket_id for row in rows if row.ticket_id])
            return [_past(connection, row, found.get(row.ticket_id or 0)) for row in rows]

        pasts: list[Past] = self._store.writer.run(job)
        return pasts

    def known(self, lookups: Lookups, loops: Loops, now: datetime) -> Known:
        return self._store.writer.run(lambda connection: load(connection, [lookups], loops, now)[0])  # type: ignore[no-any-return]

    def rewrite(self, past: Past, change: Rewrite, targets: Sequence[str], now: datetime) -> bool:
        """Change message and ticket in one transaction. False where somebody else changed the ticket meanwhile."""
        assert past.ticket is not None
        before = past.ticket

        def job(connection: Connection) -> bool:
            if not connection.execute(_ticket_update(before, change, now)).rowcount:
                return False
            if past.message is not None:
                connection.execute(_message_update(past.message, change.message))
            self._tell(connection, before, change, targets, to_moment(now))
            return True

        return bool(self._store.writer.run(job))

    def _tell(
        self, connection: Connection, before: Ticket, change: Rewrite, targets: Sequence[str], moment: int
    ) -> None:
        row = {"id": self._store.ids.take(connection, event), "ticket_id": before.id, "at": moment}
        connection.execute(insert(event), [row | {"actor": "gateway", "what": change.says}])
        if change.page and change.severity is not None and targets:
            evidence = change.verdict.evidence if change.verdict else ()
            rows = [
                page_row(
                    self._store.ids.take(connection, page), before.id, target, change.severity,
                    before.requester.address, change.message.text, evidence, moment,
                )
                for target in targets
            ]  # fmt: skip
            connection.execute(insert(page), rows)
            wake(connection, Channel.PAGE)

    def _rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        rows: Sequence[Row[Any]] = self._store.writer.run(lambda connection: connection.execute(query).all())
        return rows


def _past(connection: Connection, row: Row[Any], standing: Ticket | None) -> Past:
    return Past(
        id=row.id,
        envelope=envelope(row),
        received_at=from_moment(row.received_at),
        state=MailState(row.state),
        released=bool(row.released),
        raw=row,
        ticket=standing,
        subcategory=row.subcategory or "",
        severity_settled=bool(row.severity_settled),
        message=_message(connection, row.id, standing) if standing is not None else None,
    )


def _message(connection: Connection, mail_id: int, standing: Ticket) -> PastMessage | None:
    """Only a customer's words: what an agent wrote went out as it was written."""
    of_ticket = select(message).where(message.c.ticket_id == standing.id)
    row = connection.execute(
        of_ticket.where(message.c.mail_id == mail_id, message.c.kind == MessageKind.INBOUND)
    ).first()
    if row is None:
        return None
    first = connection.execute(of_ticket.order_by(message.c.created_at, message.c.id).limit(1)).one().id
    return PastMessage(row.id, row.author, row.text, row.id == first)


def _message_update(past: PastMessage, new: NewMessage) -> Any:
    full = new.full_text if new.full_text != new.text else ""
    return update(message).where(message.c.id == past.id).values(text=new.text, html=new.html, full_text=full)


def _ticket_update(before: Ticket, change: Rewrite, now: datetime) -> Any:
    values: dict[str, Any] = {"updated_at": to_moment(now)}
    if change.severity is not None:
        values["severity"] = change.severity.value
    if change.first and (verdict := change.verdict) is not None:
        values |= {
            "category": verdict.category.value, "subcategory": verdict.subcategory,
            "evidence": verdict_evidence(verdict.evidence),
        }  # fmt: skip
    return (
        update(ticket)
        .where(ticket.c.id == before.id, ticket.c.severity == before.severity, ticket.c.status == before.status)
        .values(values)
    )
