"""How long a commit takes beside a run: on a busy machine the database itself stands still at times."""

from __future__ import annotations

import threading
import time

import sqlalchemy as sa

_EVERY = 0.1
STALL = 1.0
"""Seconds; a commit of one row that takes as long met a database that stood still."""


class Pulse:
    """Commits one row again and again, over a connection of its own, while the block runs."""

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)
        self.stalls: list[tuple[float, float]] = []
        """From when to when, ``time.monotonic``."""

    def __enter__(self) -> Pulse:
        with self._engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE pulse (beats bigint)"))
            connection.execute(sa.text("INSERT INTO pulse VALUES (0)"))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(30)
        self._engine.dispose()

    def stalled(self, start: float, end: float) -> bool:
        """Whether a stall lies in this time, or reaches into it."""
        return any(began < end and ended > start for began, ended in self.stalls)

    def _run(self) -> None:
        while not self._over.wait(_EVERY):
            began = time.monotonic()
            with self._engine.begin() as connection:
                connection.execute(sa.text("UPDATE pulse SET beats = beats + 1"))
            ended = time.monotonic()
            if ended - began >= STALL:
                self.stalls.append((began, ended))
