"""The SMTP and LMTP listener."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl

from gateway import log
from gateway.errors import ConfigurationError
from gateway.inbound.connection import SHUTTING_DOWN, Connection
from gateway.inbound.handshake import House
from gateway.inbound.intake import Intake
from gateway.inbound.limits import Door
from gateway.inbound.session import Session
from gateway.settings import Smtp

_BACKLOG = 512


class Listener:
    """Takes mail on one address and hands it to an intake; the client gets its 250 once the intake has kept it."""

    def __init__(
        self,
        settings: Smtp,
        listen: str,
        hostname: str,
        intake: Intake,
        *,
        lmtp: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """``listen`` is HOST:PORT, port 0 for any free one. ``tls`` switches STARTTLS on, and with it AUTH."""
        self._listen = listen
        self._house = House(settings, hostname, intake, lmtp, tls, Door(settings))
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens, once started."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    @property
    def bytes_in_flight(self) -> int:
        """Octets of mails that are coming in or that the intake has not answered for yet."""
        return self._house.bytes_in_flight

    async def start(self) -> None:
        """Begin to listen. Raises ConfigurationError if the address cannot be had."""
        host, _, port = self._listen.rpartition(":")
        loop = asyncio.get_running_loop()
        try:  # a socket made by hand would lack TCP_NODELAY
            self._server = await loop.create_server(self._connect, host.strip("[]"), int(port), backlog=_BACKLOG)
        except OSError as problem:
            # asyncio's own text repeats the address; a name that is not found has no errno of the system's.
            number = problem.errno or 0
            reason = os.strerror(number) if number > 0 else problem.strerror
            remedy = "stop what listens there, or choose another address"
            raise ConfigurationError([f"cannot listen on {self._listen}: {reason}; {remedy}"]) from None
        self._watch = loop.create_task(self._check_connections())
        log.listener_started(self._protocol, ":".join(map(str, self.address)))

    async def stop(self, grace_seconds: float) -> None:
        """Take no new connections and no new mails; wait for those under way, at most ``grace_seconds``."""
        if self._server is None or self._watch is None:
            return
        self._server.close()
        self._house.closing = True
        for connection in list(self._connections):
            if not connection.in_transaction:
                connection.close(SHUTTING_DOWN)
        await self._empty(grace_seconds)
        for connection in list(self._connections):
            connection.close(SHUTTING_DOWN)
        await self._empty(min(1.0, grace_seconds))
        for connection in list(self._connections):
            connection.abort()
        self._watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._watch
        log.listener_stopped(self._protocol)

    @property
    def _protocol(self) -> str:
        return "lmtp" if self._house.lmtp else "smtp"

    def _connect(self) -> Session:
        return Session(self._house, self._connections)

    async def _check_connections(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(1.0, self._house.settings.command_seconds / 4))
            for connection in list(self._connections):
                connection.check(loop.time())

    async def _empty(self, seconds: float) -> None:
        end = asyncio.get_running_loop().time() + seconds
        while self._connections and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.02)
