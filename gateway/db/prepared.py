"""Statements of the mail's way: said in SQLAlchemy, compiled once, and run by the database's driver itself.

Running one through SQLAlchemy takes 60 to 100 microseconds and 16 more for each row; a mail needs some twenty.
Transactions, connections and everything off that way stay SQLAlchemy's. The driver's errors arrive as they are: the
writer knows them.
"""

from __future__ import annotations

import json
from collections import namedtuple
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ColumnElement, Executable, Select
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import NullType

KEYS = "keys"
_SQLITE = sqlite.dialect(paramstyle="named")


class among(ColumnElement[Any]):
    """Whether a column is one of ``KEYS``, however many those are: the statement stays the same."""

    inherit_cache = False
    type = NullType()  # a Boolean would be compared with 1 on SQLite, past the index

    def __init__(self, column: ColumnElement[Any]) -> None:
        self.column = column


@compiles(among, "sqlite")
def _among_sqlite(element: among, compiler: SQLCompiler, **kw: Any) -> str:
    keys = compiler.process(bindparam(KEYS), **kw)
    return f"{compiler.process(element.column, **kw)} IN (SELECT value FROM json_each({keys}))"


@compiles(among, "postgresql")
def _among_postgresql(element: among, compiler: SQLCompiler, **kw: Any) -> str:
    return f"{compiler.process(element.column, **kw)} = ANY({compiler.process(bindparam(KEYS), **kw)})"


class Prepared:
    """One statement, or one for each database; every value comes by name with the row."""

    def __init__(self, *, sqlite: Executable, postgresql: Executable) -> None:
        self._statements: dict[str, Any] = {"sqlite": sqlite, "postgresql": postgresql}
        self._texts: dict[str, str] = {}
        self._row: Any = None

    @classmethod
    def of(cls, statement: Executable) -> Prepared:
        """The same for both databases."""
        return cls(sqlite=statement, postgresql=statement)

    def many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
        """Run it for each row; returns how many rows of the table it touched."""
        cursor = connection.connection.cursor()
        cursor.executemany(self._text(connection), rows)
        touched: int = cursor.rowcount
        cursor.close()
        return touched

    def find(self, connection: Connection, keys: Collection[Any]) -> list[Any]:
        """The rows of a query over ``KEYS``, as named tuples; none where there are no keys."""
        if not keys:
            return []
        wanted = sorted(keys)
        text = self._text(connection)
        cursor = connection.connection.cursor()
        cursor.execute(text, {KEYS: json.dumps(wanted) if connection.dialect.name == "sqlite" else wanted})
        rows = list(map(self._row._make, cursor.fetchall()))
        cursor.close()
        return rows

    def _text(self, connection: Connection) -> str:
        name = connection.dialect.name
        text = self._texts.get(name)
        if text is None:
            statement = self._statements[name]
            if isinstance(statement, Select):
                self._row = namedtuple("Row", statement.selected_columns.keys())  # type: ignore[misc]
            dialect = _SQLITE if name == "sqlite" else connection.dialect
            text = self._texts[name] = str(statement.compile(dialect=dialect))
        return text
