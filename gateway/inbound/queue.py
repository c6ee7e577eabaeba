"""Accepted mails in memory, on their way from the journal to their end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from gateway.db.mails import Waiting
from gateway.model import Envelope

MOST_BYTES = 16 * 1024 * 1024
"""Of raw mails; what comes beyond is claimed from the database later. Twice as much for senders that have none here."""


class _Turns:
    """Mails whose senders take turns, so that no flood of one's mails delays another's."""

    def __init__(self) -> None:
        self._turns: deque[str] = deque()
        self._of: dict[str, deque[Waiting]] = {}

    def __contains__(self, sender: str) -> bool:
        return sender in self._of

    def __bool__(self) -> bool:
        return bool(self._turns)

    def append(self, waiting: Waiting) -> None:
        sender = _sender(waiting.envelope)
        if sender not in self._of:
            self._of[sender] = deque()
            self._turns.append(sender)
        self._of[sender].append(waiting)

    @property
    def next(self) -> Waiting:
        return self._of[self._turns[0]][0]

    def pop(self) -> Waiting:
        sender = self._turns.popleft()
        mails = self._of[sender]
        waiting = mails.popleft()
        if mails:
            self._turns.append(sender)
        else:
            del self._of[sender]
        return waiting


class Queue:
    """What may be urgent goes ahead of all others; within each kind the senders take turns. Lives in the event loop."""

    def __init__(self) -> None:
        self._urgent = _Turns()
        self._others = _Turns()
        self._held: set[int] = set()
        self._length = 0
        self.bytes = 0
        self.filled = asyncio.Event()

    def has_room(self, envelope: Envelope) -> bool:
        """Whether a mail from this sender shall wait in memory."""
        if self.bytes < MOST_BYTES:
            return True
        sender = _sender(envelope)
        return self.bytes < 2 * MOST_BYTES and sender not in self._urgent and sender not in self._others

    def put(self, mails: Sequence[Waiting]) -> int:
        """Take mails in, each once until it is ``done``; returns how many were new."""
        fresh = [m for m in mails if m.id not in self._held]
        for waiting in fresh:
            (self._urgent if waiting.urgent else self._others).append(waiting)
            self.bytes += len(waiting.raw)
        self._held.update(m.id for m in fresh)
        self._length += len(fresh)
        if fresh:
            self.filled.set()
        return len(fresh)

    def take(self, most: int, most_bytes: int) -> list[Waiting]:
        """The next mails, at least one if there is any, together not much over ``most_bytes``. What may be urgent goes
        without others, whose reading it would wait for."""
        taken: list[Waiting] = []
        size = 0
        lane = self._urgent or self._others
        while len(taken) < most and lane:
            if taken and size + lane.next.size > most_bytes:
                break
            taken.append(lane.pop())
            size += taken[-1].size
            self.bytes -= len(taken[-1].raw)
        self._length -= len(taken)
        if not self._length:
            self.filled.clear()
        return taken

    def done(self, mails: Sequence[Waiting]) -> None:
        """These came to an end, or may be claimed again."""
        self._held.difference_update(m.id for m in mails)

    def in_hand(self) -> list[int]:
        """The mails that were put in and are not done."""
        return list(self._held)

    def __len__(self) -> int:
        return self._length


def _sender(envelope: Envelope) -> str:
    """Whose turn it is; all bounces of one host are one's."""
    return envelope.mail_from.lower() or envelope.peer
