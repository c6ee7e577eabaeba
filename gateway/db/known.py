"""What the store knows about a batch of mails, in a handful of queries however many they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnClause, Connection, literal_column, select

from gateway.db.prepared import Prepared, among
from gateway.db.schema import fixed, from_moment, mail, message, outgoing, participant, seen, sender, ticket, to_moment
from gateway.desk.decision import Delivery, Known, Lookups
from gateway.desk.identity import fold
from gateway.desk.tokens import Purpose
from gateway.model import Category, MessageKind, Participant, Role, Severity, Status, Ticket
from gateway.settings import Loops

THREAD_LENGTH = 60
"""Message-IDs of a thread that are loaded; References is cut to fewer."""
MOST_NAMESAKES = 10
"""Tickets that are loaded for one Message-ID, the oldest: who writes it again, for ever so often, displaces nobody."""

PASSING = timedelta(minutes=10)
"""How long a mail without Message-ID and Date is the same as the one before: a client that never got our 250, or a
second road on which it came, takes minutes."""

Deliveries = dict[str | int, list[Delivery]]
"""By Message-ID and by id of the row."""

_NOTHING: ColumnClause[str] = literal_column("''")
_SEEN = Prepared.of(
    select(seen.c.key, seen.c.mail_id, ticket.c.number, mail.c.received_at)
    .select_from(seen.outerjoin(mail, mail.c.id == seen.c.mail_id).outerjoin(ticket, ticket.c.id == mail.c.ticket_id))
    .where(among(seen.c.key))
)
_SENDERS = Prepared.of(select(sender).where(among(sender.c.address)))
_MESSAGES = Prepared.of(
    select(message.c.rfc_id, message.c.ticket_id)
    .where(message.c.rfc_id != _NOTHING, among(message.c.rfc_id))
    .order_by(message.c.id)
)
_OUTGOING = Prepared.of(
    select(outgoing.c.rfc_id, outgoing.c.ticket_id, outgoing.c.id, outgoing.c.recipient).where(
        among(outgoing.c.rfc_id)
    )
)
_DELIVERIES = Prepared.of(
    select(outgoing.c.id, outgoing.c.ticket_id, outgoing.c.recipient).where(among(outgoing.c.id))
)
_ALL_OF_TICKETS = select(ticket).where(among(ticket.c.id)).order_by(ticket.c.id)
_TICKETS = Prepared.of(_ALL_OF_TICKETS)
_TICKETS_ALONE = Prepared.of(_ALL_OF_TICKETS.with_for_update(key_share=True))
"""Two nodes that change one ticket do so after each other; the order of the ids keeps them from a deadlock."""
_PARTICIPANTS = Prepared.of(
    select(participant).where(among(participant.c.ticket_id)).order_by(participant.c.id)
)
_THREAD_IN = Prepared.of(
    select(message.c.ticket_id, message.c.rfc_id, message.c.created_at)
    .where(
        among(message.c.ticket_id), message.c.rfc_id != _NOTHING, message.c.kind == fixed(MessageKind.INBOUND)
    )
    .order_by(message.c.id)
)
_THREAD_OUT = Prepared.of(
    select(outgoing.c.ticket_id, outgoing.c.rfc_id, outgoing.c.created_at)
    .where(
        among(outgoing.c.ticket_id),
        outgoing.c.template.in_([literal_column("'confirmation'"), literal_column("'answer'")]),
    )
    .order_by(outgoing.c.id)
)


def load(connection: Connection, lookups: Sequence[Lookups], loops: Loops, now: datetime) -> list[Known]:
    """One ``Known`` for each of ``lookups``, as of before the first of them."""
    return _Loader(connection, loops, now).load(lookups)


def tickets(connection: Connection, ids: Collection[int], *, to_change: bool = False) -> dict[int, Ticket]:
    """Whole tickets by id; unknown ids are left out. ``to_change`` keeps other nodes out until the commit."""
    if not ids:
        return {}
    rows = (_TICKETS_ALONE if to_change else _TICKETS).find(connection, ids)
    people: dict[int, list[Participant]] = defaultdict(list)
    for row in _PARTICIPANTS.find(connection, ids):
        people[row.ticket_id].append(
            Participant(row.id, row.name, row.address, Role(row.role), bool(row.undeliverable))
        )
    thread: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for query in (_THREAD_IN, _THREAD_OUT):
        for row in query.find(connection, ids):
            thread[row.ticket_id].append((row.created_at, row.rfc_id))
    return {
        row.id: _ticket(row, people[row.id], [rfc_id for _, rfc_id in sorted(thread[row.id], key=itemgetter(0))])
        for row in rows
    }


def _ticket(row: Any, people: list[Participant], thread: list[str]) -> Ticket:
    solved_at = from_moment(row.solved_at) if row.solved_at is not None else None
    return Ticket(
        row.id, row.number, row.subject, Status(row.status), Severity(row.severity), Category(row.category),
        row.mailbox, row.language, row.assignee, from_moment(row.created_at), solved_at, tuple(people),
        _bounded(list(dict.fromkeys(thread))),
    )  # fmt: skip


def _bounded(thread: list[str]) -> tuple[str, ...]:
    """The first id stays: it is the one that all have, and References begins with it."""
    return tuple(thread if len(thread) <= THREAD_LENGTH else [thread[0], *thread[1 - THREAD_LENGTH :]])


class _Loader:
    def __init__(self, connection: Connection, loops: Loops, now: datetime) -> None:
        self._connection = connection
        self._loop_start = to_moment(now - timedelta(minutes=loops.minutes))
        self._hour_start = to_moment(now - timedelta(hours=1))
        self._passing_start = to_moment(now - PASSING)

    def load(self, lookups: Sequence[Lookups]) -> list[Known]:
        keys = {key for k in lookups for key in (k.dedupe, k.says) if key}
        taken = {row.key: row for row in _SEEN.find(self._connection, keys)}
        named = {address for k in lookups for address in (k.sender, *k.copied) if address}
        senders = {row.address: row for row in _SENDERS.find(self._connection, named)}
        ids, sent = self._by_message_id({i for k in lookups for i in k.message_ids})
        deliveries = self._deliveries(lookups) | sent
        found = tickets(self._connection, _candidates(lookups, ids, deliveries), to_change=True)
        return [self._known(k, taken, senders, ids, deliveries, found) for k in lookups]

    def _by_message_id(self, wanted: set[str]) -> tuple[dict[str, tuple[int, ...]], Deliveries]:
        ids: dict[str, dict[int, None]] = defaultdict(dict)
        sent: Deliveries = defaultdict(list)
        for row in _OUTGOING.find(self._connection, wanted):
            if row.ticket_id is not None:
                ids[row.rfc_id][row.ticket_id] = None
                sent[row.rfc_id].append(Delivery(row.id, row.ticket_id, row.recipient))
        for row in _MESSAGES.find(self._connection, wanted):
            ids[row.rfc_id][row.ticket_id] = None
        return {rfc_id: tuple(found)[:MOST_NAMESAKES] for rfc_id, found in ids.items()}, sent

    def _deliveries(self, lookups: Sequence[Lookups]) -> Deliveries:
        wanted = {token.subject for k in lookups for token in k.tokens if token.purpose is Purpose.DELIVERY}
        rows = _DELIVERIES.find(self._connection, wanted)
        return {row.id: [Delivery(row.id, row.ticket_id or 0, row.recipient)] for row in rows}

    def _known(
        self,
        k: Lookups,
        taken: dict[str, Any],
        senders: dict[str, Any],
        ids: dict[str, tuple[int, ...]],
        deliveries: Deliveries,
        found: dict[int, Ticket],
    ) -> Known:
        first, outdated = _recent(taken.get(k.dedupe), self._passing_start if k.passing else None)
        said, too_old = _recent(taken.get(k.says), self._hour_start)
        counts = senders.get(k.sender)
        had = {address: self._acks(senders.get(address)) for address in k.copied}
        mine = {i: ids[i] for i in k.message_ids if i in ids}
        delivery = _delivery(k, deliveries)
        return Known(
            duplicate_of=first.mail_id if first is not None else 0,
            duplicate_ticket=(first.number or "") if first is not None else "",
            tickets={i: found[i] for i in _candidates([k], ids, deliveries) if i in found},
            by_message_id=mine,
            recent_from_sender=counts.mails if counts is not None and counts.mails_since > self._loop_start else 0,
            acknowledged=self._acks(counts),
            repeats=said is not None,
            outdated={row.key: row.mail_id for row in (outdated, too_old) if row is not None},
            copied={address: acks for address, acks in had.items() if acks},
            delivery=delivery,
        )

    def _acks(self, counts: Any) -> int:
        return counts.acks if counts is not None and counts.acks_since > self._hour_start else 0


def _recent(row: Any, start: int | None) -> tuple[Any, Any]:
    """A row of ``seen`` as one that counts, or as one that does not any more; both None where there is none."""
    counts = row is not None and (start is None or (row.received_at or 0) > start)
    return (row, None) if counts else (None, row)


def _delivery(k: Lookups, deliveries: Deliveries) -> Delivery | None:
    """By the return path; else by the Message-ID, which copies share, and the recipient that the bounce names."""
    by_token = k.token is not None and k.token.purpose is Purpose.DELIVERY
    keys = [k.token.subject] if by_token and k.token is not None else k.message_ids
    found = next((deliveries[key] for key in keys if key in deliveries), [])
    return next((one for one in found if fold(one.recipient) in k.bounced), found[0] if found else None)


def _candidates(lookups: Sequence[Lookups], ids: dict[str, tuple[int, ...]], deliveries: Deliveries) -> set[int]:
    wanted: set[int] = set()
    for k in lookups:
        wanted.update(ticket_id for i in k.message_ids for ticket_id in ids.get(i, ()))
        wanted.update(token.ticket_id for token in k.tokens)
        if k.tag:
            wanted.add(k.tag)
        delivery = _delivery(k, deliveries)
        if delivery is not None:
            wanted.add(delivery.ticket_id)
    return wanted - {0}
