"""The way of a mail that finds nobody before it: read first, then kept and ended in one transaction.

While others wait, a mail is kept first and read later, in batches, which is what many mails need. One that comes alone
need not: its ticket is there when its client hears the 250, and costs one commit instead of two. Whatever goes wrong on
this way leaves nothing behind, and the mail goes the usual one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from gateway.db.mails import Mails
from gateway.db.raw import INLINE_BYTES
from gateway.db.unit import Applied
from gateway.db.writer import Writer
from gateway.errors import Unavailable
from gateway.inbound.deciding import Decider, Item, Trouble
from gateway.inbound.findings import Finding, Read
from gateway.inbound.journal import Journal, tell_accepted
from gateway.inbound.queue import Queue
from gateway.inbound.reader import Reader
from gateway.model import Envelope

PATIENCE_SECONDS = 0.5
"""For reading; a mail that takes longer is kept first after all."""


class Express:
    """Lives in the event loop, before a journal whose mails are worked on in this process."""

    def __init__(
        self,
        journal: Journal,
        queue: Queue,
        reader: Reader,
        decider: Decider,
        writer: Writer,
        mails: Mails,
        clock: Callable[[], datetime],
    ) -> None:
        self._journal = journal
        self._queue = queue
        self._reader = reader
        self._decider = decider
        self._writer = writer
        self._mails = mails
        self._clock = clock
        self._reading: set[asyncio.Task[Finding | None]] = set()

    async def accept(self, envelope: Envelope, raw: bytes) -> int:
        """Keep a mail; returns its id after the commit. Raises Temporary where it could not be kept."""
        if len(raw) <= INLINE_BYTES and self._free():
            result = await self._read(raw)
            if isinstance(result, Read):
                try:
                    return await self._keep(envelope, raw, result)
                except Unavailable:
                    raise
                except Exception:  # the journal keeps it as it is, and the worker finds out what is wrong with it
                    pass
        return await self._journal.accept(envelope, raw)

    def _free(self) -> bool:
        """One at a time, so that of a crowd that comes at once the others go on together."""
        return not self._reading and not len(self._queue) and self._reader.idle

    async def _read(self, raw: bytes) -> Finding | None:
        task = asyncio.create_task(self._reader.try_to_read(raw))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)
        done, _ = await asyncio.wait([task], timeout=PATIENCE_SECONDS)
        return task.result() if done else None

    async def _keep(self, envelope: Envelope, raw: bytes, result: Read) -> int:
        def job(connection: Connection) -> tuple[Item, Applied]:
            (waiting,) = self._mails.add(connection, [(envelope, raw)], self._clock(), mine=True)
            item = self._decider.item(waiting, result)
            (outcome,) = self._decider.decide(connection, [item])
            if isinstance(outcome, Trouble):
                raise outcome.problem
            return item, outcome

        written: tuple[Item, Applied] = await asyncio.wrap_future(self._writer.submit(job, at_the_door=True))
        item, applied = written
        tell_accepted([item.waiting])
        self._decider.committed([item], [applied])
        return item.waiting.id
