"""What the worker does when something goes wrong with one mail: the others go on, and the mail never vanishes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from gateway.db.mails import MOST_TRIES
from gateway.desk import threading as threading_of_mails
from gateway.desk.decide import UNREADABLE
from gateway.inbound import worker as working
from gateway.model import Reply
from tests.databases import damage
from tests.inbound.bench import ENVELOPE, SETTINGS, STAFFED, Bench, raw


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    await asyncio.to_thread(bench.store.close)


@pytest.fixture
async def staffed(tmp_path: Path) -> AsyncIterator[Bench]:
    """With an agent, so that every ticket makes a notice."""
    bench = Bench(tmp_path, STAFFED)
    yield bench
    await asyncio.to_thread(bench.store.close)


async def test_a_batch_of_mails_becomes_tickets_in_order(bench: Bench) -> None:
    await bench.accept(*(raw(f"Question {n}", f"kim{n}@example.net") for n in range(30)))
    await bench.worker.drain()
    assert [t.subject for t in reversed(bench.store.queries.tickets())] == [f"Question {n}" for n in range(30)]
    assert len(bench.applied) == 30


@pytest.mark.incident("Relay spam")
async def test_mails_of_one_sender_in_one_batch_are_counted_one_after_the_other(bench: Bench) -> None:
    await bench.accept(*(raw(f"Question {n}") for n in range(35)))
    await bench.worker.drain()
    confirmed = [one for one in bench.applied if one.outgoing]
    assert len(bench.store.queries.tickets()) == 35
    assert len(confirmed) == SETTINGS.loops.acknowledgements_per_hour


@pytest.mark.incident("Relay spam")
async def test_mails_of_many_senders_with_one_person_in_cc_are_counted_one_after_the_other(bench: Bench) -> None:
    mails = (raw(f"Question {n}", f"sender{n}@example.net") for n in range(25))
    await bench.accept(*(one.replace(b"\r\nTo:", b"\r\nCc: lee@example.net\r\nTo:") for one in mails))
    await bench.worker.drain()
    told = [due.mail.recipient for one in bench.applied for due in one.outgoing]
    assert (len(told) - told.count("lee@example.net"), told.count("lee@example.net")) == (25, 20)


@pytest.mark.incident("Durable and not acknowledged")
async def test_the_same_mail_twice_in_one_batch_is_one_ticket(bench: Bench) -> None:
    await bench.accept(raw("Question"), raw("Question"))
    await bench.worker.drain()
    assert [state for _, state in bench.states()] == ["ticket", "refused"]


async def test_a_mail_that_cannot_be_composed_spoils_no_other_and_is_tried_again(bench: Bench) -> None:
    bench.broken = lambda subject: "bad" in subject
    await bench.accept(raw("good", "a@example.net"), raw("bad", "b@example.net"), raw("fine", "c@example.net"))
    await bench.worker.drain()
    assert sorted(state for _, state in bench.states()) == ["received", "ticket", "ticket"]
    bench.broken = lambda subject: False
    bench.now += timedelta(minutes=5)
    await bench.worker.drain()
    assert {state for _, state in bench.states()} == {"ticket"}


async def test_a_database_that_is_away_is_not_blamed_on_the_mail(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "POLL_SECONDS", 0.01)
    begin, failures = bench.store.ids.begin, iter(range(MOST_TRIES + 1))

    def fail(connection: Connection) -> None:
        if next(failures, None) is not None:
            raise OperationalError("BEGIN", None, OSError("disk full"))
        begin(connection)

    await bench.accept(raw("Question"))
    bench.store.ids.begin = fail
    (waiting,) = bench.queue.take(1, 10_000)
    await bench.worker._work([waiting])
    (row,) = bench.store.queries.mails()
    assert (row.state, row.attempts) == ("ticket", 0)


async def test_a_damaged_database_is_blamed_on_no_mail_and_stops_none_that_does_not_need_the_page(bench: Bench) -> None:
    question = raw("Question", "a@example.net")
    await bench.accept(question)
    await bench.worker.drain()
    damage(bench.folder / "g.db", "message")
    await bench.accept(raw("Another", "b@example.net"), question)
    for _ in range(MOST_TRIES + 2):
        await bench.worker.drain()
        bench.now += timedelta(minutes=10)
    rows = {row.id: (row.state, row.attempts) for row in bench.store.queries.mails()}
    assert rows == {1: ("ticket", 0), 2: ("received", 0), 3: ("refused", 0)}
    assert "malformed" in bench.store.writer.damage


async def test_a_raw_mail_that_is_missing_stops_no_other_and_ends_as_failed(bench: Bench) -> None:
    await bench.accept(raw("Large", "a@example.net", "x" * 20_000), raw("Small", "b@example.net"))
    bench.queue.done(bench.queue.take(10, 1 << 20))
    bench.now += timedelta(minutes=10)  # beyond their leases
    (segment,) = (bench.folder / "raw").glob("*.seg")
    segment.unlink()
    for _ in range(MOST_TRIES + 1):
        await bench.worker.drain()
        bench.now += timedelta(minutes=10)
    large, small = sorted(bench.store.queries.mails(), key=lambda row: row.id)
    assert (small.state, large.state) == ("ticket", "failed")
    assert "raw mail" in large.reason


async def _try_to_the_end(bench: Bench) -> None:
    bench.broken = lambda subject: True
    await bench.accept(raw("bad"))
    for _ in range(MOST_TRIES + 1):
        await bench.worker.drain()
        bench.now += timedelta(minutes=10)


@pytest.mark.incident("Cost of reading")
async def test_a_mail_that_cannot_be_answered_becomes_a_ticket_that_is_not_answered(bench: Bench) -> None:
    await _try_to_the_end(bench)
    (row,) = bench.store.queries.mails()
    assert (row.state, row.attempts) == ("ticket", MOST_TRIES)
    assert bench.store.queries.outgoing() == []


@pytest.mark.incident("Cost of reading")
async def test_a_mail_that_never_works_ends_as_failed_where_the_operator_sees_it(staffed: Bench) -> None:
    await _try_to_the_end(staffed)
    (row,) = staffed.store.queries.mails()
    assert (row.state, "the template is broken" in row.reason) == ("failed", True)


@pytest.mark.incident("Quadratic headers")
async def test_a_mail_that_cannot_be_read_becomes_a_ticket_from_what_is_safe(bench: Bench) -> None:
    await bench.accept(raw("Strange", text="POISON"))
    await bench.worker.drain()
    (ticket,) = bench.store.queries.tickets()
    assert (ticket.subject, ticket.requester.address) == ("Strange", "kim@example.net")
    page = bench.store.queries.ticket(ticket.number)
    assert [a.name for a in page.messages[0].attachments] == ["message.eml"]
    assert page.outgoing == []


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Outage =?utf-7?q?+2D0-?=", "Nobody can log in."),
        ("Outage", "Nobody can log in.\0 +2D0-"),
        ("=?utf-16-be?b?AAAAQQ==?= =?utf-8?q?=00?=", ""),
    ],
)
async def test_no_character_keeps_a_mail_from_being_a_ticket_at_once(bench: Bench, subject: str, text: str) -> None:
    poison = raw(subject, "u@example.net", text).replace(b"From:", b"Content-Type: text/plain; charset=utf-7\r\nFrom:")
    await bench.accept(raw("good", "a@example.net"), poison, raw("fine", "c@example.net"))
    await bench.worker.drain()
    assert [(row.state, row.attempts) for row in bench.store.queries.mails()] == [("ticket", 0)] * 3


async def test_a_mail_that_was_read_but_cannot_be_written_becomes_a_ticket_with_the_mail_itself(bench: Bench) -> None:
    judged = bench.reader._one

    def with_an_error(at: bytes) -> object:
        found = judged(at)
        return replace(found, mail=replace(found.mail, text="\ud800", reply=Reply(), message_id="\ud800"))

    bench.reader._one = with_an_error
    await bench.accept(raw("Outage", text="Nobody can log in."))
    for _ in range(MOST_TRIES + 1):
        await bench.worker.drain()
        bench.now += timedelta(minutes=10)
    (row,) = bench.store.queries.mails()
    assert (row.state, row.attempts) == ("ticket", MOST_TRIES)
    (ticket,) = bench.store.queries.tickets()
    assert (ticket.subject, ticket.requester.address) == ("Outage", "kim@example.net")
    (message,) = bench.store.queries.ticket(ticket.number).messages
    assert (message.text, [a.name for a in message.attachments]) == (UNREADABLE, ["message.eml"])


async def test_a_mail_for_which_nothing_can_be_looked_up_holds_up_no_other(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookups = threading_of_mails.lookups

    def fail(mail, *others):
        if mail.subject == "bad":
            raise RecursionError
        return lookups(mail, *others)

    monkeypatch.setattr(threading_of_mails, "lookups", fail)
    await bench.accept(raw("good", "a@example.net"), raw("bad", "b@example.net"), raw("fine", "c@example.net"))
    await bench.worker.drain()
    rows = {row.id: (row.state, row.attempts) for row in bench.store.queries.mails()}
    assert rows == {1: ("ticket", 0), 2: ("received", 1), 3: ("ticket", 0)}


async def test_a_backlog_in_the_database_is_worked_off_without_waiting(bench: Bench) -> None:
    envelopes = [(replace(ENVELOPE, mail_from=f"k{n}@x.example"), raw(f"Q {n}", f"k{n}@x.example")) for n in range(100)]
    bench.store.writer.run(lambda c: bench.store.mails.add(c, envelopes, bench.now, mine=False))
    runner = asyncio.create_task(bench.worker.run())
    deadline = asyncio.get_running_loop().time() + 30
    while len(bench.applied) < 100 and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.02)
    bench.worker.stop()
    await runner
    assert len(bench.applied) == 100


@pytest.mark.incident("Paging in other hands")
async def test_an_urgent_mail_is_claimed_before_an_older_backlog(bench: Bench) -> None:
    calm = [(ENVELOPE, raw(f"Q {n}", f"k{n}@x.example")) for n in range(3 * working.BATCH)]
    urgent = [(ENVELOPE, raw("Outage, nobody can log in", "u@x.example"))]
    for mails in (calm, urgent):
        bench.store.writer.run(lambda c, mails=mails: bench.store.mails.add(c, mails, bench.now, mine=False))
        bench.now += timedelta(seconds=1)
    await bench.worker.drain()
    assert bench.applied[0].ticket.subject == "Outage, nobody can log in"


async def test_a_crowd_at_the_door_goes_before_a_batch_but_not_before_a_few_mails(bench: Bench) -> None:
    waited, gone, all_there = asyncio.Event(), asyncio.Event(), threading.Event()

    async def give_way(seconds: float) -> None:
        assert seconds == working.LONGEST_WAY
        waited.set()
        await gone.wait()

    bench.journal.door.give_way = give_way
    few = working.FEW - 1
    await bench.accept(*(raw(f"Question {n}", f"kim{n}@example.net") for n in range(few)))
    runner = asyncio.create_task(bench.worker.run())
    await asyncio.wait_for(_applied(bench, few), 30)
    assert not waited.is_set()

    bench.store.writer.submit(lambda _: all_there.wait(30))
    crowd = asyncio.create_task(bench.accept(*(raw(f"Crowd {n}", f"pat{n}@example.net") for n in range(few + 1))))
    await _turns(3)
    all_there.set()
    await asyncio.wait_for(asyncio.gather(crowd, waited.wait()), 30)
    assert len(bench.applied) == few
    gone.set()
    await asyncio.wait_for(_applied(bench, 2 * few + 1), 30)
    bench.worker.stop()
    await asyncio.wait_for(runner, 30)


async def _applied(bench: Bench, number: int) -> None:
    while len(bench.applied) < number:
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("turns", range(6))
async def test_a_worker_that_is_woken_just_as_it_stops_ends_all_the_same(bench: Bench, turns: int) -> None:
    fetched, fetch = asyncio.Event(), bench.worker._fetch

    async def fetch_once() -> int:
        fetched.set()
        return await fetch()

    bench.worker._fetch = fetch_once
    runner = asyncio.create_task(bench.worker.run())
    await asyncio.wait_for(fetched.wait(), 30)
    while bench.worker._more:
        await asyncio.sleep(0.001)
    await _turns(10)  # now the poll waits to be woken
    bench.worker.wake()
    await _turns(turns)  # the end of that wait and the end of the worker have to meet in one of these
    bench.worker.stop()
    await asyncio.wait_for(runner, 10)


async def _turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)
