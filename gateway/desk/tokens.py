"""Reply and return addresses that carry a proof: ``local+TOKEN@domain``.

A token says "has seen our mail about this ticket, as this participant" and nothing more: who it was given to is
checked by the desk, and it never proves by itself that somebody is a customer of another ticket. It holds purpose,
key generation, ticket, subject (participant, agent or delivery) and day of expiry under HMAC-SHA-256 cut to 96 bits,
in base32, so that it survives systems that fold the case of local parts, which RFC 5321 §2.4 forbids and some do.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from functools import lru_cache

_BODY = struct.Struct(">BBIIH")
_MAC_BYTES = 12
_EPOCH = date(2020, 1, 1)
_LENGTH = (_BODY.size + _MAC_BYTES) * 8 // 5 + 1
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [first + second for first in _BASE32 for second in _BASE32]
_SHIFTS = range(40 * -(-_LENGTH // 8) - 10, -1, -10)


class Purpose(IntEnum):
    PARTICIPANT = 1
    """Reply address of a participant; ``subject`` is the participant's id."""
    AGENT = 2
    """Reply address of an agent; ``subject`` is ``agent_number(address)``."""
    DELIVERY = 3
    """Return path; ``subject`` is the id of the outgoing mail."""
    INTERNAL = 4
    """Reply address of an agent, as AGENT, in a mail that shows what nobody outside has seen: a note, say."""


STAFF = frozenset({Purpose.AGENT, Purpose.INTERNAL})
"""What only agents are given."""


@dataclass(frozen=True, slots=True)
class Token:
    purpose: Purpose
    ticket_id: int
    subject: int
    expires: date


@dataclass(frozen=True, slots=True)
class Keys:
    """Secrets by generation. The newest makes tokens, all of them read."""

    by_generation: Mapping[int, bytes]

    @property
    def newest(self) -> int:
        return max(self.by_generation)


@lru_cache(1024)
def agent_number(address: str) -> int:
    """An agent's address as 32 bits, for a token. The desk compares it with the agents that are listed now."""
    return int.from_bytes(hashlib.sha256(address.lower().encode()).digest()[:4], "big")


def make(keys: Keys, purpose: Purpose, ticket_id: int, subject: int, now: datetime, days: int = 365) -> str:
    """The token's text: lower-case base32."""
    generation = keys.newest
    expires = now.toordinal() + days - _EPOCH.toordinal()
    body = _BODY.pack(generation, purpose, ticket_id, subject, expires)
    return _base32(body + _mac(keys.by_generation[generation], body))


def verify(keys: Keys, text: str, now: datetime) -> Token | None:
    """The token, where it is genuine and not expired; None for anything else, without a difference in time."""
    raw = _decode(text)
    if raw is None:
        return None
    body, mac = raw[: _BODY.size], raw[_BODY.size :]
    generation, purpose, ticket_id, subject, days = _BODY.unpack(body)
    key = keys.by_generation.get(generation, b"")
    if not hmac.compare_digest(mac, _mac(key, body)) or not key or purpose not in set(Purpose):
        return None
    expires = _EPOCH + timedelta(days=days)
    if expires < now.astimezone(UTC).date():
        return None
    return Token(Purpose(purpose), ticket_id, subject, expires)


def split(address: str, own: Container[str]) -> tuple[str, str]:
    """``support+TOKEN@example.com`` -> (``support@example.com``, ``TOKEN``), where the first is one of our ``own``
    addresses; the token is empty where there is none, and both where the address is a stranger's.

    An address of ours may hold a plus itself, so the whole one goes first, and then the longest. Give it folded.
    """
    local, _, domain = address.rpartition("@")
    for base, _, token in ((local, "", ""), local.rpartition("+"), local.partition("+")):
        if f"{base}@{domain}" in own:
            return f"{base}@{domain}", token
    return "", ""


def join(address: str, token: str) -> str:
    """The opposite of ``split``."""
    local, _, domain = address.rpartition("@")
    return f"{local}+{token}@{domain}"


def _mac(key: bytes, body: bytes) -> bytes:
    mac = keyed(key, b"ticket-gateway reply address\0").copy()
    mac.update(body)
    return mac.digest()[:_MAC_BYTES]


@lru_cache(64)
def keyed(key: bytes, use: bytes) -> hmac.HMAC:
    """An HMAC-SHA-256 for this use of a key, to be copied: setting one up takes longer than what it is for."""
    return hmac.new(key, use, "sha256")


def _base32(raw: bytes) -> str:
    """In lower case and without padding, ten bits at a time, in half the time of ``base64.b32encode``."""
    whole = int.from_bytes(raw + bytes(-len(raw) % 5), "big")
    return "".join([_PAIRS[whole >> shift & 1023] for shift in _SHIFTS])[:_LENGTH]


def _decode(text: str) -> bytes | None:
    if len(text) != _LENGTH or not text.isascii():
        return None
    try:
        return base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    except binascii.Error:
        return None
