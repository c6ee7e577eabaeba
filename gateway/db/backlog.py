"""How much waits in the database, for those who watch it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Table, func, select

from gateway.db.schema import fixed, from_moment, mail, outgoing
from gateway.model import DeliveryState, MailState

_WAITING = {mail.name: fixed(MailState.RECEIVED), outgoing.name: fixed(DeliveryState.WAITING)}


@dataclass(frozen=True, slots=True)
class Backlog:
    number: int
    first_due: datetime | None

    def seconds(self, now: datetime) -> float:
        """How long the first one has been due; 0 where none is."""
        return max(0.0, (now - self.first_due).total_seconds()) if self.first_due is not None else 0.0


def backlog(connection: Connection, table: Table) -> Backlog:
    """What waits in ``mail`` or ``outgoing``, out of the partial index alone."""
    query = select(func.count(), func.min(table.c.due_at)).where(table.c.state == _WAITING[table.name])
    number, first = connection.execute(query).one()
    return Backlog(number, from_moment(first) if first is not None else None)
