"""Deletes raw mails that are older than ``retention.raw_days``. Tickets stay, and so do mails with attachments: those
are spans of the raw mail."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, exists, func, or_, select, update

from gateway.db.engine import reading
from gateway.db.raw import EXPIRED, OBJECT
from gateway.db.schema import attachment, mail, message, to_moment
from gateway.db.store import Store
from gateway.model import MailState

_CHUNK = 200
"""Mails in one transaction; keeps those short who wait for the writer."""
_PAUSE_SECONDS = 0.05
"""After a transaction that deleted something."""
_LOCK = 0x6761_7465_7761_79
"""Advisory lock on PostgreSQL: one node at a time."""
_MARGIN = timedelta(days=1)
_ENDED = [MailState.TICKET, MailState.APPENDED, MailState.REFUSED]
_HAS_ATTACHMENTS = exists().where(
    message.c.ticket_id == mail.c.ticket_id, attachment.c.message_id == message.c.id, attachment.c.mail_id == mail.c.id
)
"""By way of the ticket, for that is what the indexes lead along."""


_Place = tuple[int, int]
"""When a mail was received, and its id: nodes take ids in blocks, so a smaller one may be the newer mail's."""


@dataclass(frozen=True, slots=True)
class _Passed:
    """A chunk that was looked through."""

    last: _Place | None
    """Of its mails; None where none is old enough any more, or where another node is at it."""
    deleted: Sequence[str]
    """References."""


class Retention:
    """Blocks: call it from a thread. Each mail is looked at once in the life of a process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._from: _Place = (0, 0)

    def run(self, before: datetime) -> int:
        """Delete raw mails accepted before then; returns how many."""
        deleted = 0
        while (passed := self._chunk(before)).last is not None:
            self._from = passed.last
            deleted += len(passed.deleted)
            # After the commit: a crash in between leaves an object that nobody reads, not a row that points at nothing.
            self._store.mails.delete_objects([one for one in passed.deleted if one.startswith(OBJECT)])
            if passed.deleted:
                time.sleep(_PAUSE_SECONDS)
        if self._store.embedded:
            self._sweep(before - _MARGIN)
        return deleted

    def _chunk(self, before: datetime) -> _Passed:
        def job(connection: Connection) -> _Passed:
            old = self._old(connection, to_moment(before)) if _alone(connection) else []
            return _Passed(old[-1] if old else None, self._delete(connection, [id_ for _, id_ in old]))

        passed: _Passed = self._store.writer.run(job)
        return passed

    def _old(self, connection: Connection, moment: int) -> list[_Place]:
        """The next mails that are old enough."""
        at, id_ = self._from
        further = or_(mail.c.received_at > at, mail.c.id > id_)
        query = select(mail.c.received_at, mail.c.id).where(
            mail.c.received_at >= at, mail.c.received_at < moment, further
        )  # fmt: skip
        rows = connection.execute(query.order_by(mail.c.received_at, mail.c.id).limit(_CHUNK))
        return [(row.received_at, row.id) for row in rows]

    def _delete(self, connection: Connection, ids: Sequence[int]) -> list[str]:
        chosen = select(mail.c.id, mail.c.raw_ref).where(
            mail.c.id.in_(ids), mail.c.state.in_(_ENDED), mail.c.raw_ref != EXPIRED, ~_HAS_ATTACHMENTS
        )
        found = connection.execute(chosen).all()
        if found:
            expired = update(mail).where(mail.c.id.in_([row.id for row in found]))
            connection.execute(expired.values(raw=None, raw_ref=EXPIRED))
        return [row.raw_ref for row in found]

    def _sweep(self, before: datetime) -> None:
        """Segments that no row points into any more; nothing was written to them for a day beyond the limit."""
        names = select(func.substr(mail.c.raw_ref, 1, len("00000001.seg"))).where(mail.c.raw_ref.like("%.seg:%"))
        with reading(self._store.engine).connect() as connection:
            in_use = set(connection.execute(names.distinct()).scalars())
        self._store.writer.run(lambda _: self._store.mails.sweep(in_use, before))


def _alone(connection: Connection) -> bool:
    """Whether no other node is at it, until the commit."""
    if connection.dialect.name != "postgresql":
        return True
    return bool(connection.execute(select(func.pg_try_advisory_xact_lock(_LOCK))).scalar())
