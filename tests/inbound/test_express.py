"""Mails that come while nothing else waits, and what sends them the usual way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from gateway.errors import Damaged, Unavailable
from gateway.inbound import express
from tests.databases import damage
from tests.inbound.bench import ENVELOPE, Bench, raw


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    await asyncio.to_thread(bench.store.close)


async def test_a_mail_that_comes_alone_is_a_ticket_when_its_client_hears_of_it(bench: Bench) -> None:
    id_ = await bench.express.accept(ENVELOPE, raw("Question"))
    (row,) = bench.store.queries.mails()
    assert (row.id, row.state) == (id_, "ticket")
    assert [one.mail_id for one in bench.applied] == [id_]
    assert not len(bench.queue)


@pytest.mark.incident("Durable and not acknowledged")
async def test_a_mail_that_was_taken_already_is_no_second_ticket(bench: Bench) -> None:
    for _ in range(2):
        await bench.express.accept(ENVELOPE, raw("Question"))
    assert [state for _, state in bench.states()] == ["ticket", "refused"]


async def test_while_another_mail_waits_a_mail_is_kept_first_and_waits_behind_it(bench: Bench) -> None:
    await bench.accept(raw("First", "a@example.net"))
    await bench.express.accept(ENVELOPE, raw("Second", "b@example.net"))
    assert {state for _, state in bench.states()} == {"received"}
    assert len(bench.queue) == 2


async def test_a_mail_is_kept_first_where_every_child_is_busy(bench: Bench) -> None:
    bench.reader.idle = False
    await bench.express.accept(ENVELOPE, raw("Question"))
    assert [state for _, state in bench.states()] == ["received"]


async def test_of_mails_that_come_at_once_all_but_the_first_go_on_together(bench: Bench) -> None:
    mails = [raw(f"Question {n}", f"kim{n}@example.net") for n in range(5)]
    await asyncio.gather(*(bench.express.accept(ENVELOPE, one) for one in mails))
    assert sorted(state for _, state in bench.states()) == ["received"] * 4 + ["ticket"]


async def test_nothing_is_kept_once_damage_to_the_database_is_found(bench: Bench) -> None:
    damage(bench.folder / "g.db", "seen")
    with pytest.raises(Damaged):
        await bench.express.accept(ENVELOPE, raw("Outage, nobody can log in"))
    assert bench.store.queries.mails() == []


async def test_a_large_mail_is_kept_first(bench: Bench) -> None:
    await bench.express.accept(ENVELOPE, raw("Large", text="x" * 20_000))
    assert [state for _, state in bench.states()] == ["received"]


async def test_a_mail_that_cannot_be_read_is_kept_first(bench: Bench) -> None:
    await bench.express.accept(ENVELOPE, raw("Strange", text="POISON"))
    assert [state for _, state in bench.states()] == ["received"]


async def test_a_mail_that_takes_long_to_read_is_kept_first(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(express, "PATIENCE_SECONDS", 0.01)
    bench.reader.go_on.clear()
    await bench.express.accept(ENVELOPE, raw("Question"))
    assert [state for _, state in bench.states()] == ["received"]
    bench.reader.go_on.set()


async def test_a_mail_that_cannot_be_decided_leaves_nothing_behind_and_is_kept_first(bench: Bench) -> None:
    bench.broken = lambda subject: True
    id_ = await bench.express.accept(ENVELOPE, raw("bad"))
    (row,) = bench.store.queries.mails()
    assert (row.id, row.state, row.attempts) == (id_, "received", 0)
    assert bench.store.queries.tickets() == []
    assert bench.applied == []


async def test_a_mail_is_not_taken_while_the_database_is_away(bench: Bench) -> None:
    begin, tries = bench.store.ids.begin, []

    def fail(connection: Connection) -> None:
        tries.append(connection)
        raise OperationalError("BEGIN", None, OSError("disk full"))

    bench.store.ids.begin = fail
    with pytest.raises(Unavailable):
        await bench.express.accept(ENVELOPE, raw("Question"))
    assert len(tries) == 1
    bench.store.ids.begin = begin
    assert bench.store.queries.mails() == []
