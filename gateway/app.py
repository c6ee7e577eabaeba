"""The composition root: builds every part from the settings, starts and stops them."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import ssl
from collections.abc import Callable, Collection, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from gateway import __version__, log, metrics
from gateway.clock import Clock
from gateway.db.engine import answering, sqlite_file
from gateway.db.retention import Retention
from gateway.db.store import Store
from gateway.db.store import open_store as open_database
from gateway.db.wake import Channel, Ear
from gateway.errors import ConfigurationError, GatewayError, Permanent
from gateway.http import Monitor
from gateway.inbound.reception import Reception
from gateway.inbound.smtp import Listener
from gateway.model import NodeRole
from gateway.pipeline import Pipeline
from gateway.settings import Settings
from gateway.watch import Watch

STOP_SECONDS = 10.0
"""What sessions under way get to finish when the gateway stops."""
FINISH_SECONDS = 25.0
"""What then is being read, sent and paged gets. With all else it is less than ``TimeoutStopSec`` of the unit."""
LOCK_PATIENCE = 5.0
"""How long ``serve`` waits for a ``gateway ingest`` that works on its mails to be done."""
WORK_OFF_SECONDS = 60.0
"""After this a relay that hangs keeps nobody waiting any longer."""
WORK_OFF_POLL = 0.05


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the gateway listens, once it does."""

    smtp: tuple[str, int]
    """Empty and 0 on a node that takes no mail in."""
    lmtp: tuple[str, int] | None
    metrics: tuple[str, int] | None


def utc_now() -> datetime:
    return datetime.now(UTC)


def node_name() -> str:
    """A name for this process that no other has, for leases."""
    return f"{socket.gethostname()[:20]}-{os.getpid()}-{secrets.token_hex(4)}"


def open_store(settings: Settings, *, serve: bool = False, patience: float = 0.0) -> Store:
    """The store of the settings; ``serve`` takes an embedded database over as its one process, if need be after
    ``patience`` seconds in which another leaves it. Raises GatewayError."""
    with answering():
        return open_database(
            settings.database_url,
            node_name(),
            serve=serve,
            lease_seconds=settings.gateway.lease_seconds,
            patience=patience,
            raw=settings.storage.raw,
        )


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """For STARTTLS. Raises ConfigurationError where certificate and key cannot be used."""
    certificate, key = settings.smtp.tls_certificate, settings.smtp.tls_key
    if certificate is None or key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as problem:
        raise ConfigurationError(
            [f"smtp.tls_certificate: {certificate} with {key} cannot be used ({problem}); give a PEM chain and its key"]
        ) from None
    return context


async def serve(
    settings: Settings,
    *,
    ready: Callable[[Addresses], None],
    stop: asyncio.Event,
    roles: Collection[NodeRole] = tuple(NodeRole),
) -> None:
    """Run the gateway until ``stop`` is set. Raises GatewayError where it cannot start or a part of it dies."""
    tls = tls_context(settings)
    store = await asyncio.to_thread(partial(open_store, settings, serve=True, patience=LOCK_PATIENCE))
    try:
        pipeline = Pipeline(settings, store, utc_now, roles)
        try:
            await Node(settings, pipeline, tls, roles).run(ready, stop)
        finally:
            await pipeline.close()
    finally:
        await asyncio.to_thread(store.close)
    log.gateway_stopped()


async def work_off(settings: Settings) -> bool:
    """Work once on all that waits in an embedded database that no other process serves, and send what is due.

    Returns False where there is one, or several nodes share the database: they do it.
    """
    if sqlite_file(settings.database_url) is None:
        return False
    try:
        store = await asyncio.to_thread(partial(open_store, settings, serve=True))
    except Permanent:
        return False
    try:
        pipeline = Pipeline(settings, store, utc_now)
        sending = [asyncio.create_task(part.run()) for part in (pipeline.outbox, pipeline.pager)]
        try:
            await pipeline.worker.drain()
            with suppress(TimeoutError):
                await asyncio.wait_for(_until_sent(pipeline), WORK_OFF_SECONDS)
        finally:
            pipeline.outbox.stop()
            pipeline.pager.stop()
            await _end(sending, STOP_SECONDS)
            await pipeline.close()
    finally:
        await asyncio.to_thread(store.close)
    return True


async def _until_sent(pipeline: Pipeline) -> None:
    """Until every mail and page that is due was tried."""
    pipeline.outbox.wake()
    for part in (pipeline.store.pages, pipeline.store.outbox):
        while (due := await asyncio.to_thread(part.next_due)) is not None and due <= pipeline.clock():
            await asyncio.sleep(WORK_OFF_POLL)


async def _end(tasks: Collection[asyncio.Task[None]], seconds: float) -> None:
    """Wait for tasks that were told to end, and cancel those that take longer: what they had in hand stays due.

    Raises what one of them died of.
    """
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=seconds)
        for task in late:
            task.cancel()
    for problem in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(problem, Exception):
            raise problem


