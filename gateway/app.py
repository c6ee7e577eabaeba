"""The composition root: builds every part from the settings, starts and stops them."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from gateway import __version__, log
from gateway.db.store import Store
from gateway.db.store import open_store as open_database
from gateway.errors import ConfigurationError, GatewayError
from gateway.inbound.reception import Reception
from gateway.inbound.smtp import Listener
from gateway.pipeline import Pipeline
from gateway.settings import Settings

STOP_SECONDS = 10.0
"""What sessions under way get to finish when the gateway stops."""
WATCH_SECONDS = 2.0
FREE_DISK = 1.5
"""Of the largest mail we take must be free on the disk, as Postfix wants it."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the gateway listens, once it does."""

    smtp: tuple[str, int]
    lmtp: tuple[str, int] | None


def utc_now() -> datetime:
    return datetime.now(UTC)


def node_name() -> str:
    """A name for this process that no other has, for leases."""
    return f"{socket.gethostname()[:20]}-{os.getpid()}-{secrets.token_hex(4)}"


def open_store(settings: Settings, *, serve: bool = False) -> Store:
    """The store of the settings; ``serve`` takes an embedded database over as its one process."""
    return open_database(settings.database_url, node_name(), serve=serve)


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


async def serve(settings: Settings, *, ready: Callable[[Addresses], None], stop: asyncio.Event) -> None:
    """Run the gateway until ``stop`` is set. Raises GatewayError where it cannot start or a part of it dies."""
    tls = tls_context(settings)
    store = await asyncio.to_thread(partial(open_store, settings, serve=True))
    try:
        pipeline = Pipeline(settings, store, utc_now)
        try:
            await _run(settings, pipeline, tls, ready, stop)
        finally:
            await pipeline.close()
    finally:
        await asyncio.to_thread(store.close)
    log.gateway_stopped()


async def _run(
    settings: Settings,
    pipeline: Pipeline,
    tls: ssl.SSLContext | None,
    ready: Callable[[Addresses], None],
    stop: asyncio.Event,
) -> None:
    reception = Reception(settings, pipeline.keys, pipeline.journal, pipeline.clock)
    listeners = _listeners(settings, reception, tls)
    await pipeline.reader.start()
    parts: dict[str, Coroutine[Any, Any, None]] = {
        "worker": pipeline.worker.run(),
        "outbox": pipeline.outbox.run(),
        "pager": pipeline.pager.run(),
        "watch": _watch(settings, pipeline, reception),
    }
    tasks = [asyncio.create_task(part, name=name) for name, part in parts.items()]
    stopped = asyncio.create_task(stop.wait())
    try:
        for listener in listeners:
            await listener.start()
        ready(Addresses(listeners[0].address, listeners[1].address if len(listeners) > 1 else None))
        log.gateway_started(__version__)
        await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
        for listener in listeners:
            await listener.stop(STOP_SECONDS)
        await _stop(pipeline, tasks)


async def _stop(pipeline: Pipeline, tasks: list[asyncio.Task[None]]) -> None:
    """End the parts in the order of the mail's way, and raise what one of them died of."""
    for part in (pipeline.worker, pipeline.outbox, pipeline.pager):
        part.stop()
    tasks[-1].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    for problem in results:
        if isinstance(problem, Exception):
            raise problem


def _listeners(settings: Settings, reception: Reception, tls: ssl.SSLContext | None) -> list[Listener]:
    smtp = Listener(settings.smtp, settings.smtp.listen, settings.hostname, reception, tls=tls)
    if settings.lmtp is None:
        return [smtp]
    return [smtp, Listener(settings.smtp, settings.lmtp.listen, settings.hostname, reception, lmtp=True, tls=tls)]


async def _watch(settings: Settings, pipeline: Pipeline, reception: Reception) -> None:
    """Close the door while mail could not be kept or worked on, and open it again by itself."""
    while True:
        trouble = await asyncio.to_thread(_trouble, settings, pipeline)
        if trouble and not reception.trouble_now:
            log.intake_paused(trouble)
        if reception.trouble_now and not trouble:
            log.intake_resumed()
        reception.trouble_now = trouble
        await asyncio.sleep(WATCH_SECONDS)


def _trouble(settings: Settings, pipeline: Pipeline) -> str:
    store, smtp = pipeline.store, settings.smtp
    needed = max(smtp.min_free_disk_bytes, int(FREE_DISK * smtp.max_message_bytes))
    try:
        free = store.free_bytes()
        if free is not None and free < needed:
            return f"only {free:,} bytes are free on the disk, {needed:,} are needed"
        backlog = store.writer.run(store.mails.backlog)
    except (OSError, GatewayError) as problem:
        return str(problem)
    return f"{backlog:,} mails wait to be worked on" if backlog >= smtp.max_backlog else ""
