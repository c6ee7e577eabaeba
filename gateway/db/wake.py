"""Wake-ups between nodes that share a PostgreSQL: what one of them wrote, another takes up within milliseconds.

They only save the wait for the next look into the database, so one that is lost costs a second, never a mail.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from gateway import log

if TYPE_CHECKING:
    import psycopg

_NOTIFY = text("SELECT pg_notify(:channel, '')")
_LOOK_SECONDS = 0.5
"""How often the listening thread sees whether it is to end."""
_AGAIN_SECONDS = 5.0


class Channel(StrEnum):
    """What there is to be taken up by whoever is free."""

    MAIL = "gateway_mail"
    OUTGOING = "gateway_outgoing"
    PAGE = "gateway_page"


def wake(connection: Connection, channel: Channel) -> None:
    """Tell all nodes, when this transaction commits. Does nothing on an embedded database."""
    if connection.dialect.name == "postgresql":
        connection.execute(_NOTIFY, {"channel": channel.value})


class Ear:
    """Listens in a thread, on a connection of its own, and calls what belongs to a channel, in that thread."""

    def __init__(self, engine: Engine, calls: Mapping[Channel, Callable[[], object]]) -> None:
        self._engine = engine
        self._calls = calls
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="wake-ups", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        import psycopg

        while not self._closing.is_set():
            try:
                self._listen()
            except (SQLAlchemyError, psycopg.Error, OSError) as problem:
                log.part_crashed("wake-ups", problem)
                self._closing.wait(_AGAIN_SECONDS)

    def _listen(self) -> None:
        pooled = self._engine.raw_connection()
        connection = cast("psycopg.Connection[Any]", pooled.driver_connection)
        pooled.detach()
        with connection:
            connection.autocommit = True
            for channel in self._calls:
                connection.execute(f"LISTEN {channel.value}")
            for call in self._calls.values():
                call()  # for what came while nobody listened
            while not self._closing.is_set():
                for heard in connection.notifies(timeout=_LOOK_SECONDS):
                    self._calls[Channel(heard.channel)]()
