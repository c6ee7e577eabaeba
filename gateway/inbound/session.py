"""What the commands of an SMTP or LMTP session mean (RFC 5321, RFC 2033)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway import log
from gateway.errors import GatewayError, Temporary
from gateway.inbound import commands
from gateway.inbound.connection import LATER, LONGEST_LINE, SHUTTING_DOWN, Connection, State
from gateway.inbound.data import Incoming, hops
from gateway.inbound.handshake import House
from gateway.model import Envelope

_FULL = b"452 4.3.1 No room for mail at present, try again later\r\n"
_TOO_BIG = b"552 5.3.4 The mail is larger than we take\r\n"


class Session(Connection):
    """One connection's commands, and the mail transaction that is open in it."""

    def __init__(self, house: House, connections: set[Connection]) -> None:
        super().__init__(house, connections)
        self._errors = self._junk = 0
        self._incoming: Incoming | None = None
        self._began = 0.0
        self._counted = 0
        self._accepting: asyncio.Task[None] | None = None
        self._last = b""
        self._reset()

    def _reset(self) -> None:
        self._sender: str | None = None
        self._utf8 = False
        self._recipients: list[str] = []
        self._surplus = 0

    @property
    def in_transaction(self) -> bool:
        return self._sender is not None

    def command(self, line: bytes) -> None:
        verb, _, argument = line.partition(b" ")
        known = _COMMANDS.get(verb.upper())
        if known is not None:
            try:
                known(self, argument)
            except Exception as problem:  # the intake's, whose text the client never sees
                log.part_crashed("intake", problem)
                self.reply(LATER)
        else:
            self._greeting_command(verb.upper(), argument)

    # --- the mail transaction

    def _mail(self, argument: bytes) -> None:
        if not self.session.host_name:
            return self._error(b"503 5.5.1 Say LHLO first\r\n" if self.house.lmtp else b"503 5.5.1 Say EHLO first\r\n")
        if self._sender is not None:
            return self._error(b"503 5.5.1 One MAIL at a time\r\n")
        if self.house.closing:
            return self.close(SHUTTING_DOWN)
        try:
            mail = commands.parse_mail(argument)
        except commands.Refused as refused:
            return self._error(refused.reply)
        if mail.size > self.house.settings.max_message_bytes:
            return self._refuse(mail.sender, _TOO_BIG)
        if self.house.intake.trouble():
            return self._refuse(mail.sender, _FULL)
        self._sender, self._utf8 = mail.sender, mail.utf8
        return self.reply(b"250 2.1.0 Ok\r\n")

    def _rcpt(self, argument: bytes) -> None:
        if self._sender is None:
            return self._error(b"503 5.5.1 Say MAIL first\r\n")
        try:
            recipient = commands.parse_rcpt(argument, self._utf8)
        except commands.Refused as refused:
            return self._error(refused.reply)
        if not self.house.intake.knows(recipient):
            log.mail_refused(self.peer, self._sender, f"550 5.1.1 {recipient}")
            return self._error(b"550 5.1.1 No such address here\r\n")
        if len(self._recipients) >= self.house.settings.max_recipients:
            return self._too_many_recipients()
        self._recipients.append(recipient)
        return self.reply(b"250 2.1.5 Ok\r\n")

    def _too_many_recipients(self) -> None:
        """The sender is to try the rest in a mail of their own (RFC 5321 §4.5.3.1.10); up to as many it is no error."""
        self._surplus += 1
        refuse = self.reply if self._surplus <= self.house.settings.max_recipients else self._error
        refuse(b"452 4.5.3 Too many recipients, send the rest in another mail\r\n")

    def _data(self, argument: bytes) -> None:
        if argument.strip():
            self._error(b"501 5.5.4 DATA takes no argument\r\n")
        elif not self._recipients:
            self._error(b"503 5.5.1 No valid recipients\r\n")
        else:
            self._incoming = Incoming(self.house.settings.max_message_bytes)
            self._began = self.loop.time()
            self._state = State.DATA
            self.reply(b"354 End data with <CR><LF>.<CR><LF>\r\n")

    def data_deadline(self, patience: float) -> float:
        """Each octet buys time at the lowest rate allowed, so a long mail on a slow line gets through."""
        size = self._incoming.size if self._incoming else 0
        return self._began + patience + size / self.house.settings.data_bytes_per_second

    def text(self, data: bytes) -> int:
        incoming, settings = self._incoming, self.house.settings
        assert incoming is not None
        end = incoming.feed(data)
        self._count(incoming.held)
        if self.house.bytes_in_flight > settings.max_bytes_in_flight:
            incoming.drop()
            self._count(0)
        if end >= 0:
            self._incoming = None
            self._complete(incoming)
        elif incoming.size > 2 * settings.max_message_bytes:
            self._refuse(self._sender or "", _TOO_BIG)
            self.close()
        return end

    def _count(self, octets: int) -> None:
        self.house.bytes_in_flight += octets - self._counted
        self._counted = octets

    def _complete(self, incoming: Incoming) -> None:
        raw = incoming.text()
        if incoming.too_big:
            self._finish(_TOO_BIG)
        elif incoming.dropped:
            self._finish(_FULL)
        elif hops(raw) > self.house.settings.max_received_hops:
            self._finish(b"554 5.4.6 Too many hops: this mail goes in circles\r\n")
        else:
            self._state = State.BUSY
            self._accepting = self.loop.create_task(self._accept(self._envelope(), raw))

    def _envelope(self) -> Envelope:
        session = self.session
        return Envelope(
            "lmtp" if self.house.lmtp else "smtp",
            self._sender or "",
            tuple(self._recipients),
            self.peer,
            session.host_name or "",
            session.auth_data or "",
            session.ssl is not None,
        )

    async def _accept(self, envelope: Envelope, raw: bytes) -> None:
        try:
            id = await self.house.intake.accept(envelope, raw)
            answer = b"250 2.0.0 Ok: kept as %d\r\n" % id
        except GatewayError as problem:
            answer = _answer(problem)
        except Exception as problem:  # its text may hold secrets, so the client never sees it
            log.part_crashed("intake", problem)
            answer = LATER
        self._accepting = None
        self._finish(answer)
        self.resume()
        if self._last:
            self.close(self._last)
        if self.transport is None:
            self._connections.discard(self)

    def _finish(self, answer: bytes) -> None:
        """Answer a whole mail, in LMTP once for each recipient (RFC 2033 §4.2), and be ready for the next."""
        self._count(0)
        if answer[0] == ord("2"):
            self._junk = 0
        else:
            log.mail_refused(self.peer, self._sender or "", answer.decode().strip())
        self.reply(answer * len(self._recipients) if self.house.lmtp else answer)
        if self._state is State.DATA:
            self._state = State.COMMAND
        self._reset()

    # --- the other commands

    def _greeting_command(self, verb: bytes, argument: bytes) -> None:
        """EHLO, STARTTLS and AUTH."""
        method = (_LMTP_GREETINGS if self.house.lmtp else _SMTP_GREETINGS).get(verb)
        if method is None or len(argument) > LONGEST_LINE:
            self._error(b"500 5.5.1 Command not recognised\r\n")
        elif verb == b"AUTH" and self.in_transaction:
            self._error(b"503 5.5.1 Not within a mail\r\n")
        elif self._counts(verb):
            self._reset()
            text = "".join(c if c.isprintable() else "?" for c in argument.strip().decode("utf-8", "replace"))
            self.run(getattr(self, method)(text or None))

    def _rset(self, argument: bytes) -> None:
        if self._counts(b"RSET"):
            self._reset()
            self.reply(b"250 2.0.0 Ok\r\n")

    def _noop(self, argument: bytes) -> None:
        if self._counts(b"NOOP"):
            self.reply(b"250 2.0.0 Ok\r\n")

    def _vrfy(self, argument: bytes) -> None:
        if self._counts(b"VRFY"):
            self.reply(b"252 2.5.0 Send a mail and see\r\n")

    def _expn(self, argument: bytes) -> None:
        self._error(b"502 5.5.1 EXPN is not implemented\r\n")

    def _help(self, argument: bytes) -> None:
        if self._counts(b"HELP"):
            self.reply(b"214 2.0.0 RFC 5321 has it all\r\n")

    def _quit(self, argument: bytes) -> None:
        self.reply(b"221 2.0.0 Bye\r\n")
        self.close()

    # --- patience

    def _counts(self, verb: bytes) -> bool:
        """Count a command that brings no mail nearer; False if it was the last one."""
        self._junk += 1
        if self._junk <= self.house.settings.max_junk_commands:
            return True
        self.close(b"421 4.7.0 Too many commands without a mail, closing\r\n")
        return False

    def _error(self, answer: bytes) -> None:
        self.reply(answer)
        self.count_error()

    def count_error(self) -> None:
        self._errors += 1
        if self._errors > self.house.settings.max_errors:
            self.close(b"421 4.7.0 Too many errors, closing\r\n")

    def _refuse(self, sender: str, answer: bytes) -> None:
        log.mail_refused(self.peer, sender, answer.decode().strip())
        self.reply(answer)

    def check(self, now: float) -> None:
        if not self._accepting:  # the client is not to blame for our slowness
            super().check(now)

    def _timeout_cb(self) -> None:
        self.close_after_accepting(b"421 4.4.2 The session took too long, closing\r\n")

    def close_after_accepting(self, last: bytes) -> None:
        """End the session, but not while the intake decides: its answer must reach the client."""
        if self._accepting:
            self._last = last
        else:
            self.close(last)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._incoming = None
        if self._accepting:
            self._connections.add(self)  # the intake goes on, and a shutdown waits for it
        else:
            self._count(0)


def _answer(problem: GatewayError) -> bytes:
    """The reply line for a failure of the intake."""
    temporary = isinstance(problem, Temporary)
    code = "452" if problem.code == "4.3.1" else "451" if temporary else "554"
    text = " ".join(problem.public.split()).encode("ascii", "replace").decode()
    return f"{code} {problem.code} {text[:400]}\r\n".encode()


_COMMANDS: dict[bytes, Callable[[Session, bytes], None]] = {
    b"MAIL": Session._mail,
    b"RCPT": Session._rcpt,
    b"DATA": Session._data,
    b"RSET": Session._rset,
    b"NOOP": Session._noop,
    b"VRFY": Session._vrfy,
    b"EXPN": Session._expn,
    b"HELP": Session._help,
    b"QUIT": Session._quit,
}
_SMTP_GREETINGS = {b"EHLO": "smtp_EHLO", b"HELO": "smtp_HELO", b"STARTTLS": "smtp_STARTTLS", b"AUTH": "smtp_AUTH"}
_LMTP_GREETINGS = {b"LHLO": "smtp_EHLO", b"STARTTLS": "smtp_STARTTLS", b"AUTH": "smtp_AUTH"}
