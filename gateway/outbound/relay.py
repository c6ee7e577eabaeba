"""Outgoing mail to one SMTP relay, over connections that are kept and reused."""

from __future__ import annotations

import re
import ssl
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib import SMTP, SMTPResponse

from gateway.errors import GatewayError, Permanent, Temporary
from gateway.settings import Outbound

_SPEAKABLE = re.compile(r"[^\x00-\x20\x7f<>]*")
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\b")
_OUR_SETUP = {530, 534, 535, 538}
"""Replies that ask for TLS or AUTH: the set-up is wrong, not the mail, so it is kept and tried again."""
_HEADERS_END = b"\r\n\r\n"


class Relay:
    """One relay; every call of ``send`` has a connection of its own while it lasts."""

    def __init__(self, url: str, settings: Outbound, hostname: str, tls: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        self.name = url
        self._host = parts.hostname or "localhost"
        self._implicit_tls = parts.scheme == "smtps"
        self._port = parts.port or (465 if self._implicit_tls else 25)
        self._username = unquote(parts.username or "") or settings.username
        self._settings = settings
        self._hostname = hostname
        self._tls = tls
        self._idle: list[SMTP] = []

    async def send(self, mail_from: str, recipient: str, data: bytes, message_id: str) -> str:
        """Send one mail; see ``Transport``. A kept connection that the relay closed meanwhile is replaced."""
        for address in (mail_from, recipient):
            if not _SPEAKABLE.fullmatch(address) or len(address) > 320:
                raise Permanent("The address is malformed.", f"{address!r} cannot be written in SMTP", "5.1.3")
        client, kept = await self._connection()
        try:
            try:
                await self._mail(client, mail_from, recipient, data)
            except aiosmtplib.SMTPServerDisconnected:
                if not kept:
                    raise
                client = await self._connect()
                await self._mail(client, mail_from, recipient, data)
            await self._deliver(client, recipient, data)
        except (GatewayError, aiosmtplib.SMTPException, OSError) as problem:
            client.close()
            raise self._failure(problem) from problem
        except BaseException:
            client.close()
            raise
        self._idle.append(client)
        return self.name

    async def close(self) -> None:
        """Say goodbye on every kept connection."""
        while self._idle:
            client = self._idle.pop()
            try:
                await client.quit(timeout=2)
            except (aiosmtplib.SMTPException, OSError):
                client.close()

    async def _connection(self) -> tuple[SMTP, bool]:
        while self._idle:
            client = self._idle.pop()
            if client.is_connected:
                return client, True
        return await self._connect(), False

    async def _connect(self) -> SMTP:
        try:
            client = self._client()
            await client.connect()
            if client.is_ehlo_or_helo_needed:
                await client.ehlo()
        except (aiosmtplib.SMTPException, OSError, ValueError) as problem:
            where = f"{self._host}:{self._port}"
            raise Temporary("The relay could not be reached.", f"{where}: {problem}", "4.4.1") from problem
        return client

    def _client(self) -> SMTP:
        """A password goes only over TLS with a verified certificate, unless TLS is switched off by hand."""
        required = self._settings.tls == "required" or (bool(self._username) and self._settings.tls == "opportunistic")
        start_tls = False if self._implicit_tls or self._settings.tls == "none" else True if required else None
        verified = required or self._implicit_tls
        return SMTP(
            hostname=self._host,
            port=self._port,
            username=self._username or None,
            password=self._settings.password if self._username else None,
            local_hostname=self._hostname,
            timeout=self._settings.timeout_seconds,
            use_tls=self._implicit_tls,
            start_tls=start_tls,
            tls_context=self._tls,
            validate_certs=verified,
        )

    async def _mail(self, client: SMTP, mail_from: str, recipient: str, data: bytes) -> None:
        """MAIL with what the mail needs (RFC 6152, RFC 6531), refused here where the relay does not offer it."""
        options = [b"SIZE=%d" % len(data)] if client.supports_extension("size") else []
        if not data.isascii():
            options.append(b"BODY=8BITMIME")
            if not client.supports_extension("8bitmime"):
                raise Permanent("The mail cannot be carried.", f"{self._host} does not offer 8BITMIME", "5.6.3")
        if not (mail_from.isascii() and recipient.isascii() and data[: data.find(_HEADERS_END)].isascii()):
            options.append(b"SMTPUTF8")
            if not client.supports_extension("smtputf8"):
                raise Permanent("The address cannot be served.", f"{self._host} does not offer SMTPUTF8", "5.6.7")
        _expect(await client.execute_command(b"MAIL", b"FROM:<" + mail_from.encode() + b">", *options), 250)

    async def _deliver(self, client: SMTP, recipient: str, data: bytes) -> None:
        """RCPT and DATA for the one recipient."""
        _expect(await client.execute_command(b"RCPT", b"TO:<" + recipient.encode() + b">"), 250, 251)
        await client.data(data)

    def _failure(self, problem: Exception) -> GatewayError:
        if isinstance(problem, GatewayError):
            return problem
        where = f"{self._host}:{self._port}"
        if not isinstance(problem, aiosmtplib.SMTPResponseException):
            return Temporary("The connection to the relay failed.", f"{where}: {problem!r}", "4.4.2")
        enhanced = _ENHANCED.match(problem.message)
        permanent = 500 <= problem.code < 600 and problem.code not in _OUR_SETUP
        kind: type[GatewayError] = Permanent if permanent else Temporary
        text = " ".join(problem.message.split())[:500]
        return kind("The relay refused the mail.", f"{where}: {problem.code} {text}", enhanced[1] if enhanced else "")


def _expect(response: SMTPResponse, *codes: int) -> None:
    if response.code not in codes:
        raise aiosmtplib.SMTPResponseException(response.code, response.message)
