"""SMTP clients as RFC 5321 wants them: a mail stays theirs, and is sent again, until it was answered with a 250."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future

from tests.faults.background import Background
from tests.faults.letters import Letter

_LAST_REPLIES = 5
_RETRY = 0.4
"""Seconds after which a mail is sent again, at most: RFC 5321 §4.5.4.1 wants 30 minutes, but no test has those."""
_ENVELOPE = "MAIL FROM:<{0.return_path}>\r\nRCPT TO:<{0.to}>\r\nDATA\r\n"


class Unwilling(Exception):
    """The gateway answered with something that is no success."""


class Clients:
    """Several connections that work off one row of letters, from ``start`` to ``finish``."""

    def __init__(
        self, background: Background, port: int | Callable[[], int], seed: int, connections: int = 8,
        pause: float = 0.05, timeout: float = 30.0,
    ) -> None:  # fmt: skip
        """``port`` may be a function, asked before each connection: a balancer that picks a node.

        ``pause``: the longest rest between two mails, in seconds.
        """
        self._background = background
        self._port = port if callable(port) else lambda: port
        self._random = random.Random(seed)
        self._connections = connections
        self._pause = pause
        self._timeout = timeout
        self._running: Future[list[None]] | None = None
        self._enough = False
        self.answers: Counter[str] = Counter()
        """First digit of each final answer; ``lost`` where the connection broke before one came."""

    def start(self, letters: Iterator[Letter]) -> None:
        self._enough = False
        self._running = self._background.spawn(self._work(letters))

    def finish(self, patience: float = 120.0) -> None:
        """Take no more letters, and wait until those in hand were kept."""
        self._enough = True
        self.join(patience)

    def join(self, patience: float = 120.0) -> None:
        """Wait until the row has ended and all of it was kept."""
        assert self._running is not None
        self._running.result(patience)

    @property
    def done(self) -> bool:
        return self._running is not None and self._running.done()

    async def _work(self, letters: Iterator[Letter]) -> list[None]:
        return await asyncio.gather(*(self._client(letters) for _ in range(self._connections)))

    async def _client(self, letters: Iterator[Letter]) -> None:
        connection = _Connection(self._timeout)
        try:
            while not self._enough and (letter := next(letters, None)) is not None:
                while not letter.kept:
                    await self._try(letter, connection)
                    await asyncio.sleep(self._random.uniform(0, self._pause if letter.kept else _RETRY))
        finally:
            connection.close()

    async def _try(self, letter: Letter, connection: _Connection) -> None:
        letter.tries += 1
        try:
            await connection.send(self._port, letter)
        except (OSError, EOFError, Unwilling) as problem:
            connection.close()
            text = str(problem) or type(problem).__name__
            letter.replies = [*letter.replies[1 - _LAST_REPLIES :], text]
            self.answers[text[:1] if isinstance(problem, Unwilling) else "lost"] += 1
        else:
            letter.kept, letter.kept_at = True, time.monotonic()
            self.answers["2"] += 1


class _Connection:
    """Opened by the first mail, kept for the next ones."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, port: Callable[[], int], letter: Letter) -> None:
        """Raises OSError, EOFError or Unwilling where there was no 250 to the final dot."""
        async with asyncio.timeout(self._timeout):
            if self._streams is None:
                self._streams = await asyncio.open_connection("127.0.0.1", port())
                await self._ask(b"", b"2")
                await self._ask(b"EHLO client.example\r\n", b"2")
            await self._ask(_ENVELOPE.format(letter).encode(), b"2", b"2", b"3")
            await self._ask(letter.data + b".\r\n", b"2")

    async def _ask(self, request: bytes, *wanted: bytes) -> None:
        assert self._streams is not None
        reader, writer = self._streams
        writer.write(request)
        for first in wanted:
            while (line := await reader.readline())[3:4] == b"-":
                pass
            if not line:
                raise EOFError("the connection was closed")
            if line[:1] != first:
                raise Unwilling(line.decode("utf-8", "replace").strip())

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
        self._streams = None
