"""The X-Gateway-Loop header: a mark on every mail of ours, signed, so that one that comes back is known as our own.

Whoever replays the mark of a mail he got only makes his own mail unanswered.
"""

from __future__ import annotations

import hmac

from gateway.desk.tokens import Keys, keyed

HEADER = "X-Gateway-Loop"
_MAC_BYTES = 12
_LONGEST = 300


def sign(keys: Keys, unique: str) -> str:
    """The header's value for the mail with that unique part of its Message-ID: ``GENERATION.MAC.UNIQUE``."""
    generation = keys.newest
    return f"{generation}.{_mac(keys.by_generation[generation], unique)}.{unique}"


def verify(keys: Keys, value: str) -> bool:
    """Whether a mail with this header value, however hostile, is one of ours."""
    generation, _, rest = value.strip()[:_LONGEST].partition(".")
    mac, _, unique = rest.partition(".")
    if not (value.isascii() and generation.isdigit() and len(generation) <= 3):
        return False
    key = keys.by_generation.get(int(generation), b"")
    return hmac.compare_digest(mac, _mac(key, unique)) and bool(key)


def _mac(key: bytes, unique: str) -> str:
    mac = keyed(key, b"ticket-gateway loop\0").copy()
    mac.update(unique.encode())
    return mac.digest()[:_MAC_BYTES].hex()
