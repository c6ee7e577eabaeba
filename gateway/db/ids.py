"""Row ids, known before the rows are written.

A batch of mails then goes into each table in one statement, and a confirmation can name the ticket before it exists.
"""

from __future__ import annotations

from collections import deque

from sqlalchemy import Connection, Table, func, select, text

BLOCK = 64
"""Ids fetched at a time from a PostgreSQL sequence."""


class Ids:
    """Hands out ids. On SQLite the next one is remembered for as long as nobody else wrote; on PostgreSQL they come
    from the table's sequence in blocks, so a number may be skipped, never given twice."""

    def __init__(self) -> None:
        self._next: dict[str, int] = {}
        self._blocks: dict[str, deque[int]] = {}
        self._version = -1

    def begin(self, connection: Connection) -> None:
        """Call at the start of each writing transaction."""
        if connection.dialect.name == "sqlite":
            # It changes exactly when another connection, such as a command of the operator, committed.
            ((version,),) = connection.connection.cursor().execute("PRAGMA data_version")
            if version != self._version:
                self._next.clear()
                self._version = version

    def forget(self) -> None:
        """Call after a transaction was rolled back: on SQLite its ids are free again."""
        self._next.clear()
        self._version = -1

    def take(self, connection: Connection, table: Table) -> int:
        if connection.dialect.name == "sqlite":
            return self._take_sqlite(connection, table)
        block = self._blocks.setdefault(table.name, deque())
        if not block:
            sequence = text(
                f"SELECT nextval(pg_get_serial_sequence('{table.name}', 'id')) FROM generate_series(1, {BLOCK})"
            )
            block.extend(connection.execute(sequence).scalars())
        return block.popleft()

    def _take_sqlite(self, connection: Connection, table: Table) -> int:
        value = self._next.get(table.name)
        if value is None:
            value = (connection.execute(select(func.max(table.c.id))).scalar() or 0) + 1
        self._next[table.name] = value + 1
        return value
