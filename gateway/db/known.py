"""What the store knows about a batch of mails, in a handful of queries however many they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, select

from gateway.db.schema import from_moment, mail, message, outgoing, participant, seen, sender, ticket, to_moment
from gateway.desk.decision import Delivery, Known, Lookups
from gateway.desk.tokens import Purpose
from gateway.model import Category, MessageKind, Participant, Role, Severity, Status, Ticket
from gateway.settings import Loops

THREAD_LENGTH = 60
"""Message-IDs of a thread that are loaded; References is cut to fewer."""


def _in(column: Any) -> Any:
    return column.in_(bindparam("keys", expanding=True))


_SEEN = (
    select(seen.c.key, seen.c.mail_id, ticket.c.number)
    .select_from(seen.outerjoin(mail, mail.c.id == seen.c.mail_id).outerjoin(ticket, ticket.c.id == mail.c.ticket_id))
    .where(_in(seen.c.key))
)
_SENDERS = select(sender).where(_in(sender.c.address))
_MESSAGES = select(message.c.rfc_id, message.c.ticket_id).where(message.c.rfc_id != "", _in(message.c.rfc_id))
_OUTGOING = select(outgoing.c.rfc_id, outgoing.c.ticket_id, outgoing.c.id, outgoing.c.recipient).where(
    _in(outgoing.c.rfc_id)
)
_DELIVERIES = select(outgoing.c.id, outgoing.c.ticket_id, outgoing.c.recipient).where(_in(outgoing.c.id))
_TICKETS = select(ticket).where(_in(ticket.c.id)).order_by(ticket.c.id)
_TICKETS_ALONE = _TICKETS.with_for_update(key_share=True)
"""Two nodes that change one ticket do so after each other; the order of the ids keeps them from a deadlock."""
_PARTICIPANTS = select(participant).where(_in(participant.c.ticket_id)).order_by(participant.c.id)
_THREAD_IN = (
    select(message.c.ticket_id, message.c.rfc_id, message.c.created_at)
    .where(
        _in(message.c.ticket_id), message.c.rfc_id != "", message.c.kind.in_([MessageKind.INBOUND, MessageKind.REPLY])
    )
    .order_by(message.c.id)
)
_THREAD_OUT = (
    select(outgoing.c.ticket_id, outgoing.c.rfc_id, outgoing.c.created_at)
    .where(_in(outgoing.c.ticket_id), outgoing.c.template.in_(["confirmation", "answer"]))
    .order_by(outgoing.c.id)
)


def load(connection: Connection, lookups: Sequence[Lookups], loops: Loops, now: datetime) -> list[Known]:
    """One ``Known`` for each of ``lookups``, as of before the first of them."""
    return _Loader(connection, loops, now).load(lookups)


def tickets(connection: Connection, ids: Collection[int], *, to_change: bool = False) -> dict[int, Ticket]:
    """Whole tickets by id; unknown ids are left out. ``to_change`` keeps other nodes out until the commit."""
    if not ids:
        return {}
    rows = _rows(connection, _TICKETS_ALONE if to_change else _TICKETS, ids)
    people: dict[int, list[Participant]] = defaultdict(list)
    for row in _rows(connection, _PARTICIPANTS, ids):
        people[row.ticket_id].append(
            Participant(row.id, row.name, row.address, Role(row.role), bool(row.undeliverable))
        )
    thread: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for query in (_THREAD_IN, _THREAD_OUT):
        for row in _rows(connection, query, ids):
            thread[row.ticket_id].append((row.created_at, row.rfc_id))
    return {
        row.id: _ticket(row, people[row.id], [rfc_id for _, rfc_id in sorted(thread[row.id], key=itemgetter(0))])
        for row in rows
    }


def _ticket(row: Row[Any], people: list[Participant], thread: list[str]) -> Ticket:
    solved_at = from_moment(row.solved_at) if row.solved_at is not None else None
    return Ticket(
        row.id, row.number, row.subject, Status(row.status), Severity(row.severity), Category(row.category),
        row.mailbox, row.language, row.assignee, from_moment(row.created_at), solved_at, tuple(people),
        tuple(thread[-THREAD_LENGTH:]),
    )  # fmt: skip


def _rows(connection: Connection, query: Select[Any], keys: Iterable[Any]) -> list[Row[Any]]:
    wanted = sorted(set(keys))
    return list(connection.execute(query, {"keys": wanted})) if wanted else []


class _Loader:
    def __init__(self, connection: Connection, loops: Loops, now: datetime) -> None:
        self._connection = connection
        self._loop_start = to_moment(now - timedelta(minutes=loops.minutes))
        self._hour_start = to_moment(now - timedelta(hours=1))

    def load(self, lookups: Sequence[Lookups]) -> list[Known]:
        taken = {row.key: row for row in _rows(self._connection, _SEEN, (k.dedupe for k in lookups))}
        senders = {
            row.address: row for row in _rows(self._connection, _SENDERS, (k.sender for k in lookups if k.sender))
        }
        ids, sent = self._by_message_id({i for k in lookups for i in k.message_ids})
        deliveries = self._deliveries(lookups) | sent
        found = tickets(self._connection, _candidates(lookups, ids, deliveries), to_change=True)
        return [self._known(k, taken, senders, ids, deliveries, found) for k in lookups]

    def _by_message_id(self, wanted: set[str]) -> tuple[dict[str, int], dict[str | int, Delivery]]:
        ids: dict[str, int] = {row.rfc_id: row.ticket_id for row in _rows(self._connection, _MESSAGES, wanted)}
        sent: dict[str | int, Delivery] = {}
        for row in _rows(self._connection, _OUTGOING, wanted):
            if row.ticket_id is not None:
                ids[row.rfc_id] = row.ticket_id
                sent[row.rfc_id] = Delivery(row.id, row.ticket_id, row.recipient)
        return ids, sent

    def _deliveries(self, lookups: Sequence[Lookups]) -> dict[str | int, Delivery]:
        wanted = {k.token.subject for k in lookups if k.token is not None and k.token.purpose is Purpose.DELIVERY}
        rows = _rows(self._connection, _DELIVERIES, wanted)
        return {row.id: Delivery(row.id, row.ticket_id or 0, row.recipient) for row in rows}

    def _known(
        self,
        k: Lookups,
        taken: dict[str, Row[Any]],
        senders: dict[str, Row[Any]],
        ids: dict[str, int],
        deliveries: dict[str | int, Delivery],
        found: dict[int, Ticket],
    ) -> Known:
        first, counts = taken.get(k.dedupe), senders.get(k.sender)
        mine = {i: ids[i] for i in k.message_ids if i in ids}
        delivery = _delivery(k, deliveries)
        return Known(
            duplicate_of=first.mail_id if first is not None else 0,
            duplicate_ticket=(first.number or "") if first is not None else "",
            tickets={i: found[i] for i in _candidates([k], ids, deliveries) if i in found},
            by_message_id=mine,
            recent_from_sender=counts.mails if counts is not None and counts.mails_since > self._loop_start else 0,
            acknowledged=counts.acks if counts is not None and counts.acks_since > self._hour_start else 0,
            delivery=delivery,
        )


def _delivery(k: Lookups, deliveries: dict[str | int, Delivery]) -> Delivery | None:
    if k.token is not None and k.token.purpose is Purpose.DELIVERY:
        return deliveries.get(k.token.subject)
    return next((deliveries[i] for i in k.message_ids if i in deliveries), None)


def _candidates(lookups: Sequence[Lookups], ids: dict[str, int], deliveries: dict[str | int, Delivery]) -> set[int]:
    wanted: set[int] = set()
    for k in lookups:
        wanted.update(ids[i] for i in k.message_ids if i in ids)
        if k.token is not None:
            wanted.add(k.token.ticket_id)
        if k.tag:
            wanted.add(k.tag)
        delivery = _delivery(k, deliveries)
        if delivery is not None:
            wanted.add(delivery.ticket_id)
    return wanted - {0}
