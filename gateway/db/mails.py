"""The journal's table: mails that were accepted, and what became of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Table,
    bindparam,
    insert,
    or_,
    select,
    update,
)

from gateway.db.ids import Ids
from gateway.db.lease import LEASE_SECONDS, LeaseLost, db_now, forget, lease_end, prolong
from gateway.db.objects import Objects
from gateway.db.prepared import Prepared
from gateway.db.raw import EXPIRED, INLINE_BYTES, OBJECT, Segments, Span
from gateway.db.schema import fixed, from_moment, mail, to_moment
from gateway.db.wake import Channel, wake
from gateway.errors import Temporary
from gateway.model import DeliveryState, Envelope, MailState
from gateway.portions import portions
from gateway.triage.glance import may_be_urgent

MOST_TRIES = 3
RETRY = timedelta(seconds=20)
"""After the first failure; after each further one as much longer."""
_LONGEST_WAIT = timedelta(hours=1)
NOTHING: Mapping[int, str] = {}
_MOST_KEYS = 1000
"""In one statement."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An accepted mail that is to be read."""

    id: int
    envelope: Envelope
    raw: bytes
    received_at: datetime
    attempts: int = 0
    released: bool = False
    stored: str = ""
    """Where it lies, if ``raw`` is empty: in a segment, where who reads it finds it, or in the object store, from which
    it must be fetched first."""
    size: int = 0
    """Of the mail, in octets."""
    urgent: bool = False
    """It may be; see ``triage.glance``."""
    mine: bool = True
    """Leased to this node."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a mail ended."""

    mail_id: int
    state: MailState
    reason: str
    subject: str
    ticket_id: int | None


def put_right(connection: Connection, table: Table, now: datetime, longest: timedelta) -> None:
    """Make due what is put off for longer than anything is: that was written before the clock was set back."""
    waits = fixed(MailState.RECEIVED if table is mail else DeliveryState.WAITING)
    wrong = update(table).where(table.c.state == waits, table.c.due_at > to_moment(now + longest))
    connection.execute(wrong.values(due_at=to_moment(now)))


_RECEIVED = fixed(MailState.RECEIVED)
_INSERT = Prepared.of(insert(mail))
_FINISH = Prepared.of(
    update(mail)
    .where(mail.c.id == bindparam("id_"), mail.c.state == _RECEIVED, mail.c.node == bindparam("node_"))
    .values({name: bindparam(name) for name in ("state", "reason", "subject", "ticket_id", "done_at", "lease_until")})
)


