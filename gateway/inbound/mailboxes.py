"""Polls all IMAP folders: each in a thread, and by the one node that has its lease."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

from gateway import log
from gateway.db.folders import Folders
from gateway.db.lease import LeaseLost
from gateway.errors import GatewayError
from gateway.inbound.fetching import Fetching
from gateway.leases import Leases

_FIRST_REST = 5.0
_LONGEST_REST = 300.0
"""Seconds between two tries to connect; they grow from the one to the other, for a server may lock out who knocks
often."""
_LOOK_SECONDS = 10.0
"""Between two looks whether a folder is free that another node has."""
_GRACE = 5.0
"""What a fetch under way gets to finish when the gateway stops."""

_Result = TypeVar("_Result")


class Mailboxes:
    """Lives in the event loop."""

    def __init__(
        self, fetching: Sequence[Fetching], folders: Folders, lease_seconds: int, clock: Callable[[], datetime]
    ) -> None:
        self._fetching = fetching
        self._folders = folders
        self._clock = clock
        self._leases = Leases(lambda ids: folders.renew(ids, clock()), lease_seconds)
        self._stopping = asyncio.Event()
        # One thread each for the folder, and one for what is asked of the database about it.
        self._threads = ThreadPoolExecutor(2 * max(len(fetching), 1), "imap")

    async def run(self) -> None:
        """Until ``stop``; a mail that is being fetched then is fetched again by whoever comes next."""
        keeping = asyncio.create_task(self._leases.keep())
        polling = [asyncio.create_task(self._poll(one)) for one in self._fetching]
        try:
            await self._stopping.wait()
            _, late = await asyncio.wait(polling, timeout=_GRACE)
            if late:
                for one in self._fetching:
                    one.break_off()
                await asyncio.wait(late)
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, *polling, return_exceptions=True)
            self._threads.shutdown(wait=False)

    def stop(self) -> None:
        """Make ``run`` end."""
        self._stopping.set()

    async def _poll(self, one: Fetching) -> None:
        rest = _FIRST_REST
        while not self._stopping.is_set():
            seconds = _FIRST_REST
            try:
                id_ = await self._in_thread(self._folders.named, one.name)
                until = await self._in_thread(self._folders.claim, id_, self._clock())
                if until is None:
                    seconds = _LOOK_SECONDS
                else:
                    worked = await self._session(one, id_, until)
                    rest = seconds = _FIRST_REST if worked else min(2 * rest, _LONGEST_REST)
            except Exception as problem:
                log.part_crashed("mailboxes", problem)
            await self._rest(seconds)

    async def _session(self, one: Fetching, id_: int, until: float) -> bool:
        """One connection, from its beginning to its end; whether it could be used."""
        looks, trouble = one.looks, ""
        self._leases.take(id_, until)
        try:
            await self._in_thread(one.run, id_, lambda: not self._stopping.is_set() and self._leases.valid(id_))
        except LeaseLost:
            return True  # another node goes on with it
        except Exception as problem:
            if not self._stopping.is_set():
                log.imap_failed(one.name, problem)
                trouble = problem.private if isinstance(problem, GatewayError) else type(problem).__name__
        finally:
            self._leases.drop([id_])
        with suppress(GatewayError):  # the lease ends by itself
            await self._in_thread(self._folders.give_back, id_, trouble)
        return one.looks > looks

    async def _in_thread(self, work: Callable[..., _Result], *values: Any) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *values)

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
