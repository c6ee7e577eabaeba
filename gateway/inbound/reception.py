"""What stands behind the listeners: whose mail we take, who may log in, and whether we can take any now."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from datetime import datetime

from gateway.desk import threading, tokens
from gateway.desk.tokens import Keys
from gateway.model import Envelope
from gateway.settings import Settings


class Reception:
    """The ``Intake`` of the running gateway. ``trouble`` comes from who watches disk, backlog and database."""

    def __init__(
        self,
        settings: Settings,
        keys: Keys,
        accept: Callable[[Envelope, bytes], Awaitable[int]],
        clock: Callable[[], datetime],
        trouble: Callable[[], str],
    ) -> None:
        self._settings = settings
        self._keys = keys
        self._accept = accept
        self._clock = clock
        self._domains = {address.rpartition("@")[2] for address in settings.by_address}
        self._trouble = trouble

    async def accept(self, envelope: Envelope, raw: bytes) -> int:
        """Once for each ticket that the mail is for; returns the first one's id when all are kept."""
        envelopes = threading.apart(envelope, self._settings, self._keys, self._clock())
        ids = [await self._accept(one, raw) for one in envelopes]
        return ids[0]

    def knows(self, address: str) -> bool:
        """Own addresses, those with a genuine token, and postmaster (RFC 5321 §4.5.1)."""
        folded = address.lower()
        local, _, domain = folded.rpartition("@")
        if folded == "postmaster" or (local == "postmaster" and domain in self._domains):
            return True
        if folded in self._settings.by_address:
            return True
        _, token = tokens.split(folded, self._settings.by_address)
        return tokens.verify(self._keys, token, self._clock()) is not None

    def authenticate(self, username: str, password: str) -> str:
        """The address of the agent, or nothing. An unknown name costs the same comparison as a wrong password."""
        agent = self._settings.agents.get(username.strip().lower())
        expected = agent.password if agent is not None else ""
        right = hmac.compare_digest(password.encode("utf-8", "surrogatepass"), expected.encode("utf-8"))
        return agent.address if agent is not None and expected and right else ""

    def trouble(self) -> str:
        return self._trouble()
