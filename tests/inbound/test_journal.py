from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.db.store import Store, open_store
from gateway.errors import Temporary
from gateway.inbound.journal import Journal
from gateway.inbound.queue import Queue
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


async def test_a_mail_for_which_memory_has_no_room_is_anybodys(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue()
    monkeypatch.setattr(queue, "has_room", lambda envelope: envelope.mail_from != "flood@example.net")
    journal = _journal(store, queue)
    flood = Envelope("smtp", "flood@example.net", ("support@example.com",))
    await asyncio.gather(journal.accept(flood, b"one of many"), journal.accept(ENVELOPE, b"another's"))
    assert [w.raw for w in queue.take(10, 1000)] == [b"another's"]
    claimed = store.writer.run(lambda connection: store.mails.claim(connection, NOW, 10))
    assert [w.raw for w in claimed] == [b"one of many"]


async def test_the_door_hears_who_comes_and_who_is_in_even_where_nothing_could_be_kept(store: Store) -> None:
    journal, heard = _journal(store), []
    journal.door.came = lambda: heard.append(1)
    journal.door.left = lambda number: heard.append(-number)
    await asyncio.gather(*(journal.accept(ENVELOPE, b"x") for _ in range(3)))
    store.writer.close()
    await asyncio.gather(*(journal.accept(ENVELOPE, b"x") for _ in range(3)), return_exceptions=True)
    assert (heard.count(1), sum(heard)) == (6, 0)
