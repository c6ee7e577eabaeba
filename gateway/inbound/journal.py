"""The durable accept: a mail is ours once its row is committed and fsynced, many sessions in one commit."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from sqlalchemy import Connection

from gateway import log, metrics
from gateway.db.mails import Mails, Waiting
from gateway.db.objects import Objects
from gateway.db.raw import INLINE_BYTES
from gateway.db.writer import Writer
from gateway.inbound.door import Door
from gateway.inbound.queue import Queue
from gateway.model import Envelope


@dataclass(slots=True)
class _Batch:
    """Mails that share a commit. Closed when the writer takes it up, so that a second run of it is the same."""

    mails: list[tuple[Envelope, bytes]] = field(default_factory=list)
    stored: dict[int, str] = field(default_factory=dict)
    """References into the object store, by place in ``mails``."""
    futures: list[asyncio.Future[int]] = field(default_factory=list)
    put_off: set[int] = field(default_factory=set)
    """Places in ``mails`` of those for which there is no room in memory."""


class Journal:
    """Takes mails from the listeners. Lives in the event loop; its commits happen in the writer's thread."""

    def __init__(
        self,
        writer: Writer,
        mails: Mails,
        queue: Queue,
        clock: Callable[[], datetime],
        *,
        keep: bool = True,
        objects: Objects | None = None,
    ) -> None:
        """``keep``: a worker of this process takes the mails from the queue; else whoever works claims them.

        Large mails go to ``objects``, where there is such a store, before they take part in a commit.
        """
        self._keep = keep
        self._objects = objects
        self._writer = writer
        self._mails = mails
        self._queue = queue
        self._clock = clock
        self._lock = Lock()
        self._open: _Batch | None = None
        self.door = Door()

    async def accept(self, envelope: Envelope, raw: bytes) -> int:
        """Keep a mail; returns its id after the commit. Raises Temporary where it could not be kept."""
        stored = ""
        if self._objects is not None and len(raw) > INLINE_BYTES:
            stored = await self._objects.keep(raw)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()
        with self._lock:
            fresh = self._open is None
            batch = self._open = self._open or _Batch()
            if stored:
                batch.stored[len(batch.mails)] = stored
            if not self._queue.has_room(envelope):
                batch.put_off.add(len(batch.mails))
            batch.mails.append((envelope, raw))
            batch.futures.append(future)
        self.door.came()
        if fresh:
            self._submit(batch, loop)
        return await future

    def _submit(self, batch: _Batch, loop: asyncio.AbstractEventLoop) -> None:
        def job(connection: Connection) -> list[Waiting]:
            self._close(batch)
            return self._mails.add(
                connection, batch.mails, self._clock(), mine=self._keep, put_off=batch.put_off, stored=batch.stored
            )  # fmt: skip

        def done(result: Future[list[Waiting]]) -> None:
            self._close(batch)  # once more: where no transaction could begin, the job never ran
            loop.call_soon_threadsafe(self._committed, batch, result)

        self._writer.submit(job, at_the_door=True).add_done_callback(done)

    def _close(self, batch: _Batch) -> None:
        """What arrives from now on goes into another batch."""
        with self._lock:
            if self._open is batch:
                self._open = None

    def _committed(self, batch: _Batch, result: Future[list[Waiting]]) -> None:
        self.door.left(len(batch.futures))
        problem = result.exception()
        if problem is not None:
            for future in batch.futures:
                if not future.done():
                    future.set_exception(problem)
            return
        accepted = result.result()
        for one, future in zip(accepted, batch.futures, strict=True):
            if not future.done():
                future.set_result(one.id)
        self._queue.put([one for one in accepted if one.mine])
        tell_accepted(accepted)


def tell_accepted(mails: Sequence[Waiting]) -> None:
    """Count and log mails whose commit is done."""
    for via, number in Counter(one.envelope.via for one in mails).items():
        metrics.mails_accepted(via, number)
    with log.together():
        for one in mails:
            envelope = one.envelope
            log.mail_accepted(
                one.id, envelope.via, envelope.peer, envelope.mail_from, envelope.recipients, one.size
            )  # fmt: skip
