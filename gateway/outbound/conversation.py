"""An SMTP session in which mail after mail goes out, with the commands of one sent together (RFC 2920).

aiosmtplib connects, starts TLS and logs in, and hands the connection over: its own protocol waits for the reply to
each command, which took three times as long for a mail.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

_LONGEST_REPLY = 64 * 1024
_STRAY = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_END = b".\r\n"


@dataclass(frozen=True, slots=True)
class Reply:
    code: int
    text: str


class Refused(Exception):
    """The relay said no. ``command`` is what it answered."""

    def __init__(self, command: str, reply: Reply) -> None:
        super().__init__(f"{command}: {reply.code} {reply.text}")
        self.command = command
        self.reply = reply


class Conversation(asyncio.Protocol):
    """Takes over a connection that has said EHLO. After any failure it is of no use: close it."""

    def __init__(self, transport: asyncio.Transport, pipelining: bool, timeout: float) -> None:
        self._transport = transport
        self._pipelining = pipelining
        self._timeout = timeout
        self._buffer = b""
        self._text: list[str] = []
        self._replies: list[Reply] = []
        self._wanted = 0
        self._waiter: asyncio.Future[None] | None = None
        self._broken: Exception | None = None
        self.handed_over = False
        """The relay has answered the last mail's commands: from here on it may hold the mail."""
        transport.set_protocol(self)

    @property
    def alive(self) -> bool:
        return self._broken is None and not self._transport.is_closing()

    async def send(self, mail: bytes, rcpt: bytes, data: bytes) -> Reply:
        """One mail: the parameters of MAIL and of RCPT, and the data.

        Raises Refused, TimeoutError or ConnectionError.
        """
        self.handed_over = False
        commands = (b"MAIL FROM:" + mail + b"\r\n", b"RCPT TO:" + rcpt + b"\r\n", b"DATA\r\n")
        batches = (commands,) if self._pipelining else tuple((command,) for command in commands)
        for batch in batches:
            replies = await self._ask(b"".join(batch), len(batch))
            self.handed_over = True
            for command, reply in zip(batch, replies, strict=True):
                if reply.code not in ((354,) if command == b"DATA\r\n" else (250, 251)):
                    raise Refused(command[:4].decode(), reply)
        (reply,) = await self._ask(quoted(data), 1)
        if reply.code != 250:
            raise Refused("mail", reply)
        return reply

    def quit(self) -> None:
        """Say goodbye, and wait for no answer."""
        if self.alive:
            self._transport.write(b"QUIT\r\n")
        self._transport.close()

    def close(self) -> None:
        self._transport.abort()

    async def _ask(self, request: bytes, replies: int) -> list[Reply]:
        if self._broken is not None:
            raise self._broken
        self._wanted, self._replies = replies, []
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            async with asyncio.timeout(self._timeout):
                await self._waiter
        finally:
            self._waiter = None
        return self._replies

    def data_received(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        if len(self._buffer) + sum(map(len, self._text)) > _LONGEST_REPLY:
            self._break(ConnectionError("the relay's reply is too long"))
        for line in lines:
            self._line(line.decode("utf-8", "replace").rstrip("\r"))
        if self._waiter is not None and len(self._replies) >= self._wanted and not self._waiter.done():
            self._waiter.set_result(None)

    def _line(self, line: str) -> None:
        if not (line[:3].isascii() and line[:3].isdigit()) or line[3:4] not in ("", " ", "-"):
            self._break(ConnectionError(f"the relay's reply is no reply: {line[:100]!r}"))
            return
        self._text.append(line[4:])
        if line[3:4] != "-":
            reply, self._text = Reply(int(line[:3]), " ".join(self._text)), []
            if self._waiter is None or len(self._replies) == self._wanted:
                self._break(ConnectionError(f"the relay said unasked: {reply.code} {reply.text}"))
            else:
                self._replies.append(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        self._break(ConnectionError(f"the relay closed the connection{f': {exc}' if exc else ''}"))

    def _break(self, problem: Exception) -> None:
        self._broken = self._broken or problem
        self._transport.abort()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(problem)


def quoted(data: bytes) -> bytes:
    """Data as it goes over the wire, with its end: only CRLF ends a line, and a leading dot is doubled
    (RFC 5321 §4.5.2), so that nothing inside can be taken for the end.
    """
    if not data.count(b"\r") == data.count(b"\n") == data.count(b"\r\n"):
        data = _STRAY.sub(b"\r\n", data)
    data = data.replace(b"\r\n.", b"\r\n..")
    if data.startswith(b"."):
        data = b"." + data
    return data + (_END if data.endswith(b"\r\n") else b"\r\n" + _END)
