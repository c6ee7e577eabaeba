"""What comes before mail in a session: PROXY, EHLO, STARTTLS and AUTH, all of them aiosmtpd's, made strict."""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import AnyStr

from aiosmtpd.proxy_protocol import get_proxy
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword
from aiosmtpd.smtp import Session as Greeted

from gateway import log
from gateway.inbound.intake import Intake
from gateway.inbound.limits import Door, peer_key
from gateway.settings import Smtp

logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd warns of its own deprecations on every login

_HAS_CODE = re.compile(r"(250|334|[245]\d\d [245]\.\d{1,3}\.\d{1,3}) |250-")
_CODES = {"220": "2.0.0", "454": "4.7.0", "500": "5.5.1", "501": "5.5.4", "503": "5.5.1"}
_PROXY_SECONDS = 10.0
_LAST_OFFER = "250 HELP"
_OFFERS = ("250-PIPELINING", "250 ENHANCEDSTATUSCODES")


@dataclass(slots=True)
class House:
    """What all sessions of one listener share."""

    settings: Smtp
    hostname: str
    intake: Intake
    lmtp: bool
    tls: ssl.SSLContext | None
    door: Door
    bytes_in_flight: int = 0
    """Octets of mails that are coming in or that the intake has not answered for yet."""
    closing: bool = False


class Handshake(SMTP, ABC):
    """aiosmtpd's part of a session. The subclass takes the bytes from the socket and sends the replies."""

    line_length_limit = 12_288  # RFC 4954 §4: how long a line of AUTH may be
    session: Greeted
    transport: asyncio.Transport

    def __init__(self, house: House) -> None:
        self.house = house
        self.peer = ""
        super().__init__(
            self,  # in place of a handler: there are no hooks to be found
            data_size_limit=house.settings.max_message_bytes,
            enable_SMTPUTF8=True,
            hostname=house.hostname,
            ident="LMTP" if house.lmtp else "ESMTP",
            tls_context=house.tls,
            authenticator=self._check_login,
            loop=asyncio.get_running_loop(),
        )

    def __dir__(self) -> list[str]:
        """What aiosmtpd seeks by name in every new session; to go through all names took most of a session's time."""
        return ["auth_LOGIN", "auth_PLAIN"]

    async def smtp_STARTTLS(self, arg: str) -> None:
        if self._tls_protocol:
            await self.push("503 5.5.1 TLS is already active")
        else:
            await super().smtp_STARTTLS(arg)

    async def smtp_AUTH(self, arg: str | None) -> None:
        if not self.house.door.may_log_in(peer_key(self.peer), self.loop.time()):
            await self.push("454 4.7.0 Too many failed logins, try again later")
            return
        mechanism, blank, rest = (arg or "").partition(" ")
        try:
            await super().smtp_AUTH(mechanism.upper() + blank + rest)
        except ValueError:  # so the stream reader says that a line is longer than its limit
            await self.push("500 5.5.6 The line is too long")

    def _check_login(
        self, server: SMTP, session: Greeted, envelope: Envelope, mechanism: str, login: LoginPassword
    ) -> AuthResult:
        user, password = login.login.decode(errors="replace"), login.password.decode(errors="replace")
        agent = self.house.intake.authenticate(user, password)
        if agent:
            return AuthResult(success=True, auth_data=agent)
        self.house.door.login_failed(peer_key(self.peer), self.loop.time())
        log.login_failed(self.peer, user)
        return AuthResult(success=False, handled=False)

    async def push(self, status: AnyStr) -> None:
        """Send a reply of aiosmtpd's, with the enhanced code (RFC 2034) that most of them lack, and our own offers."""
        line = status if isinstance(status, str) else status.decode()
        if line == _LAST_OFFER:
            more, line = _OFFERS
            self.reply(more.encode() + b"\r\n")
        if not _HAS_CODE.match(line):
            line = f"{line[:3]} {_CODES.get(line[:3], line[0] + '.0.0')}{line[3:]}"
        self.reply(line.encode() + b"\r\n")
        if line[3] == " ":
            self.flush()
        if line[0] in "45":
            self.count_error()

    @abstractmethod
    def reply(self, line: bytes) -> None:
        """Put a reply line behind those that are to be sent."""

    @abstractmethod
    def flush(self) -> None:
        """Send them."""

    @abstractmethod
    def count_error(self) -> None:
        """One more reply that said no."""

    async def proxied(self) -> bool:
        """Take the peer's address from the PROXY header of a load balancer; False if there is no proper one."""
        try:
            proxy = await asyncio.wait_for(get_proxy(self._reader), _PROXY_SECONDS)
        except (asyncio.IncompleteReadError, TimeoutError):
            return False
        if proxy.valid and proxy.src_addr:  # a health check of the balancer itself has none
            self.peer = str(proxy.src_addr)
        return bool(proxy.valid)
