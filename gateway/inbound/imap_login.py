"""How an IMAP server is reached: the connection, its encryption, and the login."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientError

from gateway.errors import Temporary
from gateway.oauth import Tokens
from gateway.settings import Imap

_CONNECT_SECONDS = 10.0
"""For the connection and the greeting, which nobody can break off."""


class Refused(Temporary):
    """The server said no to a command; the connection is sound."""


class Broken(Temporary):
    """The connection is gone, or what comes over it is no IMAP."""


def connect(settings: Imap) -> IMAPClient:
    """Open the connection and hear the greeting; by TLS for ``imaps://``. Raises what library and socket raise."""
    server = urlsplit(settings.server)
    encrypted = server.scheme == "imaps"
    return IMAPClient(
        server.hostname or "",
        server.port or (993 if encrypted else 143),
        ssl=encrypted,
        ssl_context=_context(settings) if encrypted else None,
        timeout=SocketTimeout(min(settings.timeout_seconds, _CONNECT_SECONDS), settings.timeout_seconds),
    )


def _context(settings: Imap) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)


def secure(client: IMAPClient, settings: Imap) -> None:
    """STARTTLS. Who is greeted as logged in already cannot ask for it any more (RFC 9051 §11.1)."""
    if client.ssl or settings.tls == "none":
        return
    if bytes(client.welcome or b"").upper().startswith(b"* PREAUTH"):
        raise Refused("", "the server greets with PREAUTH, which rules out TLS; use imaps://")
    if not client.has_capability("STARTTLS"):
        raise Refused("", 'the server offers no STARTTLS; use imaps://, or tls = "none" on a network of your own')
    client.starttls(_context(settings))
    client._cached_capabilities = None  # what was said before TLS does not count (RFC 9051 §6.2.1)


def log_in(client: IMAPClient, settings: Imap, tokens: Tokens | None) -> None:
    """By an access token, or by the password: with AUTH=PLAIN where the server has it, else with LOGIN."""
    if settings.login == "oauth" and tokens is not None:
        try:
            client.oauth2_login(settings.username, tokens())
        except IMAPClientError:
            tokens.forget()
            raise
    elif client.has_capability("AUTH=PLAIN"):  # takes any password; LOGIN's quoting knows ASCII only
        client.plain_login(settings.username, settings.password)
    else:
        if not (settings.username + settings.password).isprintable():  # a line break would begin another command
            raise Refused("", "user name or password hold characters that the server's LOGIN cannot take")
        client.login(settings.username, settings.password)
