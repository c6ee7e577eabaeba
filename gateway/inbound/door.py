"""Whether the process is busy with letting mails in.

To keep a mail takes a tenth of the time of making its ticket, and both at once get into each other's way. So a crowd at
the door goes first: its clients are done early, and its tickets are made no later, because nothing comes between them
then.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

SAMPLE_SECONDS = 0.01
BUSY = 0.25
"""Share of a sample for which the process computes. A stream of mails that could be worked on beside it takes less."""
STILL_SECONDS = 0.05
"""After this time without a mail, and nobody waiting, the crowd has gone."""


class Door:
    """Told by the journal of each mail that comes, and of those that are in. Lives in the event loop."""

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.process_time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``cpu`` tells the seconds that the process has computed."""
        self._monotonic = monotonic
        self._cpu = cpu
        self._sleep = sleep
        self._waiting = 0
        self._came = float("-inf")

    def came(self) -> None:
        """A client waits until its mail is kept."""
        self._waiting += 1
        self._came = self._monotonic()

    def left(self, number: int) -> None:
        """So many heard what became of their mails."""
        self._waiting -= number

    async def give_way(self, seconds: float) -> None:
        """Return as soon as mails come no more, or leave the process time for others; at the latest after
        ``seconds``."""
        began = now = self._monotonic()
        while (self._waiting or now - self._came < STILL_SECONDS) and now - began < seconds:
            computed = self._cpu()
            await self._sleep(SAMPLE_SECONDS)
            before, now = now, self._monotonic()
            if self._cpu() - computed < BUSY * (now - before):
                return