class Node:
    """One running process: the listeners, the loops behind them, and who watches over them."""

    def __init__(
        self, settings: Settings, pipeline: Pipeline, tls: ssl.SSLContext | None, roles: Collection[NodeRole]
    ) -> None:
        self._settings = settings
        self._pipeline = pipeline
        self._roles = roles
        folders = [imap.name for imap in settings.imap]
        self._watch = Watch(settings.smtp, pipeline.store, pipeline.clock, folders)
        polls = NodeRole.MAILBOX in roles and bool(settings.imap)
        self._mailboxes = pipeline.mailboxes(self._watch.trouble) if polls else None
        reception = Reception(settings, pipeline.keys, pipeline.accept, pipeline.clock, self._watch.trouble)
        self._listeners = _listeners(settings, reception, tls) if NodeRole.INTAKE in roles else []
        self._tasks: list[asyncio.Task[None]] = []
        self._aside: list[asyncio.Task[None]] = []
        self._monitor: Monitor | None = None
        self._ear: Ear | None = None
        self._not_now = "starting"

    async def run(self, ready: Callable[[Addresses], None], stop: asyncio.Event) -> None:
        """Work until ``stop``; raises where something cannot start, and what a loop died of."""
        stopped = asyncio.create_task(stop.wait())
        try:
            ready(await self._start())
            log.gateway_started(__version__, sorted(self._roles))
            await asyncio.wait([*self._tasks, *self._aside, stopped], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            await self._stop()

    def _trouble(self) -> str:
        """Why a balancer should send this node no mail now. Asked in the monitor's thread."""
        return self._not_now or self._watch.trouble()

    async def _start(self) -> Addresses:
        if self._settings.metrics is not None:
            metrics.watch_bytes_in_flight(lambda: sum(listener.bytes_in_flight for listener in self._listeners))
            self._monitor = Monitor(self._settings.metrics.listen, asyncio.get_running_loop(), self._trouble)
        await self._watch.look()
        await self._start_parts()
        if not self._pipeline.store.embedded:
            self._ear = Ear(self._pipeline.store.engine, self._wake_ups())
        for listener in self._listeners:
            await listener.start()
        self._not_now = ""
        smtp, lmtp = (*(listener.address for listener in self._listeners), None, None)[:2]
        return Addresses(smtp or ("", 0), lmtp, self._monitor.address if self._monitor else None)

    async def _start_parts(self) -> None:
        """Those of this node's roles; what runs aside of the mail's way is simply cancelled at the end."""
        pipeline = self._pipeline
        parts: dict[str, Coroutine[Any, Any, None]] = {}
        aside: dict[str, Coroutine[Any, Any, None]] = {"watch": self._watch.run()}
        if self._mailboxes is not None:
            parts["mailboxes"] = self._mailboxes.run()
        if NodeRole.WORKER in self._roles:
            await pipeline.warm_up()
            parts["worker"] = pipeline.worker.run()
        if NodeRole.DELIVERY in self._roles:
            parts |= {"outbox": pipeline.outbox.run(), "pager": pipeline.pager.run()}
        if NodeRole.CLOCK in self._roles:
            clock = Clock(Retention(pipeline.store), self._settings.retention.raw_days, pipeline.clock)
            aside["clock"] = clock.run()
        self._tasks = [asyncio.create_task(part, name=name) for name, part in parts.items()]
        self._aside = [asyncio.create_task(part, name=name) for name, part in aside.items()]

    def _wake_ups(self) -> dict[Channel, Callable[[], object]]:
        """What other nodes wake here; called in the thread that listens."""
        loop, pipeline = asyncio.get_running_loop(), self._pipeline
        calls: dict[Channel, Callable[[], object]] = {}
        if NodeRole.WORKER in self._roles:
            calls[Channel.MAIL] = pipeline.worker.wake
        if NodeRole.DELIVERY in self._roles:
            calls |= {Channel.OUTGOING: pipeline.outbox.wake, Channel.PAGE: pipeline.pager.wake}
        return {channel: partial(loop.call_soon_threadsafe, call) for channel, call in calls.items()}

    async def _stop(self) -> None:
        """End the parts in the order of the mail's way, and leave to other nodes what this one had in hand."""
        self._not_now = "stopping"
        await asyncio.gather(*(listener.stop(STOP_SECONDS) for listener in self._listeners))
        if self._ear is not None:
            await asyncio.to_thread(self._ear.close)
        if self._mailboxes is not None:
            self._mailboxes.stop()
        for part in (self._pipeline.worker, self._pipeline.outbox, self._pipeline.pager):
            part.stop()
        for task in self._aside:
            task.cancel()
        try:
            await _end([*self._tasks, *self._aside], FINISH_SECONDS)
        finally:
            await self._leave()
            if self._monitor is not None:
                await asyncio.to_thread(self._monitor.close)

    async def _leave(self) -> None:
        if not self._pipeline.store.embedded:
            try:
                await asyncio.to_thread(self._pipeline.store.forget_leases, of_all=False)
            except GatewayError as problem:
                log.part_crashed("leases", problem)  # they end by themselves


def _listeners(settings: Settings, reception: Reception, tls: ssl.SSLContext | None) -> list[Listener]:
    smtp = Listener(settings.smtp, settings.smtp.listen, settings.hostname, reception, tls=tls)
    if settings.lmtp is None:
        return [smtp]
    return [smtp, Listener(settings.smtp, settings.lmtp.listen, settings.hostname, reception, lmtp=True, tls=tls)]
