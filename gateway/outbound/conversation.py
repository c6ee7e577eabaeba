"""An SMTP session in which mail after mail goes out, with the commands of one sent together (RFC 2920).

aiosmtplib connects, starts TLS and logs in, and hands the connection over: its own protocol waits for the reply to
each command, which took several times as long for a mail. Here the data follows as soon as its 354 comes in, and
whoever sends a mail is woken once, at its end.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

from gateway.outbound import columns

_LONGEST_REPLY = 64 * 1024
_STRAY = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_END = b".\r\n"
_BLOCK = 32 * 1024
_STEPS = ("MAIL", "RCPT", "DATA", "mail")
"""What the relay answers; ``mail`` is the data."""
_YES = ((b"250", b"251"), (b"250", b"251"), (b"354",), (b"250",))
"""The replies with which each step goes on to the next."""


class Refused(Exception):
    """The relay said no. ``step`` is what it answered."""

    def __init__(self, step: str, code: int, text: str) -> None:
        super().__init__(f"{step}: {code} {text}")
        self.step = step
        self.code = code
        self.text = text


class Conversation(asyncio.Protocol):
    """Takes over a connection that has said EHLO, for one mail at a time. After any failure it is closed."""

    def __init__(self, transport: asyncio.Transport, pipelining: bool, timeout: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._pipelining = pipelining
        self._timeout = timeout
        self._buffer = b""
        self._text: list[bytes] = []
        self._commands: tuple[bytes, ...] = ()
        self._data = b""
        self._asked = self._answered = 0
        """Steps of the mail that is on its way."""
        self._ended: asyncio.Future[None] | None = None
        self._broken: Exception | None = None
        self._spoke = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.handed_over = False
        """The relay has answered the last mail's commands: from here on it may hold the mail."""
        transport.set_protocol(self)

    @property
    def alive(self) -> bool:
        return self._broken is None and not self._transport.is_closing()

    async def send(self, mail: bytes, rcpt: bytes, data: bytes) -> None:
        """One mail: the parameters of MAIL and of RCPT, and the data.

        Raises Refused, TimeoutError or ConnectionError.
        """
        if self._broken is not None:
            raise self._broken
        self._commands = (b"MAIL FROM:" + mail + b"\r\n", b"RCPT TO:" + rcpt + b"\r\n", b"DATA\r\n")
        self._data = data
        self._asked = self._answered = 0
        self._ended = self._loop.create_future()
        self._go_on()
        try:
            await self._ended
        finally:
            self._ended, self._data = None, b""

    def quit(self) -> None:
        """Say goodbye, and wait for no answer."""
        if self.alive:
            self._transport.write(b"QUIT\r\n")
        self._transport.close()

    def close(self) -> None:
        self._transport.abort()

    def _go_on(self) -> None:
        """All that was asked is answered: say what comes next, or end the mail."""
        self.handed_over = self._answered > 0
        if self._answered == len(_STEPS):
            self._end(None)
        elif self._answered == len(self._commands):
            self._say(1, quoted(self._data))
        elif self._pipelining:
            self._say(len(self._commands), b"".join(self._commands))
        else:
            self._say(1, self._commands[self._answered])

    def _say(self, steps: int, words: bytes) -> None:
        self._asked += steps
        self._spoke = self._loop.time()
        self._timer = self._timer or self._loop.call_later(self._timeout, self._look)
        self._transport.write(words)

    def _look(self) -> None:
        """Whether the relay takes too long. One timer goes on from mail to mail, for setting one costs more."""
        self._timer = None
        if self._ended is None:
            return
        left = self._spoke + self._timeout - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self._break(TimeoutError(f"the relay did not answer within {self._timeout:g} seconds"))

    def data_received(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        if len(self._buffer) + sum(map(len, self._text)) > _LONGEST_REPLY:
            self._break(ConnectionError("the relay's reply is too long"))
        for line in lines:
            self._line(line.removesuffix(b"\r"))
        if self._ended is not None and not self._ended.done() and self._answered == self._asked:
            self._go_on()

    def _line(self, line: bytes) -> None:
        code, mark = line[:3], line[3:4]
        if not code.isdigit() or mark not in (b" ", b"-", b""):
            self._break(ConnectionError(f"the relay's reply is no reply: {_readable(line[:100])!r}"))
        elif mark == b"-":
            self._text.append(line[4:])
        else:
            text, self._text = [*self._text, line[4:]], []
            self._reply(code, text)

    def _reply(self, code: bytes, text: list[bytes]) -> None:
        if self._ended is None or self._answered == self._asked:
            self._break(ConnectionError(f"the relay said unasked: {_readable(code, *text)}"))
        elif code in _YES[self._answered]:
            self._answered += 1
        else:
            self.handed_over = True
            self._break(Refused(_STEPS[self._answered], int(code), _readable(*text)))

    def connection_lost(self, exc: Exception | None) -> None:
        self._break(ConnectionError(f"the relay closed the connection{f': {exc}' if exc else ''}"))
        if self._timer is not None:
            self._timer.cancel()

    def _break(self, problem: Exception) -> None:
        self._broken = self._broken or problem
        self._transport.abort()
        self._end(problem)

    def _end(self, problem: Exception | None) -> None:
        if self._ended is None or self._ended.done():
            return
        if problem is None:
            self._ended.set_result(None)
        else:
            self._ended.set_exception(problem)


def _readable(*words: bytes) -> str:
    return b" ".join(words).decode("utf-8", "replace")


def quoted(data: bytes) -> bytes:
    """Data as it goes over the wire, with its end: only CRLF ends a line, and a leading dot is doubled
    (RFC 5321 §4.5.2), so that nothing inside can be taken for the end.
    """
    wire = b"".join([block if _is_even(block) else _dotted(block) for block in _blocks(data)])
    return wire + (_END if wire.endswith(b"\r\n") else b"\r\n" + _END)


def _blocks(data: bytes) -> Iterator[bytes]:
    """Whole lines, some at a time."""
    start = 0
    while start < len(data):
        end = data.rfind(b"\n", start, start + _BLOCK) + 1 or data.find(b"\n", start) + 1 or len(data)
        yield data[start:end]
        start = end


def _is_even(block: bytes) -> bool:
    """Whether these are lines of one length that CRLF ends and that hold no dot: all is well, as in base64."""
    lines = columns.joined(block)
    return lines is not None and not (b"\r" in lines or b"\n" in lines or b"." in lines)


def _dotted(block: bytes) -> bytes:
    if not block.count(b"\r") == block.count(b"\n") == block.count(b"\r\n"):
        block = _STRAY.sub(b"\r\n", block)
    block = block.replace(b"\r\n.", b"\r\n..")
    return b"." + block if block.startswith(b".") else block
