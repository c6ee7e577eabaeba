"""The outbox: sends what is due, each mail on its own, until it is taken or given up.

A mail may go twice, with the same bytes and Message-ID, if the process dies between the relay's answer and our commit;
it is never lost. Whatever was sent is written down before much more is sent: what a node sends that is cut off from its
database, another one sends again when its lease is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from gateway import log
from gateway.desk import tokens
from gateway.desk.tokens import Keys, Purpose
from gateway.errors import GatewayError, Permanent, Temporary, Unavailable, Unfit
from gateway.leases import Leases
from gateway.model import Attachment, Composed, Due
from gateway.outbound.assemble import assemble, without_attachments
from gateway.outbound.conversation import AT_ONCE
from gateway.outbound.transport import Transport
from gateway.retry import next_wait
from gateway.settings import Settings

LONGEST_REST = 30.0
"""Seconds after which the database is asked again even if nobody called ``wake``."""
_CLAIMS = 25
"""Mails claimed at once, for each connection."""
_MOST_OFFERED = 4_000
"""Mails waiting in memory; what is offered beyond stays in the database until it is claimed."""
_AFTER_TROUBLE = 1.0
_UNWRITTEN = 1.0
"""Seconds that mails may go on while one that was sent is not yet marked."""


class OutboxStore(Protocol):
    """What the outbox asks of the database. Every method but ``sent`` blocks until its commit and is called in a
    thread."""

    def claim_due(self, limit: int, now: datetime) -> Sequence[Due]: ...

    def renew(self, ids: Sequence[int], now: datetime) -> Mapping[int, float]: ...

    def sent(self, ids: Sequence[int], now: datetime) -> Future[int]: ...

    def later(self, id_: int, at: datetime, why: str) -> None: ...

    def failed(self, id_: int, why: str) -> None: ...

    def next_due(self) -> datetime | None: ...


Parts = Callable[[Sequence[int]], Iterable[tuple[Attachment, bytes]]]
"""Stored attachments by their ids, each with the raw mail that it is a part of. Called in a thread."""
LeftOut = Callable[[Composed], str]
"""What a mail says in the place of its attachments. Called in a thread."""
Report = Callable[[Due, str], None]
"""Tell staff that a mail was given up, and why. Called in a thread, before the mail is marked as failed."""


class Outbox:
    """Runs in the event loop; ``AT_ONCE`` mails for each connection are on their way at a time."""

    def __init__(
        self,
        store: OutboxStore,
        transport: Transport,
        parts: Parts,
        left_out: LeftOut,
        report: Report,
        settings: Settings,
        keys: Keys,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._transport = transport
        self._parts = parts
        self._left_out = left_out
        self._report = report
        self._settings = settings
        self._keys = keys
        self._clock = clock
        self._waits = [timedelta(minutes=minutes) for minutes in settings.outbound.retry_minutes]
        self._patience = timedelta(days=settings.outbound.give_up_days)
        self._queue: asyncio.Queue[Due] = asyncio.Queue()
        self._leases = Leases(lambda ids: store.renew(ids, clock()), settings.gateway.lease_seconds)
        self._sent: asyncio.Queue[tuple[Due, str]] = asyncio.Queue()
        """Mails that were taken, and by whom; not yet marked in the database."""
        self._written = asyncio.Event()
        """Not set while marking them takes too long."""
        self._written.set()
        self._awake = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """Look for due mails now. Call it in the event loop."""
        self._awake.set()

    def offer(self, mails: Sequence[Due]) -> None:
        """Take mails that were just committed, leased to this node, without asking the database for them."""
        for mail in mails:
            if self._queue.qsize() < _MOST_OFFERED:
                self._take(mail)

    async def run(self) -> None:
        """Send until ``stop``; then what is on its way is finished, if the relay does not take long, and the rest stays
        due in the database."""
        senders = [asyncio.create_task(self._send_all()) for _ in range(self._settings.outbound.connections * AT_ONCE)]
        aside = [asyncio.create_task(self._record_all()), asyncio.create_task(self._leases.keep())]
        try:
            while not self._stopping:
                await self._rest(await self._claim())
            self._abandon()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._queue.join(), self._settings.outbound.timeout_seconds)
            await self._sent.join()
        finally:
            for task in (*senders, *aside):
                task.cancel()
            await asyncio.gather(*senders, *aside, return_exceptions=True)
            await self._transport.close()

    def stop(self) -> None:
        """Make ``run`` end, once what is on its way is done."""
        self._stopping = True
        self._awake.set()
        self._written.set()

    def _take(self, mail: Due) -> None:
        if self._leases.take(mail.id, mail.held_until):
            self._queue.put_nowait(mail)

    def _abandon(self) -> None:
        while not self._queue.empty():
            self._leases.drop([self._queue.get_nowait().id])
            self._queue.task_done()

    async def _claim(self) -> float:
        """Fill the queue; the seconds to rest before the next time."""
        limit = self._settings.outbound.connections * _CLAIMS
        if self._queue.qsize() >= limit:
            return _AFTER_TROUBLE
        try:
            mails = await asyncio.to_thread(self._store.claim_due, limit, self._clock())
            for mail in mails:
                self._take(mail)
            if len(mails) == limit:
                await self._queue.join()
                return 0.0
            due = await asyncio.to_thread(self._store.next_due)
        except Exception as problem:
            log.part_crashed("outbox", problem)
            return _AFTER_TROUBLE
        if due is None:
            return LONGEST_REST
        return min(max((due - self._clock()).total_seconds(), _AFTER_TROUBLE), LONGEST_REST)

    async def _rest(self, seconds: float) -> None:
        if seconds:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._awake.wait(), seconds)
        self._awake.clear()

    async def _send_all(self) -> None:
        while True:
            mail = await self._queue.get()
            try:
                await self._written.wait()
                if self._leases.valid(mail.id):
                    await self._send(mail)
                else:
                    self._leases.drop([mail.id])  # it waited here for so long that another node has it
            except Exception as problem:
                self._leases.drop([mail.id])
                log.part_crashed("outbox", problem)
            finally:
                self._queue.task_done()

    async def _send(self, mail: Due) -> None:
        try:
            relay = await self._hand_over(mail)
        except GatewayError as problem:
            await self._again(mail, problem)
        except Exception as problem:
            log.part_crashed("transport", problem)
            await self._again(mail, Temporary("The mail could not be sent.", repr(problem)))
        else:
            self._sent.put_nowait((mail, relay))

    async def _hand_over(self, mail: Due) -> str:
        """As it was composed; where no relay carries that, in the next plainer form."""
        if not mail.mail.boundary:
            return await self._offer(mail, mail.mail.content)
        unfit, refused = Unfit("The mail cannot be carried."), b""
        for form in self._forms(mail.mail):
            data = await asyncio.to_thread(form)
            if data != refused:
                try:
                    return await self._offer(mail, data)
                except Unfit as problem:
                    unfit, refused = problem, data
        raise unfit

    def _forms(self, mail: Composed) -> Iterator[Callable[[], bytes]]:
        """To be called in a thread."""
        yield lambda: assemble(mail, self._parts(mail.attachments))
        yield lambda: assemble(mail, self._parts(mail.attachments), seven_bit=True)
        if mail.template == "notice":  # what it tells of is worth more; of an answer, its author decides
            yield lambda: without_attachments(mail, self._left_out(mail))

    async def _offer(self, mail: Due, data: bytes) -> str:
        ours = partial(self._leases.valid, mail.id)
        path, to = self._return_path(mail), mail.mail.recipient
        return await self._transport.send(path, to, data, mail.mail.message_id, ours)

    def _return_path(self, mail: Due) -> str:
        """Null for what is automatic (RFC 3834 §3.3), else an address that tells a bounce which mail came back."""
        if mail.mail.automatic:
            return ""
        token = tokens.make(self._keys, Purpose.DELIVERY, mail.ticket_id, mail.id, mail.created_at)
        return tokens.join(self._settings.by_name[mail.mail.mailbox].address, token)

    async def _again(self, mail: Due, problem: GatewayError) -> None:
        tried = mail.attempts + 1
        wait = None if isinstance(problem, Permanent) else next_wait(tried, self._waits, self._patience)
        if wait is not None:
            log.delivery_later(mail.id, mail.mail.recipient, tried, problem)
            await asyncio.to_thread(self._store.later, mail.id, self._clock() + wait, problem.private)
        else:
            log.delivery_failed(mail.id, mail.mail.recipient, tried, problem)
            await self._give_up(mail, problem.private)
        self._leases.drop([mail.id])

    async def _give_up(self, mail: Due, why: str) -> None:
        """Report first: a crash in between then reports twice instead of never. A lost report makes no report."""
        if mail.mail.template != "undeliverable":
            try:
                await asyncio.to_thread(self._report, mail, why)
            except Unavailable:
                raise  # the mail stays as it is, and is given up another time
            except Exception as problem:
                log.part_crashed("report", problem)
            self.wake()
        await asyncio.to_thread(self._store.failed, mail.id, why)

    async def _record_all(self) -> None:
        """Mark mails as sent, all that gathered meanwhile in one commit; the database's trouble only delays it."""
        while True:
            sent = [await self._sent.get()]
            while not self._sent.empty():
                sent.append(self._sent.get_nowait())
            with log.together():
                for mail, relay in sent:
                    log.delivery_sent(mail.id, mail.mail.template, mail.mail.recipient, relay, mail.attempts + 1)
            ids = [mail.id for mail, _ in sent]
            late = asyncio.get_running_loop().call_later(_UNWRITTEN, self._wait_for_marks)
            while not await self._record(ids) and not self._stopping:
                self._wait_for_marks()
                await asyncio.sleep(_AFTER_TROUBLE)
            late.cancel()
            self._written.set()
            self._leases.drop(ids)
            for _ in ids:
                self._sent.task_done()

    def _wait_for_marks(self) -> None:
        if not self._stopping:
            self._written.clear()

    async def _record(self, ids: Sequence[int]) -> bool:
        try:
            await asyncio.wrap_future(self._store.sent(ids, self._clock()))
        except Exception as problem:
            log.part_crashed("outbox", problem)
            return False
        return True
