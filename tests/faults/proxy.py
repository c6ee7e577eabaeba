"""A network that can be cut or go silent between a gateway and its PostgreSQL."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.faults.background import Background

_CHUNK = 65536


class Proxy:
    """Carries a TCP port of its own to the server's Unix socket, while the network holds."""

    def __init__(self, background: Background, server: Path) -> None:
        self._background = background
        self._socket = server
        self._writers: set[asyncio.StreamWriter] = set()
        self._refuses = False
        self._flows = asyncio.Event()
        self.port = 0
        background.run(self._open())

    async def _open(self) -> None:
        self._flows.set()
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Break every connection, and refuse new ones."""
        self._refuses = True
        self._background.run(self._abort())

    def silence(self) -> None:
        """Carry nothing more, and tell nobody: what a cable that was pulled out looks like."""
        self._background.loop.call_soon_threadsafe(self._flows.clear)

    def mend(self) -> None:
        """What went silent is carried on, or breaks, as TCP may do."""
        self._refuses = False
        self._background.loop.call_soon_threadsafe(self._flows.set)

    async def _abort(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self._refuses:
                return
            far_reader, far_writer = await asyncio.open_unix_connection(str(self._socket))
            self._writers.add(far_writer)
            try:
                ways = [
                    asyncio.create_task(self._pump(reader, far_writer)),
                    asyncio.create_task(self._pump(far_reader, writer)),
                ]
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                for way in ways:
                    way.cancel()
            finally:
                self._writers.discard(far_writer)
                far_writer.transport.abort()
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(_CHUNK):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
