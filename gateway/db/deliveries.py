"""The outbox and the pages in the database: what is to be sent, claimed under a lease, and how it went."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, bindparam, func, or_, select, update

from gateway.db.ids import Ids
from gateway.db.mails import LEASE_SECONDS, Mails, db_now
from gateway.db.rows import outgoing_row
from gateway.db.schema import attachment, fixed, from_moment, mail, message, outgoing, page, ticket, to_moment
from gateway.db.writer import Writer
from gateway.model import Attachment, Composed, DeliveryState, Due, Page, Severity

_WAITING = fixed(DeliveryState.WAITING)
_SENT: dict[str, Any] = {
    table.name: update(table)
    .where(table.c.id == bindparam("id_"))
    .values(state=DeliveryState.SENT.value, sent_at=bindparam("at"), attempts=table.c.attempts + 1, lease_until=0)
    for table in (outgoing, page)
}
_CAUSED_AT = (
    select(func.max(mail.c.received_at))
    .join(message, message.c.mail_id == mail.c.id)
    .where(message.c.ticket_id == page.c.ticket_id, message.c.created_at == page.c.created_at)
    .scalar_subquery()
    .label("caused_at")
)
"""When the mail came whose transaction made the page."""


class Deliveries:
    """What outbox and pages share. Every method blocks until its commit: call it from a thread."""

    table: Table
    _longest_wait = 31 * 86400 * 1_000_000
    """Microseconds; what is due beyond that was written before the clock was set back, and is due."""

    def __init__(self, writer: Writer, node: str) -> None:
        self._writer = writer
        self._node = node

    def _claim(self, connection: Connection, limit: int, now: datetime) -> list[int]:
        table, moment = self.table, db_now(connection, now)
        chosen = (
            select(table.c.id)
            .where(
                table.c.state == _WAITING,
                or_(table.c.due_at <= moment, table.c.due_at > moment + self._longest_wait),
                or_(table.c.node == "", table.c.lease_until < moment),
            )
            .order_by(table.c.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        ids = list(connection.execute(chosen).scalars())
        if ids:
            lease = {"node": self._node, "lease_until": moment + LEASE_SECONDS * 1_000_000}
            connection.execute(update(table).where(table.c.id.in_(ids)).values(lease))
        return ids

    def sent(self, ids: Sequence[int], now: datetime) -> None:
        """Mark as sent."""
        rows = [{"id_": id_, "at": to_moment(now)} for id_ in ids]
        self._writer.run(lambda connection: connection.execute(_SENT[self.table.name], rows))

    def later(self, id_: int, at: datetime, why: str) -> None:
        """Count a failed try; the next one is at ``at``."""
        self._end(id_, {"due_at": to_moment(at), "last_error": why, "node": "", "lease_until": 0})

    def failed(self, id_: int, why: str) -> None:
        """Give up."""
        self._end(id_, {"state": DeliveryState.FAILED.value, "last_error": why, "lease_until": 0})

    def _end(self, id_: int, values: dict[str, Any]) -> None:
        table = self.table
        values = values | {"attempts": table.c.attempts + 1}
        self._writer.run(lambda connection: connection.execute(update(table).where(table.c.id == id_).values(values)))

    def next_due(self) -> datetime | None:
        """When the earliest waiting one is due; None where nothing waits."""
        table = self.table
        query = select(table.c.due_at).where(table.c.state == _WAITING).order_by(table.c.due_at).limit(1)
        moment = self._writer.run(lambda connection: connection.execute(query).scalar())
        return from_moment(moment) if moment is not None else None

    def forget_leases(self, connection: Connection) -> None:
        """All leases end. Only for the one process of an embedded database, when it starts."""
        waiting = update(self.table).where(self.table.c.state == _WAITING, self.table.c.node != "")
        connection.execute(waiting.values(node="", lease_until=0))

    def change(self, id_: int, state: DeliveryState, allowed: Sequence[DeliveryState], now: datetime) -> bool:
        """Move one by hand. False where it is in none of the ``allowed`` states."""
        change = update(self.table).where(self.table.c.id == id_, self.table.c.state.in_(allowed))
        values = {"state": state.value, "due_at": to_moment(now), "node": "", "lease_until": 0}
        return bool(self._writer.run(lambda connection: connection.execute(change.values(values)).rowcount))


class Outbox(Deliveries):
    table = outgoing

    def __init__(self, writer: Writer, node: str, mails: Mails, ids: Ids) -> None:
        super().__init__(writer, node)
        self._mails = mails
        self._ids = ids

    def claim_due(self, limit: int, now: datetime) -> list[Due]:
        """Lease mails whose time has come."""

        def job(connection: Connection) -> list[Due]:
            ids = self._claim(connection, limit, now)
            return (
                [due(row) for row in connection.execute(select(outgoing).where(outgoing.c.id.in_(ids)))] if ids else []
            )

        claimed: list[Due] = self._writer.run(job)
        return claimed

    def add(self, ticket_id: int | None, mail_: Composed, now: datetime) -> None:
        """Put in a mail that no inbound mail caused, such as a report to staff."""

        def job(connection: Connection) -> None:
            id_ = self._ids.take(connection, outgoing)
            connection.execute(outgoing.insert(), [outgoing_row(id_, ticket_id or None, mail_, to_moment(now))])

        self._writer.run(job)

    def attachments(
        self, ids: Sequence[int], content: Callable[[bytes, Attachment], bytes]
    ) -> list[tuple[Attachment, bytes]]:
        """Stored attachments and their bytes, in the order of ``ids``; ``content`` cuts one out of a raw mail."""

        def job(connection: Connection) -> list[Row[Any]]:
            query = select(attachment, mail.c.raw, mail.c.raw_ref).join(mail, mail.c.id == attachment.c.mail_id)
            return list(connection.execute(query.where(attachment.c.id.in_(ids))))

        found = {row.id: (stored_attachment(row), self._mails.raw(row)) for row in self._writer.run(job)}
        return [(one, content(raw, one)) for one, raw in (found[id_] for id_ in ids if id_ in found)]


class Pages(Deliveries):
    table = page
    _longest_wait = 3600 * 1_000_000

    def claim_due(self, limit: int, now: datetime) -> list[Page]:
        """Lease pages whose time has come."""

        def job(connection: Connection) -> list[Page]:
            ids = self._claim(connection, limit, now)
            query = select(page, ticket.c.number, ticket.c.subject, _CAUSED_AT).join(
                ticket, ticket.c.id == page.c.ticket_id
            )
            return [_page(row) for row in connection.execute(query.where(page.c.id.in_(ids)))] if ids else []

        claimed: list[Page] = self._writer.run(job)
        return claimed


def due(row: Row[Any]) -> Due:
    composed = Composed(
        row.template, row.mailbox, row.recipient, row.rfc_id, bytes(row.content), row.boundary,
        tuple(json.loads(row.attachments)), bool(row.automatic),
    )  # fmt: skip
    return Due(row.id, row.ticket_id or 0, composed, row.attempts, from_moment(row.created_at))


def stored_attachment(row: Row[Any]) -> Attachment:
    return Attachment(
        row.name, row.content_type, row.disposition, row.content_id, row.size, row.sha256, row.start_at, row.end_at,
        row.encoding, row.member,
    )  # fmt: skip


def _page(row: Row[Any]) -> Page:
    return Page(
        row.id, row.ticket_id, row.number, row.target, Severity(row.severity), row.subject, row.requester, row.text,
        tuple(json.loads(row.evidence)), row.attempts, from_moment(row.created_at),
        from_moment(row.caused_at) if row.caused_at is not None else None,
    )  # fmt: skip
