"""A relay that counts: it takes mail by SMTP and remembers what came, from whom, and a digest of its bytes."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from email.utils import parseaddr
from enum import Enum, auto

from tests.faults.background import Background

_OFFERS = b"250-sink.example\r\n250-PIPELINING\r\n250-SIZE 50000000\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
_LARGEST = 64 * 1024 * 1024
_PATH = re.compile(r"<([^>]*)>")


class Fate(Enum):
    """What the relay does with one mail."""

    TAKE = auto()
    TAKE_SLOWLY = auto()
    TAKE_AND_CUT = auto()
    """It keeps the mail, and its 250 is lost with the connection (RFC 1047)."""
    CUT = auto()
    """The connection breaks before the mail is through."""
    LATER = auto()
    REFUSE = auto()


@dataclass(frozen=True, slots=True)
class Arrival:
    message_id: str
    recipient: str
    subject: str
    digest: str
    at: float
    """``time.monotonic``."""
    client: str
    """What it said in EHLO."""
    return_path: str
    reply_to: str
    """The address in Reply-To."""


class Sink:
    """Listens on a port of its own. ``fate`` decides on each mail by its recipient and how often it was tried."""

    def __init__(self, background: Background) -> None:
        self._background = background
        self._tries: defaultdict[str, int] = defaultdict(int)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.arrivals: list[Arrival] = []
        self.fate: Callable[[str, int], Fate] = lambda _recipient, _number: Fate.TAKE
        self.port = 0
        self.open()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def open(self) -> None:
        """Listen, after ``close`` again on the same port."""
        self._background.run(self._open())

    def close(self) -> None:
        """Be away: refuse connections and cut those that stand."""
        self._background.run(self._close())

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._session, "127.0.0.1", self.port, backlog=512, limit=_LARGEST)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            writer.write(b"220 sink.example ESMTP\r\n")
            await self._commands(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _commands(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = return_path = recipient = ""
        while line := await reader.readline():
            command = line[:4].upper()
            if command in (b"EHLO", b"HELO"):
                client = line[5:].decode().strip()
                writer.write(_OFFERS)
            elif command == b"MAIL":
                return_path = _path(line)
                writer.write(b"250 2.1.0 Ok\r\n")
            elif command == b"RCPT":
                recipient = _path(line)
                writer.write(b"250 2.1.5 Ok\r\n")
            elif command == b"DATA":
                writer.write(b"354 Go on\r\n")
                data = await reader.readuntil(b"\r\n.\r\n")
                arrival = _arrival(client, return_path, recipient, data)
                if not await self._take(arrival, writer):
                    return
            elif command == b"QUIT":
                writer.write(b"221 2.0.0 Bye\r\n")
                return
            else:
                writer.write(b"250 2.0.0 Ok\r\n")
            await writer.drain()

    async def _take(self, mail: Arrival, writer: asyncio.StreamWriter) -> bool:
        """Decide on one mail; False where the connection is to end."""
        self._tries[mail.recipient] += 1
        fate = self.fate(mail.recipient, self._tries[mail.recipient])
        if fate in (Fate.TAKE, Fate.TAKE_SLOWLY, Fate.TAKE_AND_CUT):
            self.arrivals.append(mail)
        if fate is Fate.TAKE_SLOWLY:
            for octet in b"250 2.0.0 O":
                writer.write(bytes([octet]))
                await asyncio.sleep(0.02)
            writer.write(b"k\r\n")
        elif fate is Fate.TAKE:
            writer.write(b"250 2.0.0 Ok\r\n")
        elif fate is Fate.LATER:
            writer.write(b"451 4.3.0 Not now\r\n")
        elif fate is Fate.REFUSE:
            writer.write(b"550 5.1.1 Nobody of that name\r\n")
        return fate not in (Fate.CUT, Fate.TAKE_AND_CUT)


def _path(line: bytes) -> str:
    match = _PATH.search(line.decode("utf-8", "replace"))
    return match[1] if match else ""


def _arrival(client: str, return_path: str, recipient: str, data: bytes) -> Arrival:
    head = BytesHeaderParser().parsebytes(data)
    names = ("Message-ID", "Subject", "Reply-To")
    message_id, subject, reply_to = (" ".join(str(head[name]).split()) for name in names)
    return Arrival(
        message_id.strip("<>"), recipient, subject, hashlib.sha256(data).hexdigest(), time.monotonic(), client,
        return_path, parseaddr(reply_to)[1],
    )  # fmt: skip
