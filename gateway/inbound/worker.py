"""From an accepted mail to its end: claim, read, decide, apply, in batches that share a transaction.

A mail that cannot be decided is set aside, counted and tried again; after the last try it becomes a ticket from what
is safe, and if even that fails it ends as failed, where the operator sees it. No batch suffers from one of its mails.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from gateway import log
from gateway.db.lease import LeaseLost
from gateway.db.mails import MOST_TRIES, RETRY, Mails, Outcome, Waiting
from gateway.db.raw import OBJECT
from gateway.db.unit import Applied, Raced
from gateway.db.writer import Writer
from gateway.errors import Damaged, GatewayError, Temporary, Unavailable
from gateway.inbound.deciding import Decider, Item, Trouble, independent
from gateway.inbound.door import Door
from gateway.inbound.findings import Finding, Missing, Raw, Read, Unreadable
from gateway.inbound.queue import Queue
from gateway.inbound.reader import Reader
from gateway.model import MailState

BATCH = 32
BATCH_BYTES = 2 * 1024 * 1024
"""Of raw mail that goes to a child at once: an urgent one that comes now waits until they are read."""
FEW = 8
"""With fewer mails waiting than that, no crowd has come."""
LONGEST_WAY = 0.25
"""Seconds for which a crowd at the door goes before the next batch, in which there may be an urgent mail."""
POLL_SECONDS = 1.0
"""How often the database is asked for mails that did not come through memory: released ones, retries, those of
``gateway ingest`` and of nodes that died."""


class Worker:
    """Lives in the event loop; reads in children, decides and writes in the writer's thread."""

    def __init__(
        self,
        writer: Writer,
        mails: Mails,
        queue: Queue,
        reader: Reader,
        decider: Decider,
        door: Door,
        clock: Callable[[], datetime],
    ) -> None:
        self._writer = writer
        self._mails = mails
        self._queue = queue
        self._reader = reader
        self._decider = decider
        self._door = door
        self._clock = clock
        self._room = asyncio.Semaphore(reader.size + 1)
        self._running: set[asyncio.Task[None]] = set()
        self._more = True
        """Whether the database may hold more that is due than was claimed last."""
        self._awake = asyncio.Event()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Work until ``stop``; batches in hand are finished, the rest waits in the journal."""
        poll, keeping = asyncio.create_task(self._poll()), asyncio.create_task(self._keep_leases())
        try:
            while not self._stopping.is_set():
                await self._room.acquire()
                batch = await self._next()
                if batch:
                    self._start(batch)
                else:
                    self._room.release()
        finally:
            poll.cancel()
            await asyncio.gather(poll, *self._running, return_exceptions=True)
            keeping.cancel()

    def stop(self) -> None:
        self._stopping.set()
        self._queue.filled.set()

    def wake(self) -> None:
        """Look for mails of other nodes now. Call it in the event loop."""
        self._more = True
        self._awake.set()

    async def drain(self) -> None:
        """Work until nothing waits that is due: for commands that end when the work does."""
        while await self._fetch() or len(self._queue):
            while batch := self._queue.take(BATCH, BATCH_BYTES):
                await self._work(batch)

    async def _next(self) -> list[Waiting]:
        if self._more and not len(self._queue):
            await self._try_to_fetch()
        await self._queue.filled.wait()
        if len(self._queue) >= FEW:
            await self._door.give_way(LONGEST_WAY)
        return [] if self._stopping.is_set() else self._queue.take(BATCH, BATCH_BYTES)

    def _start(self, batch: list[Waiting]) -> None:
        task = asyncio.create_task(self._work(batch))
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._room.release()
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.part_crashed("worker", problem)

    async def _poll(self) -> None:
        # On Python 3.11 wait_for swallows a cancellation that comes together with what it waits for.
        while not self._stopping.is_set():
            await self._try_to_fetch()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._awake.wait(), POLL_SECONDS)
            self._awake.clear()

    async def _keep_leases(self) -> None:
        """What waits here for long, or is read for long, is no other node's."""
        while True:
            await asyncio.sleep(self._mails.lease_seconds / 3)
            ids, now = self._queue.in_hand(), self._clock()
            try:
                renewal = self._writer.submit(partial(self._mails.renew, ids=ids, now=now), light=True)
                await asyncio.wrap_future(renewal)
            except GatewayError as problem:
                log.part_crashed("worker", problem)

    async def _try_to_fetch(self) -> None:
        try:
            await self._fetch()
        except GatewayError as problem:
            log.part_crashed("worker", problem)

    async def _fetch(self) -> int:
        """Claim mails from the database where memory has room; returns how many."""
        if len(self._queue) >= BATCH:
            return 0
        now = self._clock()
        claim = self._writer.submit(lambda connection: self._mails.claim(connection, now, BATCH))
        claimed: list[Waiting] = await asyncio.wrap_future(claim)
        self._more = len(claimed) == BATCH
        whole = await asyncio.gather(*(self._whole(waiting) for waiting in claimed))
        return self._queue.put([waiting for waiting in whole if waiting is not None])

    async def _whole(self, waiting: Waiting) -> Waiting | None:
        """With its raw mail, if that lies in the object store; None where it cannot be had now."""
        if not waiting.stored.startswith(OBJECT):
            return waiting
        try:
            raw = await asyncio.to_thread(self._mails.stored, waiting.stored)
        except Unavailable as problem:
            log.part_crashed("object store", problem)  # its lease ends by itself, and then it is claimed again
            return None
        except (OSError, ValueError) as problem:
            await self._set_aside(waiting, problem)
            return None
        return replace(waiting, raw=raw, stored="")

    async def _work(self, batch: list[Waiting]) -> None:
        try:
            raws = [self._mails.segment(one.stored) if one.stored else one.raw for one in batch]
            results = await self._reader.read([waiting.id for waiting in batch], raws)
            items: list[Item] = []
            for waiting, raw, result in zip(batch, raws, results, strict=True):
                try:
                    items.append(await self._item(waiting, raw, result))
                except Temporary:
                    raise
                except Exception as problem:
                    await self._set_aside(waiting, problem)
            for group in independent(items):
                await self._apply(group)
        finally:
            self._queue.done(batch)

    async def _item(self, waiting: Waiting, raw: Raw, result: Finding) -> Item:
        """What is to be decided on; after the last try only what is safe of it. Raises what is wrong with the mail."""
        if isinstance(result, Missing):
            raise OSError(f"raw mail: {result.why}")
        if waiting.attempts >= MOST_TRIES and isinstance(result, Read):
            result = Unreadable("it was read, but could not be written", await self._reader.salvage(raw))
        return self._decider.item(waiting, result)

    async def _apply(self, items: Sequence[Item]) -> None:
        """Decide on mails and write it down, however long the database is away."""
        while not await self._try_to_apply(items):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), POLL_SECONDS)
            if self._stopping.is_set():
                return

    async def _try_to_apply(self, items: Sequence[Item]) -> bool:
        """False where the database is away."""
        try:
            results = await asyncio.wrap_future(self._writer.submit(partial(self._decider.decide, items=items)))
        except Damaged as problem:
            await self._one_by_one(items)
            if len(items) == 1:
                log.part_crashed("worker", problem)  # its lease ends by itself, and then it is claimed again
        except Unavailable as problem:
            log.part_crashed("worker", problem)
            return False
        except LeaseLost:
            await self._one_by_one(items)
        except Raced:
            for item in items:
                await self._apply([item])
        except Exception as problem:
            if len(items) > 1:
                await self._one_by_one(items)
            else:
                await self._set_aside(items[0].waiting, problem)
        else:
            applied = [one for one in results if isinstance(one, Applied)]
            self._decider.committed(items, applied)
            for trouble in results:
                if isinstance(trouble, Trouble):
                    await self._set_aside(trouble.waiting, trouble.problem)
        return True

    async def _one_by_one(self, items: Sequence[Item]) -> None:
        """What is wrong with one mail, such as a lost lease, is none of the others' business."""
        if len(items) > 1:
            for item in items:
                await self._apply([item])

    async def _set_aside(self, waiting: Waiting, problem: Exception) -> None:
        log.mail_failed(waiting.id, problem, waiting.attempts + 1)
        why = problem.private if isinstance(problem, GatewayError) else f"{type(problem).__name__}: {problem}"
        now = self._clock()

        def job(connection: Connection) -> None:
            if waiting.attempts < MOST_TRIES:
                self._mails.set_aside(connection, waiting.id, why, now + RETRY * (waiting.attempts + 1))
            else:
                failed = Outcome(waiting.id, MailState.FAILED, f"after {waiting.attempts + 1} tries: {why}", "", None)
                self._mails.finish(connection, [failed], now)

        try:
            await asyncio.wrap_future(self._writer.submit(job))
            if waiting.attempts >= MOST_TRIES:
                log.mail_done(waiting.id, MailState.FAILED, why, "", (now - waiting.received_at).total_seconds())
        except (GatewayError, LeaseLost) as again:
            # The database is away: the lease ends some time, and the mail is claimed again.
            log.part_crashed("worker", again)
