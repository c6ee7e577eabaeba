"""Whether the database answers, felt ten times a second by one who commits next to nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa

_BEAT = 0.1
_LONG = 0.5
"""Seconds that a commit of nothing does not take on a machine that is well."""
_COMMIT = sa.text("SELECT pg_logical_emit_message(true, 'pulse', '')")
"""Writes to the log, which a commit waits for, and to no table."""

Stall = tuple[float, float]
"""When it began (``time.monotonic``), and its seconds."""


@contextmanager
def pulse(url: str) -> Iterator[Sequence[Stall]]:
    """The stalls of a PostgreSQL so far, while it runs."""
    stalls: list[Stall] = []
    over = threading.Event()
    beating = threading.Thread(target=_beat, args=(url, stalls, over), name="pulse", daemon=True)
    beating.start()
    try:
        yield stalls
    finally:
        over.set()
        beating.join(30)


def _beat(url: str, stalls: list[Stall], over: threading.Event) -> None:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        while not over.wait(_BEAT):
            began = time.monotonic()
            connection.execute(_COMMIT)
            connection.commit()
            seconds = time.monotonic() - began
            if seconds > _LONG:
                stalls.append((began, seconds))
    engine.dispose()