class Mails:
    def __init__(
        self,
        ids: Ids,
        segments: Segments | None,
        node: str,
        lease_seconds: int = LEASE_SECONDS,
        objects: Objects | None = None,
    ) -> None:
        """Large raw mails go to ``objects``, else to ``segments``, else into their row."""
        self.lease_seconds = lease_seconds
        self._ids = ids
        self._segments = segments
        self._objects = objects
        self._node = node

    def add(
        self,
        connection: Connection,
        mails: Sequence[tuple[Envelope, bytes]],
        now: datetime,
        *,
        mine: bool,
        put_off: Collection[int] = frozenset(),
        stored: Mapping[int, str] = NOTHING,
    ) -> list[Waiting]:
        """Write new mails; ``mine`` leases them to this node at once, but for those that are ``put_off``.

        ``stored`` has the references of those whose raw form lies in the object store already; both go by the place in
        ``mails``. Raises Temporary where a segment cannot be written.
        """
        references = stored or self._large([raw for _, raw in mails])
        lease_until = self.lease_until(connection, now) if mine else 0
        moment = to_moment(now)
        added = [
            Waiting(
                self._ids.take(connection, mail), envelope, raw, now, urgent=may_be_urgent(raw), size=len(raw),
                mine=mine and n not in put_off,
            )
            for n, (envelope, raw) in enumerate(mails)
        ]  # fmt: skip
        _INSERT.many(
            connection, [self._row(one, references.get(n, ""), moment, lease_until) for n, one in enumerate(added)]
        )
        if put_off or not mine:
            wake(connection, Channel.MAIL)
        return [_in_its_segment(one, references.get(n, "")) for n, one in enumerate(added)]

    def lease_until(self, connection: Connection, now: datetime) -> int:
        """When a lease that begins now ends, by the clock that leases go by."""
        if connection.dialect.name == "sqlite":
            return to_moment(now) + self.lease_seconds * 1_000_000
        moment: int = connection.execute(select(self._lease(connection, now))).scalar_one()
        return moment

    def _lease(self, connection: Connection, now: datetime) -> ColumnElement[int]:
        return lease_end(connection, now, self.lease_seconds)

    def _large(self, raws: Sequence[bytes]) -> dict[int, str]:
        place = self._objects or self._segments
        if place is None:
            return {}
        large = [n for n, raw in enumerate(raws) if len(raw) > INLINE_BYTES]
        if not large:
            return {}
        try:
            return dict(zip(large, place.append([raws[n] for n in large]), strict=True))
        except OSError as problem:
            raise Temporary("storage trouble, try again later", f"raw mail: {problem}") from problem

    def in_objects(self, raws: Sequence[bytes]) -> dict[int, str]:
        """Put large ones into the object store, where there is one; their references, by place. Blocks: ask before a
        commit, in which the writer waits for no network."""
        return self._large(raws) if self._objects is not None else {}

    def _row(self, new: Waiting, reference: str, now: int, lease_until: int) -> dict[str, Any]:
        envelope, raw = new.envelope, new.raw
        return {
            "id": new.id, "received_at": now, "via": envelope.via, "peer": envelope.peer, "helo": envelope.helo,
            "mail_from": envelope.mail_from, "recipients": json.dumps(envelope.recipients), "auth": envelope.auth,
            "tls": envelope.tls, "size": new.size, "raw": None if reference else raw, "raw_ref": reference,
            "state": MailState.RECEIVED.value, "reason": "", "subject": "", "ticket_id": None, "released": False,
            "attempts": 0,
            # Claims go by this time, so what may be urgent goes ahead of any backlog.
            "due_at": 0 if new.urgent else now,
            "node": self._node if new.mine else "", "lease_until": lease_until if new.mine else 0,
            "done_at": None,
        }  # fmt: skip

    def claim(self, connection: Connection, now: datetime, limit: int) -> list[Waiting]:
        """Lease up to ``limit`` mails that wait, whose time has come and that no living node has."""
        moment = db_now(connection, now)
        put_right(connection, mail, now, _LONGEST_WAIT)
        free = or_(mail.c.node == "", mail.c.lease_until < moment)
        chosen = (
            select(mail.c.id)
            .where(mail.c.state == _RECEIVED, mail.c.due_at <= moment, free)
            .order_by(mail.c.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        ids = list(connection.execute(chosen).scalars())
        if not ids:
            return []
        lease = (
            update(mail)
            .where(mail.c.id.in_(ids))
            .values(node=self._node, lease_until=self._lease(connection, now))
        )
        connection.execute(lease)
        rows = connection.execute(select(mail).where(mail.c.id.in_(ids)).order_by(mail.c.id))
        found = [self._found(connection, row, now) for row in rows]
        return [waiting for waiting in found if waiting is not None]

    def _found(self, connection: Connection, row: Row[Any], now: datetime) -> Waiting | None:
        """One raw mail that cannot be had, on a damaged disk say, must not stop the others."""
        try:
            return self._waiting(row)
        except (OSError, ValueError) as problem:
            why = f"raw mail: {problem}"
            if row.attempts < MOST_TRIES:
                self.set_aside(connection, row.id, why, now + RETRY * (row.attempts + 1))
            else:
                self.finish(connection, [Outcome(row.id, MailState.FAILED, why, "", None)], now)
            return None

    def _waiting(self, row: Row[Any]) -> Waiting:
        outside = "" if row.raw_ref == EXPIRED else row.raw_ref
        if outside:
            self._place(outside)
        return Waiting(
            row.id, envelope(row), b"" if outside else self.raw(row), from_moment(row.received_at), row.attempts,
            row.released, outside, row.size, row.due_at == 0,
        )  # fmt: skip

    def raw(self, row: Row[Any]) -> bytes:
        """The bytes of a mail as received, from a row with ``raw`` and ``raw_ref``; empty where they were deleted."""
        if row.raw is not None:
            return bytes(row.raw)
        if row.raw_ref == EXPIRED:
            return b""
        return self.stored(row.raw_ref)

    def stored(self, reference: str) -> bytes:
        """A raw mail that does not lie in its row. Blocks. Raises OSError or ValueError where it cannot be had, and
        Unavailable where the object store does not answer."""
        return self._place(reference).read(reference)

    def _place(self, reference: str) -> Objects | Segments:
        place = self._objects if reference.startswith(OBJECT) else self._segments
        if place is None:
            raise ValueError(f"{reference!r}: storage.raw names no store for it, or it lies beside another database")
        return place

    def segment(self, reference: str) -> Span:
        """Where a mail lies that is in a segment, for another process to read."""
        assert self._segments is not None
        return Span(self._segments.folder, reference)

    def delete_objects(self, references: Sequence[str]) -> None:
        """Delete raw mails in the object store. Blocks."""
        if references and self._objects is not None:
            self._objects.delete(references)

    def sweep(self, in_use: Collection[str], before: datetime) -> None:
        """Delete segments that no row points into; only in the writer's thread, which appends to them."""
        if self._segments is not None:
            self._segments.sweep(in_use, before)

    def forget_leases(self, connection: Connection, *, of_all: bool) -> None:
        """End the leases of this node, which stops; or ``of_all``, where no other node can be alive."""
        forget(connection, mail, self._node, mail.c.state == _RECEIVED, of_all=of_all)
        wake(connection, Channel.MAIL)

    def renew(self, connection: Connection, ids: Iterable[int], now: datetime) -> None:
        """Keep leases that this node still has."""
        end = self._lease(connection, now)
        for some in portions(sorted(ids), _MOST_KEYS):
            prolong(connection, mail, some, self._node, end, mail.c.state == _RECEIVED)

    def finish(self, connection: Connection, outcomes: Sequence[Outcome], now: datetime) -> None:
        """End mails that this node has leased. Raises LeaseLost where one of them is not its own any more."""
        rows = [
            {
                "id_": o.mail_id, "node_": self._node, "state": o.state.value, "reason": o.reason, "subject": o.subject,
                "ticket_id": o.ticket_id, "done_at": to_moment(now), "lease_until": 0,
            }
            for o in outcomes
        ]  # fmt: skip
        if _FINISH.many(connection, rows) != len(rows):
            raise LeaseLost

    def set_aside(self, connection: Connection, mail_id: int, why: str, due_at: datetime) -> None:
        """Count a failed try; the mail is read again at ``due_at``."""
        connection.execute(
            update(mail)
            .where(mail.c.id == mail_id, mail.c.state == _RECEIVED)
            .values(attempts=mail.c.attempts + 1, reason=why, due_at=to_moment(due_at), node="", lease_until=0)
        )

    def again(self, connection: Connection, mail_id: int, now: datetime, *, released: bool) -> bool:
        """Send a held or failed mail through once more. False where it is neither."""
        result = connection.execute(
            update(mail)
            .where(mail.c.id == mail_id, mail.c.state.in_([MailState.HELD, MailState.FAILED]))
            .values(
                state=MailState.RECEIVED,
                released=released,
                attempts=0,
                due_at=to_moment(now),
                node="",
                lease_until=0,
                done_at=None,
            )
        )
        wake(connection, Channel.MAIL)
        return result.rowcount == 1


def _in_its_segment(new: Waiting, reference: str) -> Waiting:
    """A large mail need not wait in memory."""
    return new if not reference or reference.startswith(OBJECT) else replace(new, raw=b"", stored=reference)


def envelope(row: Row[Any]) -> Envelope:
    return Envelope(
        row.via, row.mail_from, tuple(json.loads(row.recipients)), row.peer, row.helo, row.auth, bool(row.tls)
    )  # fmt: skip
