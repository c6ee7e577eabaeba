"""Who may come in: counts of connections and of failed logins, per peer. No I/O; the clock is an argument."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from gateway.settings import Smtp

LOGIN_WINDOW_SECONDS = 600.0
_MOST_PEERS_REMEMBERED = 10_000
_CROWDED = 0.9


@lru_cache(maxsize=1024)
def peer_key(host: str) -> str:
    """The address that limits count by: a customer of an IPv6 provider owns a whole /64."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Address(int(address) >> 64 << 64))


class Door:
    """Counts the connections inside, in all and per peer, and the failed logins of late."""

    def __init__(self, settings: Smtp) -> None:
        self._settings = settings
        self._inside: Counter[str] = Counter()
        self._total = 0
        self._failed: dict[str, tuple[int, float]] = {}

    def enter(self, peer: str) -> bytes:
        """Let a connection in, to be ended by ``leave``; or the reply that sends it away."""
        if self._total >= self._settings.max_connections:
            return b"421 4.3.2 Too many connections, try again later\r\n"
        if self._inside[peer] >= self._settings.max_connections_per_peer:
            return b"421 4.7.0 Too many connections from your address\r\n"
        self._inside[peer] += 1
        self._total += 1
        return b""

    def leave(self, peer: str) -> None:
        self._total -= 1
        self._inside[peer] -= 1
        if not self._inside[peer]:
            del self._inside[peer]

    @property
    def crowded(self) -> bool:
        """More than nine tenths full: time to be less patient."""
        return self._total > _CROWDED * self._settings.max_connections

    def may_log_in(self, peer: str, now: float) -> bool:
        count, since = self._failed.get(peer, (0, now))
        return count < self._settings.max_login_failures or now - since > LOGIN_WINDOW_SECONDS

    def login_failed(self, peer: str, now: float) -> None:
        count, since = self._failed.pop(peer, (0, now))
        if now - since > LOGIN_WINDOW_SECONDS:
            count, since = 0, now
        if len(self._failed) >= _MOST_PEERS_REMEMBERED:
            del self._failed[next(iter(self._failed))]  # the one that has been quiet longest
        self._failed[peer] = count + 1, since
