"""The pager: tells the on-call, in a loop of its own that waits for nothing else.

A page is sent at least once to each target. A target that fails is tried again and again, and delays no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

from gateway import log
from gateway.errors import GatewayError, Temporary
from gateway.leases import Leases
from gateway.model import Page
from gateway.oncall.notifiers import Notifier
from gateway.retry import next_wait

RETRIES = tuple(timedelta(seconds=seconds) for seconds in (10, 30, 60, 120, 300))
"""Between tries; the last one repeats."""
GIVE_UP = timedelta(days=1)
LONGEST_REST = 10.0
"""Seconds after which the database is asked again even if nobody called ``wake``."""
_AFTER_TROUBLE = 1.0
_CLAIMS = 100


class PageStore(Protocol):
    """What the pager asks of the database. Every method but ``sent`` blocks until its commit and is called in a
    thread."""

    def claim_due(self, limit: int, now: datetime) -> Sequence[Page]: ...

    def renew(self, ids: Sequence[int], now: datetime) -> Mapping[int, float]: ...

    def sent(self, ids: Sequence[int], now: datetime) -> Future[int]: ...

    def later(self, id_: int, at: datetime, why: str) -> None: ...

    def failed(self, id_: int, why: str) -> None: ...

    def next_due(self) -> datetime | None: ...


class Pager:
    """Runs in the event loop; each page is a task of its own."""

    def __init__(
        self, store: PageStore, notifier: Notifier, clock: Callable[[], datetime], lease_seconds: float = 30
    ) -> None:
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._leases = Leases(lambda ids: store.renew(ids, clock()), lease_seconds)
        self._awake = asyncio.Event()
        self._stopping = False
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """Look for pages now. Call it in the event loop, right after the commit that made one."""
        self._awake.set()

    async def run(self) -> None:
        """Page until ``stop``; then what is on its way is finished."""
        keeping = asyncio.create_task(self._leases.keep())
        try:
            while not self._stopping:
                seconds = await self._claim()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._awake.wait(), seconds)
                self._awake.clear()
            await asyncio.gather(*self._tasks.values())
        finally:
            keeping.cancel()

    def stop(self) -> None:
        """Make ``run`` end, once what is on its way is done."""
        self._stopping = True
        self._awake.set()

    async def _claim(self) -> float:
        """Start what is due; the seconds to rest before the next time."""
        try:
            for page in await asyncio.to_thread(self._store.claim_due, _CLAIMS, self._clock()):
                self._start(page)
            due = await asyncio.to_thread(self._store.next_due)
        except Exception as problem:
            log.part_crashed("pager", problem)
            return _AFTER_TROUBLE
        rest = (due - self._clock()).total_seconds() if due is not None else LONGEST_REST
        return min(max(rest, _AFTER_TROUBLE), LONGEST_REST)

    def _start(self, page: Page) -> None:
        if self._leases.take(page.id, page.held_until):
            task = asyncio.create_task(self._page(page))
            self._tasks[page.id] = task
            task.add_done_callback(lambda _: self._ended(page.id))

    def _ended(self, id_: int) -> None:
        self._tasks.pop(id_, None)
        self._leases.drop([id_])

    async def _page(self, page: Page) -> None:
        try:
            if self._leases.valid(page.id):
                await self._notify(page)
        except Exception as problem:
            log.part_crashed("pager", problem)

    async def _notify(self, page: Page) -> None:
        try:
            await self._notifier.notify(page)
        except GatewayError as problem:
            await self._again(page, problem)
        except Exception as problem:
            log.part_crashed("notifier", problem)
            await self._again(page, Temporary("The page could not be sent.", repr(problem)))
        else:
            seconds = (self._clock() - (page.received_at or page.created_at)).total_seconds()
            log.page_sent(page.ticket_number, page.target, page.attempts + 1, seconds)
            await self._record(page.id)

    async def _record(self, id_: int) -> None:
        """Mark as sent, however long the database is away: what is not marked rings again."""
        while True:
            try:
                await asyncio.wrap_future(self._store.sent([id_], self._clock()))
                return
            except Temporary as problem:
                log.part_crashed("pager", problem)
                if self._stopping:
                    return
                await asyncio.sleep(_AFTER_TROUBLE)

    async def _again(self, page: Page, problem: GatewayError) -> None:
        """Permanent or not: a target that refuses now may be mended within the day."""
        tried = page.attempts + 1
        wait = next_wait(tried, RETRIES, GIVE_UP)
        if wait is not None:
            log.page_later(page.ticket_number, page.target, tried, problem)
            await asyncio.to_thread(self._store.later, page.id, self._clock() + wait, problem.private)
        else:
            log.page_failed(page.ticket_number, page.target, tried, problem)
            await asyncio.to_thread(self._store.failed, page.id, problem.private)
