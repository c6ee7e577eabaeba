"""What the children that read hand back, and how it travels."""

from __future__ import annotations

from struct import Struct

from gateway.db.raw import Span
from gateway.model import Carried, ReadMail, Verdict, record

Raw = bytes | Span
"""A mail, or where it lies."""
LENGTH = Struct("!Q")
"""In front of every pickle on the socket between parent and child."""


@record
class Read(Carried):
    """A mail that was read and judged."""

    mail: ReadMail
    verdict: Verdict


@record
class Missing:
    """A mail that could not be had: its disk is damaged, or away."""

    why: str


@record
class Unreadable(Carried):
    """A mail that could not be read, why, and what is safe of it."""

    why: str
    mail: ReadMail


Finding = Read | Unreadable | Missing


def fetch(at: Raw) -> bytes:
    """The mail itself. Raises OSError or ValueError where it cannot be had."""
    return at if isinstance(at, bytes) else at.read()
