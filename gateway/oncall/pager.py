"""The pager: tells the on-call, in a loop of its own that waits for nothing else.

A page is sent at least once to each target. A target that fails is tried again and again, and delays no other. Whoever
can write an outage can set off a page, five hundred strangers five hundred: beyond a number at once, pages to a target
wait a little, and all that wait go as one that names each. None is left out, for that might be the true one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Protocol

from gateway import log
from gateway.errors import GatewayError, Temporary
from gateway.leases import Leases
from gateway.model import Page
from gateway.oncall.bucket import Bucket
from gateway.oncall.notifiers import Notifier
from gateway.retry import next_wait
from gateway.settings import Oncall

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


@dataclass(slots=True)
class _Line:
    """To one target."""

    bucket: Bucket
    waiting: list[Page] = field(default_factory=list)
    timer: asyncio.TimerHandle | None = None


class Pager:
    """Runs in the event loop; each call is a task of its own."""

    def __init__(
        self,
        store: PageStore,
        notifier: Notifier,
        clock: Callable[[], datetime],
        limits: Oncall,
        lease_seconds: float = 30,
    ) -> None:
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._limits = limits
        self._lines: dict[str, _Line] = {}
        self._leases = Leases(lambda ids: store.renew(ids, clock()), lease_seconds)
        self._awake = asyncio.Event()
        self._stopping = False
        self._tasks: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Look for pages now. Call it in the event loop, right after the commit that made one."""
        self._awake.set()

    async def run(self) -> None:
        """Page until ``stop``; then what is on its way is finished, and what was to be gathered stays due."""
        keeping = asyncio.create_task(self._leases.keep())
        try:
            while not self._stopping:
                seconds = await self._claim()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._awake.wait(), seconds)
                self._awake.clear()
            for line in self._lines.values():
                if line.timer is not None:
                    line.timer.cancel()
            await asyncio.gather(*self._tasks)
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
            line = self._lines.get(page.target)
            if line is None:
                line = self._lines[page.target] = _Line(Bucket(self._limits.burst, self._limits.gather_seconds))
            line.waiting.append(page)
            if line.timer is None:
                self._call(line)

    def _call(self, line: _Line) -> None:
        """Call the target with all that waits for it, as soon as it may be called."""
        now = time.monotonic()
        line.timer = None
        if line.bucket.take(now):
            pages, line.waiting = sorted(line.waiting, key=attrgetter("severity", "id")), []
            task = asyncio.create_task(self._page(pages))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            line.timer = asyncio.get_running_loop().call_later(line.bucket.wait(now), self._call, line)

    async def _page(self, pages: Sequence[Page]) -> None:
        try:
            if ours := [page for page in pages if self._leases.valid(page.id)]:
                await self._notify(ours)
        except Exception as problem:
            log.part_crashed("pager", problem)
        finally:
            self._leases.drop(page.id for page in pages)

    async def _notify(self, pages: Sequence[Page]) -> None:
        try:
            await self._notifier.notify(pages)
        except GatewayError as problem:
            await self._again(pages, problem)
        except Exception as problem:
            log.part_crashed("notifier", problem)
            await self._again(pages, Temporary("The page could not be sent.", repr(problem)))
        else:
            now = self._clock()
            with log.together():
                for page in pages:
                    seconds = (now - (page.received_at or page.created_at)).total_seconds()
                    log.page_sent(page.ticket_number, page.target, page.attempts + 1, seconds)
            await self._record([page.id for page in pages])

    async def _record(self, ids: Sequence[int]) -> None:
        """Mark as sent, however long the database is away: what is not marked rings again."""
        while True:
            try:
                await asyncio.wrap_future(self._store.sent(ids, self._clock()))
                return
            except Temporary as problem:
                log.part_crashed("pager", problem)
                if self._stopping:
                    return
                await asyncio.sleep(_AFTER_TROUBLE)

    async def _again(self, pages: Sequence[Page], problem: GatewayError) -> None:
        """Permanent or not: a target that refuses now may be mended within the day."""
        for page in pages:
            tried = page.attempts + 1
            wait = next_wait(tried, RETRIES, GIVE_UP)
            if wait is not None:
                log.page_later(page.ticket_number, page.target, tried, problem)
                await asyncio.to_thread(self._store.later, page.id, self._clock() + wait, problem.private)
            else:
                log.page_failed(page.ticket_number, page.target, tried, problem)
                await asyncio.to_thread(self._store.failed, page.id, problem.private)
