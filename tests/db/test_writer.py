from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, func, insert, select, update

from gateway.db.ids import Ids
from gateway.db.schema import seen, sender
from gateway.db.store import Store
from gateway.db.writer import HURRIED_MILLISECONDS, LOCK_MILLISECONDS, Writer
from gateway.errors import Temporary, Unavailable

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def _put(key: str):
    return lambda connection: connection.execute(insert(seen), [{"key": key, "mail_id": 1}])


def _count(store: Store) -> int:
    return store.writer.run(lambda connection: connection.execute(select(func.count()).select_from(seen)).scalar_one())


def _blocked(store: Store) -> threading.Event:
    """Keep the writer busy until the event is set, so that what is submitted meanwhile shares a transaction."""
    begun, go = threading.Event(), threading.Event()
    store.writer.submit(lambda _: begun.set() or go.wait(30))
    assert begun.wait(30)
    return go


@contextmanager
def _locked(store: Store) -> Iterator[None]:
    """The row ``a``, by a node that says nothing more."""
    store.writer.run(_put("a"))
    with store.engine.connect() as dead:
        dead.execute(update(seen).where(seen.c.key == "a").values(mail_id=3))
        yield


def test_a_job_returns_its_result_after_the_commit(store: Store) -> None:
    assert store.writer.run(lambda _: 42) == 42


def test_jobs_that_arrive_together_share_a_transaction(store: Store) -> None:
    go = _blocked(store)
    transactions: list[int] = []
    jobs = [store.writer.submit(lambda c: transactions.append(id(c.get_transaction()))) for _ in range(5)]
    go.set()
    wait(jobs, 30)
    assert len(set(transactions)) == 1


