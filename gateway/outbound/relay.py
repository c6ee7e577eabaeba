"""Outgoing mail to one SMTP relay, over connections that are kept and reused."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import cast
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib import SMTP

from gateway import metrics
from gateway.errors import GatewayError, Permanent, Temporary, Unfit
from gateway.oauth import Tokens
from gateway.outbound.conversation import PUTTING_AWAY, Conversation, Refused, Unheard, always
from gateway.settings import Outbound

_SPEAKABLE = re.compile(r"[^\x00-\x20\x7f<>]{0,320}")
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\b")
_SIZE = re.compile(r"[0-9]{1,20}")
_TOO_LARGE = {"5.2.3", "5.3.4"}
"""For the mailbox, or for the system (RFC 3463 §3.3, §3.4). 552 alone says so too, but at RCPT it speaks of a mailbox
that is full."""
_OUR_SETUP = {530, 534, 535, 538}
"""Replies that ask for TLS or AUTH: the set-up is wrong, not the mail, so it is kept and tried again."""


@dataclass(frozen=True, slots=True)
class _Session:
    conversation: Conversation
    offers: Mapping[str, str]
    """ESMTP keywords, lower case, with what stands behind them."""


class Relay:
    """One relay and its connections, of which there are so many as the settings allow.

    Where the relay pipelines, a second mail waits on each connection behind the one that is handed over.
    """

    def __init__(
        self, url: str, settings: Outbound, hostname: str, tokens: Tokens | None = None,
        tls: ssl.SSLContext | None = None, patience: float = PUTTING_AWAY,
    ) -> None:  # fmt: skip
        """``tokens`` for a login without password; ``patience`` as a ``Conversation`` has it."""
        parts = urlsplit(url)
        self.name = url
        self._host = parts.hostname or "localhost"
        self._implicit_tls = parts.scheme == "smtps"
        self._port = parts.port or (465 if self._implicit_tls else 25)
        self._where = f"{self._host}:{self._port}"
        self._username = unquote(parts.username or "") or settings.username
        self._settings = settings
        self._hostname = hostname
        self._tokens = tokens if settings.login == "oauth" else None
        self._tls = tls
        self._patience = patience
        self._sessions: list[_Session] = []
        self._opening = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def send(
        self, mail_from: str, recipient: str, data: bytes, message_id: str, ours: Callable[[], bool] = always
    ) -> str:
        """Send one mail; see ``Transport``. A kept connection that ended before the mail went is replaced."""
        for address in (mail_from, recipient):
            if not _SPEAKABLE.fullmatch(address):
                raise Permanent("The address is malformed.", f"{address!r} cannot be written in SMTP", "5.1.3")
        while True:
            session, kept = await self._session()
            try:
                return await self._send(session, mail_from, recipient, data, ours)
            except Unheard as problem:
                if not kept:
                    raise self._failure(problem) from problem

    async def _send(
        self, session: _Session, mail_from: str, recipient: str, data: bytes, ours: Callable[[], bool]
    ) -> str:
        try:
            parameters = self._parameters(session.offers, mail_from, recipient, data)
            await session.conversation.send(parameters, b"<" + recipient.encode() + b">", data, ours)
        except (GatewayError, Unheard):
            raise
        except (Refused, OSError) as problem:
            raise self._failure(problem) from problem
        except BaseException:
            session.conversation.close()
            raise
        finally:
            self._wake()
        return self.name

    async def look(self) -> str:
        """Come and leave as with a mail; what the relay said, in words for the operator. Raises Temporary."""
        client, greeting = await self._greeted()
        encrypted = client.transport is not None and client.transport.get_extra_info("ssl_object") is not None
        with suppress(aiosmtplib.SMTPException):
            await client.quit()
        login = f", login as {self._username}" if self._username else ""
        return f"{greeting}{', over TLS' if encrypted else ', without TLS'}{login}"

    async def close(self) -> None:
        """Say goodbye on every connection."""
        while self._sessions:
            self._sessions.pop().conversation.quit()

    async def _session(self) -> tuple[_Session, bool]:
        """A connection with room for a mail, and whether it was there before: an idle one, a new one, or one with
        another mail on it. Where there is none, wait."""
        while True:
            self._sessions = [one for one in self._sessions if one.conversation.alive]
            free = next((one for one in self._sessions if one.conversation.idle), None)
            if free is None and len(self._sessions) + self._opening < self._settings.connections:
                return await self._open(), False
            free = free or next((one for one in self._sessions if one.conversation.room), None)
            if free is not None:
                return free, True
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn

    async def _open(self) -> _Session:
        self._opening += 1
        try:
            session = await self._connect()
        finally:
            self._opening -= 1
            self._wake()
        self._sessions.append(session)
        return session

    def _wake(self) -> None:
        """There may be room for somebody who waits."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                break

    async def _connect(self) -> _Session:
        client, _ = await self._greeted()
        transport = client.transport
        if transport is None or transport.is_closing():
            raise Temporary("The relay could not be reached.", f"{self._where}: closed the connection", "4.4.1")
        metrics.relay_answered(self._where, up=True)
        offers = {keyword.lower(): value for keyword, value in client.esmtp_extensions.items()}
        # uvloop's transports have asyncio's methods, not its base class.
        opened = cast(asyncio.Transport, transport)
        timeout = self._settings.timeout_seconds
        return _Session(Conversation(opened, "pipelining" in offers, timeout, self._patience), offers)

    async def _greeted(self) -> tuple[SMTP, str]:
        """A connection with TLS and login as the settings want them, ready for a mail, and the relay's greeting."""
        client = self._client()
        try:
            greeting = await client.connect()
            if client.is_ehlo_or_helo_needed:
                await client.ehlo()
        except (aiosmtplib.SMTPException, OSError, ValueError, Temporary) as problem:
            client.close()
            if self._tokens is not None and isinstance(problem, aiosmtplib.SMTPAuthenticationError):
                self._tokens.forget()
            metrics.relay_answered(self._where, up=False)
            raise Temporary("The relay could not be reached.", f"{self._where}: {problem}", "4.4.1") from problem
        return client, f"{greeting.code} {greeting.message}"

    def _client(self) -> SMTP:
        """A password goes only over TLS with a verified certificate, unless TLS is switched off by hand."""
        required = self._settings.tls == "required" or (bool(self._username) and self._settings.tls == "opportunistic")
        start_tls = False if self._implicit_tls or self._settings.tls == "none" else True if required else None
        return SMTP(
            hostname=self._host,
            port=self._port,
            username=self._username or None,
            password=self._settings.password if self._username and self._tokens is None else None,
            oauth_token_generator=partial(asyncio.to_thread, self._tokens) if self._tokens is not None else None,
            local_hostname=self._hostname,
            timeout=self._settings.timeout_seconds,
            use_tls=self._implicit_tls,
            start_tls=start_tls,
            tls_context=self._tls,
            validate_certs=required or self._implicit_tls,
        )

    def _parameters(self, offers: Mapping[str, str], mail_from: str, recipient: str, data: bytes) -> bytes:
        """What MAIL says (RFC 1870, RFC 6152, RFC 6531). What the relay does not offer it cannot be asked for."""
        most = int(offers["size"]) if _SIZE.fullmatch(offers.get("size", "")) else 0
        if 0 < most < len(data):
            raise Unfit("The mail is too large.", f"{self._where} takes {most} octets, not {len(data)}", "5.3.4")
        options = [b"SIZE=%d" % len(data)] if "size" in offers else []
        ascii_only = data.isascii()
        if not ascii_only:
            if "8bitmime" not in offers:
                raise Unfit("The mail cannot be carried.", f"{self._where} does not offer 8BITMIME", "5.6.3")
            options.append(b"BODY=8BITMIME")
        head_is_ascii = ascii_only or data[: data.find(b"\r\n\r\n")].isascii()
        if not (mail_from.isascii() and recipient.isascii() and head_is_ascii):
            if "smtputf8" not in offers:
                raise Unfit("The address cannot be served.", f"{self._where} does not offer SMTPUTF8", "5.6.7")
            options.append(b"SMTPUTF8")
        return b" ".join([b"<" + mail_from.encode() + b">", *options])

    def _failure(self, problem: Refused | OSError) -> GatewayError:
        if isinstance(problem, OSError):
            return Temporary("The connection to the relay failed.", f"{self._where}: {problem!r}", "4.4.2")
        enhanced = _ENHANCED.match(problem.text)
        code = enhanced[1] if enhanced else ""
        text = f"{self._where}: {problem.step}: {problem.code} {problem.text[:500]}"
        return _kind(problem, code)("The relay refused the mail.", text, code)


def _kind(problem: Refused, enhanced: str) -> type[GatewayError]:
    if not 500 <= problem.code < 600 or problem.code in _OUR_SETUP:
        return Temporary
    too_large = enhanced in _TOO_LARGE or (problem.code == 552 and not enhanced and problem.step != "RCPT")
    return Unfit if too_large else Permanent
