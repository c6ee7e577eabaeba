"""A listener on a free port with an intake that keeps mails in a list, and a client that speaks raw bytes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from gateway.inbound.smtp import Listener
from gateway.model import Envelope
from gateway.settings import Smtp
from tests.canaries import canary

PATIENCE = 10.0
PASSWORD = canary("password")


@dataclass
class MemoryIntake:
    """Keeps mails in memory; the test says what goes wrong."""

    known: frozenset[str] = frozenset({"support@desk.example", "sales@desk.example", "postmaster"})
    mails: list[tuple[Envelope, bytes]] = field(default_factory=list)
    problem: BaseException | None = None
    trouble_now: str = ""
    gate: asyncio.Event | None = None
    """When given, ``accept`` waits for it."""
    began: asyncio.Event = field(default_factory=asyncio.Event)

    async def accept(self, envelope: Envelope, raw: bytes) -> int:
        self.began.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.problem is not None:
            raise self.problem
        self.mails.append((envelope, raw))
        return len(self.mails)

    def knows(self, address: str) -> bool:
        return address.lower() in self.known

    def authenticate(self, username: str, password: str) -> str:
        return "ann@desk.example" if (username, password) == ("ann@desk.example", PASSWORD) else ""

    def trouble(self) -> str:
        return self.trouble_now


class Client:
    """Sends exactly the bytes that it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def reply(self) -> str:
        """The next reply, all its lines; empty at the end of the connection."""
        lines = []
        while True:
            try:
                line = await asyncio.wait_for(self.reader.readline(), PATIENCE)
            except ConnectionError:
                return ""
            lines.append(line.decode())
            if line[3:4] != b"-":
                return "".join(lines).replace("\r\n", "\n").rstrip("\n")

    def write(self, data: bytes) -> None:
        if not self.writer.transport.is_closing():
            self.writer.write(data)

    async def say(self, data: bytes) -> str:
        self.write(data + b"\r\n")
        return await self.reply()

    async def codes(self, many: int) -> list[str]:
        """The status codes of the next replies."""
        return [(await self.reply())[:3] for _ in range(many)]

    async def ended(self) -> bool:
        """Whether nothing more comes: the other side has closed."""
        try:
            return not await asyncio.wait_for(self.reader.read(1), PATIENCE)
        except ConnectionError:
            return True

    def finish(self) -> None:
        """Shut our side, where the other has not closed the connection already."""
        with suppress(OSError, RuntimeError):
            self.writer.write_eof()

    async def begin(self, recipients: int = 1) -> None:
        """Up to the 354."""
        assert (await self.say(b"MAIL FROM:<anna@example.com>"))[:3] == "250"
        for _ in range(recipients):
            assert (await self.say(b"RCPT TO:<support@desk.example>"))[:3] == "250"
        assert (await self.say(b"DATA"))[:3] == "354"

    async def send(self, text: bytes) -> str:
        """One whole mail; ``text`` is sent as it is, the dot behind it."""
        await self.begin()
        return await self.say(text + b"\r\n.")

    async def start_tls(self, authority: ssl.SSLContext) -> None:
        assert (await self.say(b"STARTTLS"))[:3] == "220"
        await asyncio.wait_for(self.writer.start_tls(authority, server_hostname="mx.desk.example"), PATIENCE)


class House:
    """The listener under test and its intake."""

    def __init__(self, listener: Listener, intake: MemoryIntake, lmtp: bool) -> None:
        self.listener = listener
        self.intake = intake
        self._hello = b"LHLO client.example" if lmtp else b"EHLO client.example"
        self._writers: list[asyncio.StreamWriter] = []

    async def connect(self) -> Client:
        """A connection on which nothing was read yet."""
        reader, writer = await asyncio.open_connection(*self.listener.address)
        self._writers.append(writer)
        return Client(reader, writer)

    async def greeted(self) -> Client:
        """A connection past EHLO."""
        client = await self.connect()
        assert (await client.reply())[:3] == "220"
        assert (await client.say(self._hello))[:3] == "250"
        return client

    def hang_up(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


@asynccontextmanager
async def listening(
    intake: MemoryIntake | None = None,
    *,
    lmtp: bool = False,
    tls: ssl.SSLContext | None = None,
    hostname: str = "mx.desk.example",
    **settings: Any,
) -> AsyncIterator[House]:
    intake = intake or MemoryIntake()
    listener = Listener(Smtp(**settings), "127.0.0.1:0", hostname, intake, lmtp=lmtp, tls=tls)
    await listener.start()
    house = House(listener, intake, lmtp)
    try:
        yield house
    finally:
        house.hang_up()
        if intake.gate is not None:
            intake.gate.set()
        await listener.stop(PATIENCE)


async def eventually(condition: Any) -> None:
    """Wait until it is so; fail after a while."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.005)
