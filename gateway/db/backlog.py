"""How much waits in the database, for those who watch it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Table, func, select

from gateway.db.schema import fixed, from_moment, mail, outgoing
from gateway.model import DeliveryState, MailState

_WAITING = {mail.name: fixed(MailState.RECEIVED), outgoing.name: fixed(DeliveryState.WAITING)}

_CAME = {mail.name: mail.c.received_at, outgoing.name: outgoing.c.created_at}


@dataclass(frozen=True, slots=True)
class Backlog:
    number: int
    first_due: datetime | None

    def seconds(self, now: datetime) -> float:
        """How long the first one has been due; 0 where none is."""
        return max(0.0, (now - self.first_due).total_seconds()) if self.first_due is not None else 0.0


def backlog(connection: Connection, table: Table) -> Backlog:
    """What waits in ``mail`` or ``outgoing``, out of the partial index alone."""
    waits = table.c.state == _WAITING[table.name]
    number = connection.execute(select(func.count()).where(waits)).scalar_one()
    first = connection.execute(select(table.c.due_at, _CAME[table.name]).where(waits).order_by(table.c.due_at).limit(1))
    row = first.one_or_none()
    # What is urgent is due before it came.
    return Backlog(number, from_moment(max(row)) if row is not None else None)
