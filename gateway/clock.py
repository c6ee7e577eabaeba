"""What is to be done from time to time: raw mails older than they may be are deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from gateway import log
from gateway.db.retention import Retention

EVERY_SECONDS = 3600.0


class Clock:
    """Runs in the event loop, works in a thread."""

    def __init__(self, retention: Retention, raw_days: int, now: Callable[[], datetime]) -> None:
        """``raw_days`` 0 keeps raw mails for ever."""
        self._retention = retention
        self._raw_days = raw_days
        self._now = now

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._once()
            except Exception as problem:
                log.part_crashed("clock", problem)
            await asyncio.sleep(EVERY_SECONDS)

    async def _once(self) -> None:
        if self._raw_days:
            before = self._now() - timedelta(days=self._raw_days)
            deleted = await asyncio.to_thread(self._retention.run, before)
            if deleted:
                log.raw_mails_deleted(deleted)
