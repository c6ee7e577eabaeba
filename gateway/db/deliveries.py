"""The outbox and the pages in the database: what is to be sent, claimed under a lease, and how it went."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from math import inf
from typing import Any

from sqlalchemy import Connection, Row, Table, bindparam, func, literal_column, or_, select, update

from gateway.db.ids import Ids
from gateway.db.lease import db_now, forget, held_until, lease_end, prolong
from gateway.db.mails import Mails, put_right
from gateway.db.prepared import Prepared
from gateway.db.rows import outgoing_row
from gateway.db.schema import attachment, fixed, from_moment, mail, message, outgoing, page, ticket, to_moment
from gateway.db.wake import Channel, wake
from gateway.db.writer import Writer
from gateway.model import Attachment, Composed, DeliveryState, Due, Page, Severity

_WAITING = fixed(DeliveryState.WAITING)
_SENT = {
    table.name: Prepared.of(
        update(table)
        .where(table.c.id == bindparam("id_"))
        .values(
            state=fixed(DeliveryState.SENT),
            sent_at=bindparam("at"),
            attempts=table.c.attempts + literal_column("1"),
            lease_until=literal_column("0"),
        )
    )
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
    """What outbox and pages share. Every method but ``sent`` blocks until its commit: call it from a thread."""

    table: Table
    _longest_wait = timedelta(days=31)
    channel: Channel

    def __init__(self, writer: Writer, node: str, lease_seconds: int) -> None:
        self._writer = writer
        self._node = node
        self._lease_seconds = lease_seconds

    def _claim(self, connection: Connection, limit: int, now: datetime) -> list[int]:
        table, moment = self.table, db_now(connection, now)
        put_right(connection, table, now, self._longest_wait)
        chosen = (
            select(table.c.id)
            .where(
                table.c.state == _WAITING,
                table.c.due_at <= moment,
                or_(table.c.node == "", table.c.lease_until < moment),
            )
            .order_by(table.c.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        ids = list(connection.execute(chosen).scalars())
        if ids:
            lease = {"node": self._node, "lease_until": lease_end(connection, now, self._lease_seconds)}
            connection.execute(update(table).where(table.c.id.in_(ids)).values(lease))
        return ids

    def renew(self, ids: Sequence[int], now: datetime) -> dict[int, float]:
        """Prolong leases; which of them this node still has, and until when by ``time.monotonic()``."""
        table, until = self.table, held_until(self._lease_seconds)

        def job(connection: Connection) -> list[int]:
            end = lease_end(connection, now, self._lease_seconds)
            return prolong(connection, table, ids, self._node, end, table.c.state == _WAITING)

        return dict.fromkeys(self._writer.submit(job, light=True).result(), until)

    def sent(self, ids: Sequence[int], now: datetime) -> Future[int]:
        """Mark as sent. The one method that does not wait: its future ends after the commit."""
        rows = [{"id_": id_, "at": to_moment(now)} for id_ in ids]
        return self._writer.submit(lambda connection: _SENT[self.table.name].many(connection, rows), light=True)

    def later(self, id_: int, at: datetime, why: str) -> None:
        """Count a failed try; the next one is at ``at``. Does nothing where another node has taken it over."""
        self._end(id_, {"due_at": to_moment(at), "last_error": why, "node": "", "lease_until": 0})

    def failed(self, id_: int, why: str) -> None:
        """Give up. Does nothing where another node has taken it over."""
        self._end(id_, {"state": DeliveryState.FAILED.value, "last_error": why, "lease_until": 0})

    def _end(self, id_: int, values: dict[str, Any]) -> None:
        table = self.table
        ours = update(table).where(table.c.id == id_, table.c.state == _WAITING, table.c.node.in_(("", self._node)))
        values = values | {"attempts": table.c.attempts + 1}
        self._writer.run(lambda connection: connection.execute(ours.values(values)))

    def next_due(self) -> datetime | None:
        """When the earliest waiting one is due; None where nothing waits."""
        table = self.table
        query = select(table.c.due_at).where(table.c.state == _WAITING).order_by(table.c.due_at).limit(1)
        moment = self._writer.run(lambda connection: connection.execute(query).scalar())
        return from_moment(moment) if moment is not None else None

    def forget_leases(self, connection: Connection, *, of_all: bool) -> None:
        """End the leases of this node, which stops; or ``of_all``, where no other node can be alive."""
        forget(connection, self.table, self._node, self.table.c.state == _WAITING, of_all=of_all)
        wake(connection, self.channel)

    def change(self, id_: int, state: DeliveryState, allowed: Sequence[DeliveryState], now: datetime) -> bool:
        """Move one by hand. False where it is in none of the ``allowed`` states."""
        change = update(self.table).where(self.table.c.id == id_, self.table.c.state.in_(allowed))
        values = {"state": state.value, "due_at": to_moment(now), "node": "", "lease_until": 0}

        def job(connection: Connection) -> int:
            wake(connection, self.channel)
            return connection.execute(change.values(values)).rowcount

        return bool(self._writer.run(job))


class Outbox(Deliveries):
    table = outgoing
    channel = Channel.OUTGOING

    def __init__(self, writer: Writer, node: str, mails: Mails, ids: Ids) -> None:
        super().__init__(writer, node, mails.lease_seconds)
        self._mails = mails
        self._ids = ids

    def claim_due(self, limit: int, now: datetime) -> list[Due]:
        """Lease mails whose time has come."""

        until = held_until(self._lease_seconds)

        def job(connection: Connection) -> list[Due]:
            ids = self._claim(connection, limit, now)
            claimed = select(outgoing).where(outgoing.c.id.in_(ids))
            return [due(row, until) for row in connection.execute(claimed)] if ids else []

        claimed: list[Due] = self._writer.run(job)
        return claimed

    def add(self, ticket_id: int | None, mail_: Composed, now: datetime) -> None:
        """Put in a mail that no inbound mail caused, such as a report to staff."""

        def job(connection: Connection) -> None:
            id_ = self._ids.take(connection, outgoing)
            connection.execute(outgoing.insert(), [outgoing_row(id_, ticket_id or None, mail_, to_moment(now))])
            wake(connection, self.channel)

        self._writer.run(job)

    def attachments(self, ids: Sequence[int]) -> list[tuple[Attachment, bytes]]:
        """Stored attachments in the order of ``ids``, each with the raw mail that it is a part of."""

        def job(connection: Connection) -> list[Row[Any]]:
            query = select(attachment, mail.c.raw, mail.c.raw_ref).join(mail, mail.c.id == attachment.c.mail_id)
            return list(connection.execute(query.where(attachment.c.id.in_(ids))))

        found = {row.id: row for row in self._writer.run(job)}
        raws = {row.mail_id: row for row in found.values()}
        read = {mail_id: self._mails.raw(row) for mail_id, row in raws.items()}
        return [(stored_attachment(row), read[row.mail_id]) for row in (found[id_] for id_ in ids if id_ in found)]


class Pages(Deliveries):
    table = page
    _longest_wait = timedelta(hours=1)
    channel = Channel.PAGE

    def claim_due(self, limit: int, now: datetime) -> list[Page]:
        """Lease pages whose time has come."""

        until = held_until(self._lease_seconds)

        def job(connection: Connection) -> list[Page]:
            ids = self._claim(connection, limit, now)
            query = select(page, ticket.c.number, ticket.c.subject, _CAUSED_AT).join(
                ticket, ticket.c.id == page.c.ticket_id
            )
            return [_page(row, until) for row in connection.execute(query.where(page.c.id.in_(ids)))] if ids else []

        claimed: list[Page] = self._writer.run(job)
        return claimed


def due(row: Row[Any], held_until: float = inf) -> Due:
    composed = Composed(
        row.template, row.mailbox, row.recipient, row.rfc_id, bytes(row.content), row.boundary,
        tuple(json.loads(row.attachments)), bool(row.automatic),
    )  # fmt: skip
    return Due(row.id, row.ticket_id or 0, composed, row.attempts, from_moment(row.created_at), held_until)


def stored_attachment(row: Row[Any]) -> Attachment:
    return Attachment(
        row.name, row.content_type, row.disposition, row.content_id, row.size, row.sha256, row.start_at, row.end_at,
        row.encoding, row.member,
    )  # fmt: skip


def _page(row: Row[Any], held_until: float) -> Page:
    return Page(
        row.id, row.ticket_id, row.number, row.target, Severity(row.severity), row.subject, row.requester, row.text,
        tuple(json.loads(row.evidence)), row.attempts, from_moment(row.created_at),
        from_moment(row.caused_at) if row.caused_at is not None else None, held_until,
    )  # fmt: skip
