"""Leases in the database: which node has a row (of ``mail``, ``outgoing``, ``page``, ``imap_folder``) in hand.

They end by the database's clock, which all nodes share; each node also goes by its own (``gateway.leases``).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, func, literal, update

from gateway.db.schema import Moment, to_moment

LEASE_SECONDS = 30
"""For this long a node that took a row has it alone; then another may."""


class LeaseLost(Exception):
    """Another node has taken the row meanwhile."""


def db_now(connection: Connection, now: datetime) -> ColumnElement[int]:
    """The time for leases: the database's own where several nodes share it."""
    if connection.dialect.name == "postgresql":
        return func.cast(func.extract("epoch", func.clock_timestamp()) * 1_000_000, Moment())
    return literal(to_moment(now), Moment())


def lease_end(connection: Connection, now: datetime, seconds: int) -> ColumnElement[int]:
    """When a lease that begins now ends, for a statement."""
    return db_now(connection, now) + seconds * 1_000_000


def held_until(seconds: int) -> float:
    """The same by ``time.monotonic()``. Ask before the database does, so that ours ends first."""
    return time.monotonic() + seconds


def prolong(
    connection: Connection, table: Table, ids: Sequence[int], node: str, end: ColumnElement[int], *where: Any
) -> list[int]:
    """Prolong those that the node still has; which they are."""
    mine = update(table).where(table.c.id.in_(ids), table.c.node == node, *where)
    return list(connection.execute(mine.values(lease_until=end).returning(table.c.id)).scalars())


def forget(connection: Connection, table: Table, node: str, *where: Any, of_all: bool) -> None:
    """End the leases of a node, which stops; or ``of_all``, where no other node can be alive."""
    whose = table.c.node != "" if of_all else table.c.node == node
    connection.execute(update(table).where(whose, *where).values(node="", lease_until=0))
