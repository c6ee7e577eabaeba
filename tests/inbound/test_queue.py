from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.db.mails import Waiting
from gateway.inbound.queue import MOST_BYTES, Queue
from gateway.model import Envelope

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def _envelope(sender: str, peer: str = "192.0.2.1") -> Envelope:
    return Envelope("smtp", sender, ("support@example.com",), peer)


def _waiting(id_: int, raw: bytes = b"x", sender: str = "kim@example.net", peer: str = "192.0.2.1") -> Waiting:
    return Waiting(id_, _envelope(sender, peer), raw, NOW, size=len(raw))


def _taken(queue: Queue, most: int = 100) -> list[int]:
    return [w.id for w in queue.take(most, 10_000)]


def test_what_may_be_urgent_overtakes_what_waits() -> None:
    queue = Queue()
    queue.put([_waiting(1, b"Subject: a question"), replace(_waiting(2), urgent=True)])
    assert _taken(queue) == [2]
    assert _taken(queue) == [1]


def test_a_mail_is_in_the_queue_once_until_it_is_done() -> None:
    queue = Queue()
    assert queue.put([_waiting(1)]) == 1
    assert queue.put([_waiting(1)]) == 0
    taken = queue.take(10, 100)
    assert queue.put([_waiting(1)]) == 0
    queue.done(taken)
    assert queue.put([_waiting(1)]) == 1


@pytest.mark.incident("Memory of large mails")
def test_a_batch_holds_few_large_mails_and_at_least_one() -> None:
    queue = Queue()
    queue.put([_waiting(n, bytes(100)) for n in range(5)])
    assert len(queue.take(10, 250)) == 2
    assert len(queue.take(10, 1)) == 1
    assert queue.bytes == 200
    assert queue.filled.is_set()
    queue.take(10, 1000)
    assert not queue.filled.is_set()


def test_a_flood_of_one_sender_delays_nobody_else() -> None:
    queue = Queue()
    queue.put([_waiting(n, sender="flood@example.net") for n in range(50)])
    queue.put([_waiting(50, sender="Lee@example.net"), _waiting(51, sender="lee@example.net"), _waiting(52)])
    assert _taken(queue, 6) == [0, 50, 52, 1, 51, 2]
    assert _taken(queue) == list(range(3, 50))


def test_the_senders_of_what_may_be_urgent_take_turns_too() -> None:
    queue = Queue()
    queue.put([replace(_waiting(n, sender="flood@example.net"), urgent=True) for n in range(3)])
    queue.put([_waiting(3), replace(_waiting(4), urgent=True)])
    assert _taken(queue) == [0, 4, 1, 2]
    assert _taken(queue) == [3]


def test_bounces_take_the_turns_of_the_host_that_brings_them() -> None:
    queue = Queue()
    queue.put([_waiting(n, sender="", peer="192.0.2.1") for n in range(3)])
    queue.put([_waiting(3, sender="", peer="192.0.2.2")])
    assert _taken(queue) == [0, 3, 1, 2]


def test_memory_that_is_full_has_room_for_those_who_have_nothing_in_it_but_not_without_end() -> None:
    queue = Queue()
    assert queue.has_room(_envelope("kim@example.net"))
    queue.put([_waiting(1, bytes(MOST_BYTES))])
    assert not queue.has_room(_envelope("Kim@example.net"))
    assert queue.has_room(_envelope("lee@example.net"))
    queue.put([replace(_waiting(2, bytes(MOST_BYTES), "lee@example.net"), urgent=True)])
    assert not queue.has_room(_envelope("pat@example.net"))
    queue.take(1, MOST_BYTES)
    queue.take(1, MOST_BYTES)
    assert queue.has_room(_envelope("kim@example.net"))
