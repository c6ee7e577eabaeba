"""What a node has in hand, and until when it has it alone.

A node that was stopped beyond its lease (a paused machine, a hanging disk) must not go on with what another one has
taken over meanwhile; it sees that by its own clock, without asking the database before each step.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from gateway import log

Renew = Callable[[Sequence[int]], Mapping[int, float]]
"""Prolongs leases; says which are still ours, and until when (``time.monotonic()``). Called in a thread."""


class Leases:
    """By row id. Lives in the event loop."""

    def __init__(self, renew: Renew, seconds: float) -> None:
        self._renew = renew
        self._every = seconds / 3
        self._until: dict[int, float] = {}

    def take(self, id_: int, until: float) -> bool:
        """Note a lease; False where that row is in hand already."""
        if id_ in self._until:
            return False
        self._until[id_] = until
        return True

    def drop(self, ids: Iterable[int]) -> None:
        for id_ in ids:
            self._until.pop(id_, None)

    def valid(self, id_: int) -> bool:
        """Whether no other node can have this row now."""
        return time.monotonic() < self._until.get(id_, 0.0)

    async def keep(self) -> None:
        """Prolong what is in hand in good time, until cancelled."""
        while True:
            await asyncio.sleep(self._every)
            ids = list(self._until)
            if ids:
                await self._prolong(ids)

    async def _prolong(self, ids: Sequence[int]) -> None:
        try:
            kept = await asyncio.to_thread(self._renew, ids)
        except Exception as problem:
            log.part_crashed("leases", problem)
            return
        for id_ in ids:
            if id_ in self._until:
                self._until[id_] = kept.get(id_, 0.0)
