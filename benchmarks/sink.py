"""The relay at the other end: takes every mail and keeps when the first answer to each mail arrived."""

from __future__ import annotations

import asyncio
import re
import time

_ANSWERS = re.compile(rb"^In-Reply-To:\s*<([^>\s]+)>", re.IGNORECASE | re.MULTILINE)
_LONGEST = 64 * 1024 * 1024


class Sink:
    """Listens on a loopback port while it is open."""

    def __init__(self) -> None:
        self.first: dict[str, float] = {}
        """Message-ID of a mail to when its first answer was here, on the clock of ``time.perf_counter``."""
        self.mails = 0
        self.port = 0

    async def __aenter__(self) -> Sink:
        self._server = await asyncio.start_server(self._session, "127.0.0.1", 0, limit=_LONGEST)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def answered(self, message_ids: set[str], patience: float) -> bool:
        """Wait until every one of these mails was answered; False where nothing more came for ``patience`` seconds."""
        before, since = -1, time.perf_counter()
        while missing := len(message_ids - self.first.keys()):
            if missing != before:
                before, since = missing, time.perf_counter()
            elif time.perf_counter() - since > patience:
                return False
            await asyncio.sleep(0.01)
        return True

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink ESMTP\r\n")
        try:
            while True:
                verb = (await reader.readuntil(b"\n"))[:4].upper()
                if verb == b"DATA":
                    writer.write(b"354 Go on\r\n")
                    self._mail(await reader.readuntil(b"\r\n.\r\n"))
                writer.write(
                    b"250-sink\r\n250-8BITMIME\r\n250 PIPELINING\r\n" if verb == b"EHLO" else b"250 2.0.0 Ok\r\n"
                )
                if verb == b"QUIT":
                    break
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass  # the gateway, or the benchmark, has ended
        writer.close()

    def _mail(self, text: bytes) -> None:
        self.mails += 1
        answers = _ANSWERS.search(text, 0, text.find(b"\r\n\r\n") + 2)
        if answers is not None:
            self.first.setdefault(answers[1].decode(), time.perf_counter())
