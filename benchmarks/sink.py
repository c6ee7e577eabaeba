"""The relay at the other end: takes every mail and keeps when the first answer to each mail arrived.

It shares the machine with what it measures, so it does as little as it can for a mail.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from functools import partial
from typing import cast

_ANSWERS = re.compile(rb"^In-Reply-To:\s*<([^>\s]+)>", re.IGNORECASE | re.MULTILINE)
_OFFERS = b"250-sink\r\n250-8BITMIME\r\n250 PIPELINING\r\n"
_REPLIES = {b"EHLO": _OFFERS, b"DATA": b"354 Go on\r\n"}
_END = b"\r\n.\r\n"


class Sink:
    """Listens on a loopback port while it is open."""

    def __init__(self) -> None:
        self.first: dict[str, float] = {}
        """Message-ID of a mail to when its first answer was here, on the clock of ``time.perf_counter``."""
        self.mails = 0
        self.port = 0

    async def __aenter__(self) -> Sink:
        self._server = await asyncio.get_running_loop().create_server(partial(_Session, self._mail), "127.0.0.1", 0)
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

    def _mail(self, text: bytes) -> None:
        self.mails += 1
        answers = _ANSWERS.search(text, 0, text.find(b"\r\n\r\n") + 2)
        if answers is not None:
            self.first.setdefault(answers[1].decode(), time.perf_counter())


class _Session(asyncio.Protocol):
    """One connection. The replies to what came together go together."""

    def __init__(self, keep: Callable[[bytes], None]) -> None:
        self._keep = keep
        self._buffer = bytearray()
        self._searched = 0
        self._in_mail = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        replies = b""
        while reply := self._reply():
            replies += reply
        if replies:
            self._transport.write(replies)

    def _reply(self) -> bytes:
        """To the line or the mail that comes first; empty while that is not complete."""
        mark = _END if self._in_mail else b"\n"
        found = self._buffer.find(mark, max(0, self._searched - len(_END)))
        if found < 0:
            self._searched = len(self._buffer)
            return b""
        piece = bytes(self._buffer[: found + len(mark)])
        del self._buffer[: len(piece)]
        self._searched = 0
        if self._in_mail:
            self._keep(piece)
        verb = b"" if self._in_mail else piece[:4].upper()
        self._in_mail = verb == b"DATA"
        return _REPLIES.get(verb, b"250 2.0.0 Ok\r\n")
