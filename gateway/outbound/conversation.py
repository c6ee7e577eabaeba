"""An SMTP session in which mail after mail goes out, with the commands of one sent together (RFC 2920).

aiosmtplib connects, starts TLS and logs in, and hands the connection over: its own protocol waits for the reply to
each command, which took several times as long for a mail. Here the data follows as soon as its 354 comes in, and the
commands of the next mail, where one waits, right behind it: a mail costs one write, one reply and one waking.
"""

from __future__ import annotations

import asyncio
import io
import re
import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence

AT_ONCE = 2
"""Mails on one connection, where the relay pipelines: one that is handed over, and the one behind it."""
PUTTING_AWAY = 600.0
"""Seconds for the last word on a mail that the relay has whole, or it would come twice (RFC 5321 §4.5.3.2.6)."""
_LONGEST_REPLY = 64 * 1024
_STRAY = re.compile(r"\r(?!\n)|(?<!\r)\n")
_END = b".\r\n"
_BLOCK = 16 * 1024
_BLOCKS = 8
"""Written at a time; the next ones when the relay has read most of them."""
_STEPS = ("MAIL", "RCPT", "DATA", "mail")
"""What the relay answers; ``mail`` is the data."""
_YES = ((b"250", b"251"), (b"250", b"251"), (b"354",), (b"250",))
_Piece = bytes | memoryview


def always() -> bool:
    """For a mail that nobody else can have."""
    return True


class Refused(Exception):
    """The relay said no. ``step`` is what it answered."""

    def __init__(self, step: str, code: int, text: str) -> None:
        super().__init__(f"{step}: {code} {text}")
        self.step = step
        self.code = code
        self.text = text


class Unheard(ConnectionError):
    """The connection ended before the relay got this mail, and not because of it: another may take it at once."""


