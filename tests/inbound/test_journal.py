from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.db.mails import Waiting
from gateway.db.store import Store, open_store
from gateway.errors import Temporary
from gateway.inbound.journal import Journal, Queue
from gateway.model import Envelope

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ENVELOPE = Envelope("smtp", "kim@example.net", ("support@example.com",))


@pytest.fixture
def store(tmp_path: Path):
    store = open_store(f"sqlite:///{tmp_path / 'g.db'}", "node-a", serve=True)
    yield store
    store.close()


def _journal(store: Store, queue: Queue | None = None) -> Journal:
    return Journal(store.writer, store.mails, Queue() if queue is None else queue, lambda: NOW)


def _waiting(id_: int, raw: bytes = b"x") -> Waiting:
    return Waiting(id_, ENVELOPE, raw, NOW, size=len(raw))


async def test_an_accepted_mail_is_in_the_database_when_accept_returns(store: Store) -> None:
    id_ = await _journal(store).accept(ENVELOPE, b"raw")
    row = store.queries.mail(id_)
    assert (row.state, row.mail_from, row.size) == ("received", "kim@example.net", 3)


async def test_mails_that_arrive_together_share_a_commit(store: Store) -> None:
    transactions = 0
    begin = store.ids.begin

    def counted(connection) -> None:
        nonlocal transactions
        transactions += 1
        begin(connection)

    store.ids.begin = counted
    go = threading.Event()
    store.writer.submit(lambda _: go.wait(30))
    journal = _journal(store)
    mails = [asyncio.create_task(journal.accept(ENVELOPE, b"%d" % n)) for n in range(40)]
    await asyncio.sleep(0)
    go.set()
    assert sorted(await asyncio.gather(*mails)) == list(range(1, 41))
    assert transactions <= 3


async def test_mails_go_on_to_the_worker_in_memory(store: Store) -> None:
    queue = Queue()
    await _journal(store, queue).accept(ENVELOPE, b"raw")
    await asyncio.wait_for(queue.filled.wait(), 30)
    assert [(w.raw, w.received_at) for w in queue.take(10, 1000)] == [(b"raw", NOW)]


@pytest.mark.incident("Exceptions told to clients")
async def test_a_database_that_fails_is_temporary_trouble_for_everybody_in_the_batch(store: Store) -> None:
    journal = _journal(store)
    store.writer.close()
    results = await asyncio.gather(*(journal.accept(ENVELOPE, b"x") for _ in range(3)), return_exceptions=True)
    assert all(isinstance(r, Temporary) for r in results)


async def test_a_client_that_leaves_does_not_disturb_the_others(store: Store) -> None:
    go = threading.Event()
    store.writer.submit(lambda _: go.wait(30))
    journal = _journal(store)
    leaving = asyncio.create_task(journal.accept(ENVELOPE, b"a"))
    staying = asyncio.create_task(journal.accept(ENVELOPE, b"b"))
    await asyncio.sleep(0)
    leaving.cancel()
    go.set()
    assert await staying == 2
    assert len(store.queries.mails()) == 2


def test_what_may_be_urgent_overtakes_what_waits() -> None:
    queue = Queue()
    queue.put([_waiting(1, b"Subject: a question"), replace(_waiting(2), urgent=True)])
    assert [w.id for w in queue.take(10, 10_000)] == [2, 1]


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