def test_who_waits_at_the_door_goes_ahead_but_only_in_turns(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.db.writer.MOST_SECONDS", -1.0)  # each of the others in a transaction of its own
    go, order = _blocked(store), []
    jobs = [store.writer.submit(lambda _, n=n: order.append(n)) for n in ("a", "b", "c")]
    jobs += [store.writer.submit(lambda _, n=n: order.append(n), at_the_door=True) for n in ("door 1", "door 2")]
    go.set()
    wait(jobs, 30)
    assert order == ["door 1", "a", "door 2", "b", "c"]
    assert all(job.done() for job in jobs)


def test_a_job_that_fails_spoils_none_of_its_neighbours(store: Store) -> None:
    go = _blocked(store)
    good = store.writer.submit(_put("a"))
    bad = store.writer.submit(lambda _: 1 / 0)
    also_good = store.writer.submit(_put("b"))
    go.set()
    wait([good, bad, also_good], 30)
    assert isinstance(bad.exception(), ZeroDivisionError)
    assert good.exception() is None
    assert also_good.exception() is None
    assert _count(store) == 2


@pytest.mark.incident("Exceptions told to clients")
def test_trouble_quotes_nothing_of_what_was_to_be_written(store: Store) -> None:
    with pytest.raises(Temporary) as trouble:
        store.writer.run(lambda c: c.execute(insert(seen), [{"key": "words of a mail", "mail_id": None}]))
    assert "NULL" in trouble.value.private.upper()
    for quoted in ("INSERT", "words of a mail", "sqlalche.me"):
        assert quoted not in trouble.value.private


def test_a_job_that_the_database_refuses_is_temporary_trouble(store: Store) -> None:
    store.writer.run(_put("a"))
    with pytest.raises(Temporary) as trouble:
        store.writer.run(_put("a"))
    assert "seen" not in trouble.value.public
    assert _count(store) == 1


def test_a_row_that_is_too_long_for_its_index_is_its_own_fault(store: Store) -> None:
    if store.embedded:
        pytest.skip("it has no such limit")
    address = "".join(map(chr, random.Random(1).choices(range(0x4E00, 0x9FFF), k=5000)))
    row = {"address": address, "mails_since": 0, "mails": 0, "acks_since": 0, "acks": 0}
    with pytest.raises(Temporary) as trouble:
        store.writer.run(lambda connection: connection.execute(insert(sender), [row]))
    assert not isinstance(trouble.value, Unavailable)


def test_the_writer_goes_on_after_it_lost_its_connection(store: Store) -> None:
    def cut(connection: Connection) -> None:
        connection.connection.dbapi_connection.close()  # type: ignore[union-attr]
        connection.execute(select(1))

    with pytest.raises(Temporary):
        store.writer.run(cut)
    store.writer.run(_put("a"))
    assert _count(store) == 1


def test_a_job_that_was_called_off_is_left_out_and_harms_no_other(store: Store) -> None:
    go = _blocked(store)
    called_off = store.writer.submit(_put("a"))
    good = store.writer.submit(_put("b"))
    assert called_off.cancel()
    go.set()
    assert good.result(30) is not None
    assert _count(store) == 1


def test_a_closed_writer_refuses_jobs_and_finishes_those_it_has(store: Store) -> None:
    go = _blocked(store)
    last = store.writer.submit(_put("a"))
    closing = threading.Thread(target=store.writer.close)
    closing.start()
    go.set()
    closing.join(30)
    assert last.exception() is None
    with pytest.raises(Temporary):
        store.writer.run(_put("b"))


def test_a_lock_that_a_dead_node_left_behind_holds_up_only_who_needs_it(store: Store) -> None:
    if store.embedded:
        pytest.skip("nobody else writes")
    store.writer.run(_put("a"))
    touch = update(seen).where(seen.c.key == "a").values(mail_id=2)
    with store.engine.connect() as dead:
        dead.execute(touch)
        go = _blocked(store)
        stuck = store.writer.submit(lambda connection: connection.execute(touch))
        other = store.writer.submit(_put("b"))
        go.set()
        assert other.exception(30) is None
        assert isinstance(stuck.exception(30), Unavailable)
    store.writer.run(lambda connection: connection.execute(touch))


def test_a_node_that_stands_still_within_a_transaction_loses_its_locks_to_who_waits(store: Store) -> None:
    if store.embedded:
        pytest.skip("nobody else writes")
    store.writer.run(_put("a"))
    held, go_on = threading.Event(), threading.Event()

    def stands_still(connection: Connection) -> None:
        connection.execute(update(seen).where(seen.c.key == "a").values(mail_id=2))
        held.set()
        go_on.wait(30)
        connection.execute(update(seen).where(seen.c.key == "a").values(mail_id=3))

    other = Writer(store.engine, Ids())
    other.start()
    try:
        still = other.submit(stands_still)
        assert held.wait(30)
        store.writer.run(lambda connection: connection.execute(update(seen).values(mail_id=4)))
        go_on.set()
        assert isinstance(still.exception(30), Unavailable)
    finally:
        go_on.set()
        other.close()
    assert store.writer.run(lambda connection: connection.execute(select(seen.c.mail_id)).scalar_one()) == 4


def test_a_lock_that_stays_is_waited_for_once_and_not_by_each_who_needs_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    if store.embedded:
        pytest.skip("nobody else writes")
    monkeypatch.setattr("gateway.db.writer.MOST_SECONDS", -1.0)
    patience: list[str] = []

    def stuck(connection: Connection) -> None:
        patience.append(connection.exec_driver_sql("SHOW lock_timeout").scalar_one())
        connection.execute(update(seen).where(seen.c.key == "a").values(mail_id=2))

    with _locked(store):
        go = _blocked(store)
        jobs = [store.writer.submit(stuck) for _ in range(5)]
        last = store.writer.submit(_put("b"))
        go.set()
        assert last.exception(30) is None
        assert [isinstance(job.exception(30), Unavailable) for job in jobs] == [True] * 5
    assert _count(store) == 2
    # The first one in the transaction of all, then each alone.
    assert patience == [f"{LOCK_MILLISECONDS}ms", *[f"{HURRIED_MILLISECONDS}ms"] * 5]


def test_what_needs_no_lock_of_others_goes_in_between_where_one_is_in_the_way(store: Store) -> None:
    if store.embedded:
        pytest.skip("nobody else writes")
    order: list[str] = []
    late: list[Future[None]] = []

    def stuck(connection: Connection) -> None:
        order.append("stuck")
        if order.count("stuck") == 3:
            late.append(store.writer.submit(lambda _: order.append("late light"), light=True))
        connection.execute(update(seen).where(seen.c.key == "a").values(mail_id=2))

    with _locked(store):
        go = _blocked(store)
        jobs = [store.writer.submit(stuck) for _ in range(5)]
        light = store.writer.submit(lambda _: order.append("light"), light=True)
        go.set()
        wait([*jobs, light], 30)
        wait(late, 30)
    assert order == ["stuck", "light", "stuck", "stuck", "late light", "stuck", "stuck", "stuck"]


def test_a_transaction_that_takes_too_long_is_ended_whatever_it_does(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    if store.embedded:
        pytest.skip("nobody else writes")
    monkeypatch.setattr("gateway.db.writer.WHOLE_MILLISECONDS", 100)
    other = Writer(store.engine, Ids())
    other.start()
    try:
        slow = other.submit(lambda connection: connection.exec_driver_sql("SELECT pg_sleep(30)"))
        assert isinstance(slow.exception(30), Unavailable)
    finally:
        other.close()
