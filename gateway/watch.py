"""Watches disk, database and backlog, and says whether mail can be taken: the door closes and opens again by itself,
unless the database is damaged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from datetime import datetime

from sqlalchemy import Connection

from gateway import log, metrics
from gateway.db import damage
from gateway.db.backlog import Backlog, backlog
from gateway.db.folders import looks
from gateway.db.schema import mail, outgoing
from gateway.db.store import Store
from gateway.errors import GatewayError
from gateway.settings import Smtp

EVERY_SECONDS = 2.0
PATIENCE_SECONDS = 15.0
"""A look that takes longer hangs, which is trouble in itself."""


class Watch:
    """Runs in the event loop and looks in a thread, for a look may hang."""

    def __init__(
        self, settings: Smtp, store: Store, clock: Callable[[], datetime], folders: Collection[str] = ()
    ) -> None:
        """``folders``: the names of the IMAP folders that are to be looked into."""
        self._settings = settings
        self._folders = folders
        self._since = clock()
        self._store = store
        self._clock = clock
        self._trouble = ""
        self._looked_at = time.monotonic()

    def trouble(self) -> str:
        """What hinders us from taking mail, for the operator; empty when nothing does. Safe in any thread."""
        if damaged := self._damage():
            return damaged
        silent = time.monotonic() - self._looked_at
        return self._trouble if silent < PATIENCE_SECONDS else f"the database has not answered for {silent:.0f} s"

    async def run(self) -> None:
        """Look every few seconds, until cancelled."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Look once, and tell the log where it changed."""
        before = self._trouble
        trouble = await asyncio.to_thread(self._look)
        self._trouble = self._damage() or trouble
        self._looked_at = time.monotonic()
        if self._trouble and not before:
            log.intake_paused(self._trouble)
        if before and not self._trouble:
            log.intake_resumed()

    def _damage(self) -> str:
        found = self._store.writer.damage
        return f"the database is damaged ({found}); {damage.REMEDY}" if found else ""

    def _look(self) -> str:
        needed = self._settings.least_free_bytes
        try:
            free = self._store.free_bytes()
            if free is not None and free < needed:
                return f"only {free:,} bytes are free on the disk, {needed:,} are needed"
            reading, sending, looked = self._store.writer.run(_state)
        except (OSError, GatewayError) as problem:
            return problem.private if isinstance(problem, GatewayError) else str(problem)
        now = self._clock()
        metrics.waiting("reading", reading.number, reading.seconds(now))
        metrics.waiting("sending", sending.number, sending.seconds(now))
        for folder in self._folders:
            metrics.imap_looked(folder, (now - (looked.get(folder) or self._since)).total_seconds())
        full = reading.number >= self._settings.max_backlog
        return f"{reading.number:,} mails wait to be worked on" if full else ""


def _state(connection: Connection) -> tuple[Backlog, Backlog, dict[str, datetime | None]]:
    return backlog(connection, mail), backlog(connection, outgoing), looks(connection)
