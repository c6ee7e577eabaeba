"""The bytes of one SMTP or LMTP session: lines in, replies out, and the ways it ends.

aiosmtpd by itself reads command by command and DATA line by line, in a task, and answers each command in a segment of
its own. Here commands are taken straight from what arrived and answered together, DATA is taken in bulk, and only what
comes before mail (EHLO, STARTTLS, AUTH) runs as aiosmtpd's coroutines. While one of those or the intake is at work,
what arrives waits in the stream reader, which stops the socket when it is full.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Coroutine
from enum import Enum, auto
from typing import Any

from aiosmtpd.smtp import TLSSetupException

from gateway import log
from gateway.inbound.handshake import Handshake, House
from gateway.inbound.limits import peer_key

LONGEST_LINE = 12_288
LATER = b"451 4.3.0 Temporary trouble here, try again later\r\n"
SHUTTING_DOWN = b"421 4.3.2 Shutting down, try again later\r\n"
_CROWDED_SECONDS = 10.0
_LINGER_SECONDS = 10.0


class State(Enum):
    COMMAND = auto()
    DATA = auto()
    BUSY = auto()
    """A coroutine is at work on a command or a mail."""
    CLOSED = auto()


class Connection(Handshake):
    """Takes bytes apart; the subclass knows what commands and text mean."""

    def __init__(self, house: House, connections: set[Connection]) -> None:
        super().__init__(house)
        self._connections = connections
        self._state = State.BUSY  # until the greeting is out
        self._buffer = b""
        self._replies: list[bytes] = []
        self._entered = self._eof = False
        self._moved = self.loop.time()
        """When the last whole command or piece of text came."""

    @abstractmethod
    def command(self, line: bytes) -> None:
        """Act on a command line, given without its CR LF."""

    @abstractmethod
    def text(self, data: bytes) -> int:
        """Take a piece of a mail; return the index behind its end, or -1 if there is more to come."""

    @property
    @abstractmethod
    def in_transaction(self) -> bool:
        """Between MAIL and the final reply."""

    @abstractmethod
    def data_deadline(self, patience: float) -> float:
        """When the mail that is coming in has to be here."""

    # --- beginning and end

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self not in self._connections:  # after STARTTLS this is called again
            self._connections.add(self)
            self.peer = str((self.session.peer or ("",))[0])

    async def _handle_client(self) -> None:
        if self.house.settings.proxy_protocol and not self.house.lmtp and not await self.proxied():
            self.close()
            return
        refusal = self.house.door.enter(peer_key(self.peer))
        if refusal:
            self.close(refusal)
            return
        self._entered = True
        self.reply(f"220 {self.hostname} {self.__ident__}\r\n".encode())
        self.resume()

    def close(self, last: bytes = b"") -> None:
        """Say a last word and end the session."""
        if self._state is State.CLOSED:
            return
        if last:
            self._replies.append(last)
            log.session_refused(self.peer, last.decode().strip())
        self.flush()
        self._state = State.CLOSED
        self._moved = self.loop.time()
        self.transport.close()

    def abort(self) -> None:
        """End it without a word."""
        if self.transport is not None:  # aiosmtpd takes it away when the connection is lost
            self.transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._state = State.CLOSED
        self._connections.discard(self)
        if self._entered:
            self._entered = False
            self.house.door.leave(peer_key(self.peer))
        super().connection_lost(error)

    def eof_received(self) -> bool:
        """Answer what came before the end of the stream, where the transport can stay half open."""
        self._eof = True
        if self._state is not State.BUSY or self.session.ssl is not None:
            return False
        self._reader.feed_eof()
        return True

    def pause_writing(self) -> None:
        """Who leaves so many replies unread means no good."""
        self.transport.abort()

    def _reset_timeout(self, duration: float | None = None) -> None:
        """aiosmtpd's timer bounds the session as a whole; ``check`` sees to the rest."""
        if self._timeout_handle is None:
            self._timeout_handle = self.loop.call_later(self.house.settings.session_seconds, self._timeout_cb)

    def check(self, now: float) -> None:
        """End the session if it is too slow. To be called every now and then."""
        patience = self.house.settings.command_seconds
        if self.house.door.crowded:
            patience = min(patience, _CROWDED_SECONDS)
        if self._state is State.CLOSED:
            if now - self._moved > _LINGER_SECONDS:
                self.transport.abort()
        elif now - self._moved > patience or (self._state is State.DATA and now > self.data_deadline(patience)):
            self.close(b"421 4.4.2 Too slow, closing\r\n")

    # --- bytes in, replies out

    def data_received(self, data: bytes) -> None:
        if self._state is State.BUSY:
            self._reader.feed_data(data)
        else:
            self._advance(self._buffer + data if self._buffer else data)

    def _advance(self, data: bytes) -> None:
        """Go through what arrived as far as the state allows; replies leave together (RFC 2920 §3.1)."""
        at, self._buffer = 0, b""
        while at < len(data):
            if self._state is State.COMMAND:
                end = data.find(b"\r\n", at)
                if end < 0:
                    break
                line, at = data[at:end], end + 2
                self.command(line)
            elif self._state is State.DATA:
                end = self.text(data[at:] if at else data)
                at = at + end if end >= 0 else len(data)
            else:
                break
        if at:
            self._moved = self.loop.time()
        if at < len(data):
            self._keep(data[at:])
        self.flush()

    def _keep(self, rest: bytes) -> None:
        if self._state is State.BUSY:
            self._reader.feed_data(rest)
        elif b"\n" in rest and self._state is State.COMMAND:
            self.close(b"421 4.7.0 Lines have to end with CR LF, closing\r\n")
        elif len(rest) > LONGEST_LINE:
            self.close(b"421 4.7.0 Line too long, closing\r\n")
        else:
            self._buffer = rest

    def run(self, command: Coroutine[Any, Any, None]) -> None:
        """Leave a command to a coroutine; what arrives meanwhile waits."""
        self._state = State.BUSY
        self._handler_coroutine = self.loop.create_task(self._run(command))

    async def _run(self, command: Coroutine[Any, Any, None]) -> None:
        try:
            await command
        except TLSSetupException:  # asyncio does not tell a protocol whose handshake failed
            self.abort()
            self.connection_lost(None)
        except Exception as problem:
            log.part_crashed("smtp session", problem)
            self.reply(LATER)
        self.resume()

    def resume(self) -> None:
        """Go on with commands: first those that arrived while the session was busy."""
        if self._state is not State.BUSY:
            return
        self._state = State.COMMAND
        self._moved = self.loop.time()
        waiting = self._reader._buffer  # type: ignore[attr-defined]  # no public way; aiosmtpd reaches for it as well
        if waiting:
            data = bytes(waiting)
            waiting.clear()
            self._reader._maybe_resume_transport()  # type: ignore[attr-defined]
            self._advance(data)
        else:
            self.flush()
        if self._state is State.COMMAND and self._eof:
            self.close()
        elif self.house.closing and self._state is State.COMMAND and not self.in_transaction:
            self.close(SHUTTING_DOWN)

    def reply(self, line: bytes) -> None:
        self._replies.append(line)

    def flush(self) -> None:
        if self._replies:
            if self._state is not State.CLOSED:
                self.transport.write(b"".join(self._replies))
            self._replies.clear()