class _Mail:
    """A mail on its way."""

    __slots__ = ("answered", "asked", "commands", "data", "ended", "ours")

    def __init__(self, mail: bytes, rcpt: bytes, data: bytes, ours: Callable[[], bool]) -> None:
        self.commands = (b"MAIL FROM:" + mail + b"\r\n", b"RCPT TO:" + rcpt + b"\r\n", b"DATA\r\n")
        self.data = data
        self.ours = ours
        self.asked = self.answered = 0
        """Steps."""
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Conversation(asyncio.Protocol):
    """Takes over a connection that has said EHLO. After any failure it is closed."""

    def __init__(
        self, transport: asyncio.Transport, pipelining: bool, timeout: float, patience: float = PUTTING_AWAY
    ) -> None:
        """``timeout`` for the relay to answer a command or to go on reading, ``patience`` for its word on a mail."""
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._pipelining = pipelining
        self._timeout = timeout
        self._patience = patience
        self._buffer = b""
        self._text: list[bytes] = []
        self._mails: deque[_Mail] = deque()
        self._unsaid: list[_Piece] = []
        self._full = False
        """The relay has to read first."""
        self._broken: Exception | None = None
        self._since = 0.0
        """When we last wrote, or the relay last took a mail."""
        self._timer: asyncio.TimerHandle | None = None
        transport.set_protocol(self)
        _take_little(transport)

    @property
    def alive(self) -> bool:
        return self._broken is None and not self._transport.is_closing()

    @property
    def idle(self) -> bool:
        return not self._mails

    @property
    def room(self) -> bool:
        """Whether one more mail may be sent now."""
        return len(self._mails) < (AT_ONCE if self._pipelining else 1)

    async def send(self, mail: bytes, rcpt: bytes, data: bytes, ours: Callable[[], bool]) -> None:
        """One mail: the parameters of MAIL and of RCPT, and the data. There must be ``room``.

        ``ours`` is asked before the data goes, and while it does: whether no other node can have taken the mail
        meanwhile.
        Raises Refused, Unheard, TimeoutError or ConnectionError.
        """
        if self._broken is not None:
            raise Unheard(str(self._broken)) from self._broken
        one = _Mail(mail, rcpt, data, ours)
        self._mails.append(one)
        self._go_on()
        await one.ended

    def quit(self) -> None:
        """Say goodbye, and wait for no answer."""
        if self.alive:
            self._transport.write(b"QUIT\r\n")
        self._transport.close()

    def close(self) -> None:
        self._break(ConnectionError("closed by us"))

    def _go_on(self) -> None:
        """Say what comes next. The data of a mail is said once its commands are answered, and no commands are said
        before the data of the mail in front."""
        words: list[_Piece] = []
        for mail in tuple(self._mails):
            if mail.answered == mail.asked:
                words += self._words(mail)
            if mail.asked < len(_STEPS):
                break
        if words and self._broken is None:
            self._unsaid += words
            self._timer = self._timer or self._loop.call_later(self._timeout, self._look)
            self._write()

    def _write(self) -> None:
        """What the relay reads now. So each block has its own time (RFC 5321 §4.5.3.2.5)."""
        while self._unsaid and not self._full:
            words, self._unsaid = self._unsaid[:_BLOCKS], self._unsaid[_BLOCKS:]
            self._since = self._loop.time()
            self._transport.writelines(words)

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        """A large mail takes long, and without its end it is none: what another node may have by now is not ended."""
        self._full = False
        if self._unsaid and not self._mails[0].ours():
            self._break(ConnectionError("the mail is not in hand any more"), self._mails[0])
        self._write()

    def _words(self, mail: _Mail) -> Sequence[_Piece]:
        """The next step or steps of a mail."""
        first = mail.asked
        if first < len(mail.commands):
            mail.asked = len(mail.commands) if self._pipelining else first + 1
            return mail.commands[first : mail.asked]
        if mail.ended.done() or not mail.ours():
            self._break(ConnectionError("the mail is not in hand any more"), mail)
            return ()
        mail.asked += 1
        return quoted(mail.data)

    def _look(self) -> None:
        """Whether the relay takes too long. One timer goes on from mail to mail, for setting one costs more."""
        self._timer = None
        if not self._mails:
            return
        whole = self._mails[0].asked == len(_STEPS) and not self._unsaid and not self._transport.get_write_buffer_size()
        limit = self._patience if whole else self._timeout
        left = self._since + limit - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(min(left, self._timeout), self._look)
        else:
            self._break(TimeoutError(f"the relay did not answer or read on within {limit:g} seconds"))

    def data_received(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        if len(self._buffer) + sum(map(len, self._text)) > _LONGEST_REPLY:
            self._break(ConnectionError("the relay's reply is too long"))
        mails = len(self._mails)
        for line in lines:
            self._line(line.removesuffix(b"\r"))
        if len(self._mails) == mails:
            self._go_on()
        elif self._mails:  # whoever is told now that his mail was taken may have the next: both go in one write
            self._since = self._loop.time()
            self._loop.call_soon(self._go_on)

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
        mail = self._mails[0] if self._mails else None
        good = mail is not None and code in _YES[mail.answered]
        if mail is None or mail.answered == mail.asked or (good and self._unsaid):
            self._break(ConnectionError(f"the relay said unasked: {_readable(code, *text)}"))
        elif good:
            mail.answered += 1
            if mail.answered == len(_STEPS):
                self._mails.popleft()
                _end(mail, None)
        else:
            self._break(_refusal(_STEPS[mail.answered], code, _readable(*text)), mail)

    def connection_lost(self, exc: Exception | None) -> None:
        self._break(ConnectionError(f"the relay closed the connection{f': {exc}' if exc else ''}"))
        if self._timer is not None:
            self._timer.cancel()

    def _break(self, problem: Exception, whose: _Mail | None = None) -> None:
        """End the conversation, because of one mail or for all."""
        self._broken = self._broken or problem
        self._unsaid = []
        self._transport.abort()
        while self._mails:
            mail = self._mails.popleft()
            _end(mail, _fate(mail, problem, whose))


def _refusal(step: str, code: bytes, text: str) -> Exception:
    """421 is said of the connection, such as that it had its share of mails (RFC 5321 §3.8)."""
    refused = Refused(step, int(code), text)
    return Unheard(str(refused)) if code == b"421" and step != _STEPS[-1] else refused


def _take_little(transport: asyncio.Transport) -> None:
    """Have the system take no more than it is about to send. By itself it takes megabytes at once, and on a slow line
    nothing would tell for minutes whether the relay reads them."""
    connection, option = transport.get_extra_info("socket"), getattr(socket, "TCP_NOTSENT_LOWAT", None)
    if connection is not None and option is not None:
        connection.setsockopt(socket.IPPROTO_TCP, option, _BLOCKS * _BLOCK // 2)


def _end(mail: _Mail, problem: Exception | None) -> None:
    if mail.ended.done():  # its sender gave up
        return
    if problem is None:
        mail.ended.set_result(None)
    else:
        mail.ended.set_exception(problem)


def _fate(mail: _Mail, problem: Exception, whose: _Mail | None) -> Exception:
    if mail is whose:
        return problem
    if mail.asked < len(_STEPS):
        return Unheard(str(problem))
    return problem if whose is None else ConnectionError(f"the connection ended with another mail: {problem}")


def _readable(*words: bytes) -> str:
    return b" ".join(words).decode("utf-8", "replace")


def quoted(data: bytes) -> list[_Piece]:
    """Data as it goes over the wire, in pieces and with its end: only CRLF ends a line, and a leading dot is doubled
    (RFC 5321 §4.5.2), so that nothing inside can be taken for the end.
    """
    return [*map(_quoted, _blocks(data)), _END if data.endswith((b"\r", b"\n")) else b"\r\n" + _END]


def _blocks(data: bytes) -> Iterator[memoryview]:
    """Whole lines, some at a time."""
    whole, start = memoryview(data), 0
    while start < len(data):
        end = data.rfind(b"\n", start, start + _BLOCK) + 1 or data.find(b"\n", start) + 1 or len(data)
        yield whole[start:end]
        start = end


def _quoted(block: memoryview) -> _Piece:
    """Most blocks of large mails are base64 and hold no dot: they go as they are."""
    text = str(block, "latin-1")
    if not _in_lines(text):
        text = _STRAY.sub("\r\n", text)
    elif "." not in text:
        return block
    text = text.replace("\r\n.", "\r\n..")
    return (f".{text}" if text.startswith(".") else text).encode("latin-1")


def _in_lines(text: str) -> bool:
    """Whether only CRLF ends a line. The decoder notes every kind of line end in one pass, in C."""
    decoder = io.IncrementalNewlineDecoder(None, translate=False)
    decoder.decode(text, final=True)
    return decoder.newlines in (None, "\r\n")
