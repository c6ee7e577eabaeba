"""Access tokens for servers that take no password (OAuth 2.0, RFC 6749): fetched when needed, kept until they end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import httpx

from gateway.errors import Temporary
from gateway.settings import Oauth, Settings

_SECONDS = 10.0
_EARLY = 60.0
"""Seconds before its end from which a token is not used any more."""
_LIFE = 300.0
"""Of a token that tells no end."""


class Tokens:
    """Safe in any thread."""

    def __init__(self, settings: Oauth, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._until = 0.0

    def __call__(self) -> str:
        """One that holds for a minute at least. Blocks. Raises Temporary where none is to be had."""
        with self._lock:
            if not self._token or self._clock() > self._until - _EARLY:
                self._token, seconds = self._fetch()
                self._until = self._clock() + seconds
            return self._token

    def forget(self) -> None:
        """A server does not take it."""
        with self._lock:
            self._token = ""

    def _fetch(self) -> tuple[str, float]:
        settings = self._settings
        form = {"client_id": settings.client_id, "client_secret": settings.client_secret, "scope": settings.scope}
        if settings.refresh_token:  # RFC 6749 §6; else the client's own rights, §4.4
            form |= {"grant_type": "refresh_token", "refresh_token": settings.refresh_token}
        else:
            form |= {"grant_type": "client_credentials"}
        try:
            form = {name: value for name, value in form.items() if value}
            response = httpx.post(settings.token_url, data=form, timeout=_SECONDS, follow_redirects=False)
            answer = response.json()
        except (httpx.HTTPError, ValueError) as problem:
            raise _failure(settings, type(problem).__name__) from problem
        if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
            says = answer if isinstance(answer, dict) else {}
            reason = f"{says.get('error', '')} {says.get('error_description', '')}".strip()
            raise _failure(settings, f"HTTP {response.status_code} {reason[:300]}".strip())
        return answer["access_token"], _seconds(answer.get("expires_in"))


def _seconds(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return _LIFE


def _failure(settings: Oauth, reason: str) -> Temporary:
    return Temporary("No access token.", f"no access token from {settings.token_url}: {reason}")


def tokens_of(settings: Settings) -> Tokens | None:
    """None where the settings name nobody who gives tokens."""
    return Tokens(settings.oauth) if settings.oauth is not None else None
