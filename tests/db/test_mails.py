from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.db.lease import LEASE_SECONDS, LeaseLost
from gateway.db.mails import Mails, Outcome, Waiting
from gateway.db.raw import INLINE_BYTES
from gateway.db.store import Store, open_store
from gateway.model import Envelope, MailState

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ENVELOPE = Envelope("smtp", "kim@example.net", ("support@example.com",), "127.0.0.1", "client", "ann@example.com", True)


def _add(store: Store, *raws: bytes, mine: bool = False, at: datetime = LONG_AGO) -> list[int]:
    mails = [(ENVELOPE, raw) for raw in raws]
    return [one.id for one in store.writer.run(lambda c: store.mails.add(c, mails, at, mine=mine))]


def _claim(store: Store, mails: Mails, now: datetime, limit: int = 10) -> list[Waiting]:
    return store.writer.run(lambda c: mails.claim(c, now, limit))


def _other_node(store: Store) -> Mails:
    return Mails(store.ids, store.mails._segments, "node-b")


def test_a_mail_comes_back_as_it_was_accepted(store: Store) -> None:
    raw = b"Subject: x\r\n\r\n\x00\xff"
    (id_,) = _add(store, raw)
    (waiting,) = _claim(store, store.mails, datetime.now(UTC))
    assert (waiting.id, waiting.envelope, waiting.raw, waiting.received_at) == (id_, ENVELOPE, raw, LONG_AGO)


def test_a_large_mail_comes_back_as_it_was_accepted(store: Store) -> None:
    raws = (bytes(INLINE_BYTES + 1), b"small", b"\x01" * (3 * INLINE_BYTES))
    _add(store, *raws)
    claimed = _claim(store, store.mails, datetime.now(UTC))
    assert tuple(store.mails.segment(w.stored).read() if w.stored else w.raw for w in claimed) == raws
    assert [w.size for w in claimed] == [len(raw) for raw in raws]


def test_a_large_mail_beside_sqlite_takes_no_room_in_memory(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'g.db'}", "node-a", serve=True)
    large = bytes(INLINE_BYTES + 1)
    (one,) = store.writer.run(lambda c: store.mails.add(c, [(ENVELOPE, large)], LONG_AGO, mine=True))
    assert (one.raw, one.size, store.mails.segment(one.stored).read()) == (b"", len(large), large)
    store.close()


def test_a_claimed_mail_is_nobody_elses_while_the_lease_lasts(store: Store) -> None:
    _add(store, b"x")
    assert len(_claim(store, store.mails, datetime.now(UTC))) == 1
    assert _claim(store, _other_node(store), datetime.now(UTC)) == []


def test_a_mail_that_was_accepted_for_this_node_is_nobody_elses(store: Store) -> None:
    _add(store, b"x", mine=True, at=datetime.now(UTC))
    assert _claim(store, _other_node(store), datetime.now(UTC)) == []


def test_of_new_mails_those_that_are_put_off_are_anybodys(store: Store) -> None:
    mails = [(ENVELOPE, b"a"), (ENVELOPE, b"b"), (ENVELOPE, b"c")]
    now = datetime.now(UTC)
    added = store.writer.run(lambda c: store.mails.add(c, mails, now, mine=True, put_off={1}))
    assert [one.mine for one in added] == [True, False, True]
    assert [w.raw for w in _claim(store, _other_node(store), now)] == [b"b"]


def test_the_mails_of_a_dead_node_are_taken_over_once_its_lease_is_over(tmp_path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'g.db'}", "node-a", serve=True)
    _add(store, b"x", mine=True)
    later = LONG_AGO + timedelta(seconds=LEASE_SECONDS + 1)
    assert len(_claim(store, _other_node(store), later)) == 1
    store.close()


def test_a_node_that_lost_its_lease_cannot_end_the_mail(store: Store) -> None:
    (id_,) = _add(store, b"x", mine=True)
    done = [Outcome(id_, MailState.TICKET, "", "", None)]
    with pytest.raises(LeaseLost):
        store.writer.run(lambda c: _other_node(store).finish(c, done, LONG_AGO))
    store.writer.run(lambda c: store.mails.finish(c, done, LONG_AGO))
    assert store.queries.mail(id_).state == "ticket"


def test_a_mail_is_ended_only_once(store: Store) -> None:
    (id_,) = _add(store, b"x", mine=True)
    done = [Outcome(id_, MailState.REFUSED, "a robot", "", None)]
    store.writer.run(lambda c: store.mails.finish(c, done, LONG_AGO))
    with pytest.raises(LeaseLost):
        store.writer.run(lambda c: store.mails.finish(c, done, LONG_AGO))


def test_a_mail_that_was_set_aside_waits_for_its_time_and_counts_the_try(store: Store) -> None:
    (id_,) = _add(store, b"x")
    future = datetime.now(UTC) + timedelta(hours=1)
    store.writer.run(lambda c: store.mails.set_aside(c, id_, "no luck", future))
    assert _claim(store, store.mails, datetime.now(UTC)) == []
    row = store.queries.mail(id_)
    assert (row.state, row.reason, row.attempts) == ("received", "no luck", 1)


def test_a_held_mail_goes_through_again_when_released_and_another_does_not(store: Store) -> None:
    held, done = _add(store, b"x", b"y", mine=True)
    outcomes = [Outcome(held, MailState.HELD, "", "", None), Outcome(done, MailState.TICKET, "", "", None)]
    store.writer.run(lambda c: store.mails.finish(c, outcomes, LONG_AGO))
    assert store.writer.run(lambda c: store.mails.again(c, held, LONG_AGO, released=True))
    assert not store.writer.run(lambda c: store.mails.again(c, done, LONG_AGO, released=True))
    (waiting,) = _claim(store, store.mails, datetime.now(UTC))
    assert (waiting.id, waiting.released) == (held, True)


def test_a_new_process_takes_the_leases_of_a_dead_one_at_once(tmp_path) -> None:
    url = f"sqlite:///{tmp_path / 'g.db'}"
    first = open_store(url, "node-a", serve=True)
    _add(first, b"x", mine=True)
    first.close()
    second = open_store(url, "node-b", serve=True)
    assert len(_claim(second, second.mails, LONG_AGO)) == 1
    second.close()


def test_a_mail_that_was_set_aside_before_the_clock_was_set_back_does_not_wait_for_it(store: Store) -> None:
    (id_,) = _add(store, b"x")
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    store.writer.run(lambda c: store.mails.set_aside(c, id_, "no luck", tomorrow))
    assert [w.id for w in _claim(store, store.mails, datetime.now(UTC))] == [id_]


def test_claims_go_through_the_partial_index(store: Store) -> None:
    if not store.embedded:
        pytest.skip("PostgreSQL chooses by statistics; its plan for a nearly empty table says nothing")
    plan = store.writer.run(
        lambda c: c.exec_driver_sql(
            "EXPLAIN QUERY PLAN SELECT id FROM mail WHERE state = 'received' AND due_at <= 5 ORDER BY due_at LIMIT 5"
        ).all()
    )
    assert any("ix_mail_waiting" in str(row) for row in plan)


def test_the_status_counts_what_waits_and_its_age(store: Store) -> None:
    _add(store, b"x", b"y")
    status = store.queries.status(LONG_AGO + timedelta(seconds=90))
    assert (status.accepted, status.backlog, status.processed, status.oldest_seconds) == (2, 2, 0, 90.0)


def test_a_lease_is_prolonged_only_where_it_is_still_ours(store: Store) -> None:
    first, second = _add(store, b"x", b"y", mine=True, at=datetime.now(UTC))
    store.writer.run(lambda c: c.exec_driver_sql("UPDATE mail SET lease_until = 1"))
    (taken,) = _claim(store, _other_node(store), datetime.now(UTC), limit=1)
    store.writer.run(lambda c: store.mails.renew(c, [first, second], datetime.now(UTC)))
    assert _claim(store, _other_node(store), datetime.now(UTC)) == []
    with pytest.raises(LeaseLost):
        store.writer.run(lambda c: store.mails.finish(c, [_outcome(taken.id)], datetime.now(UTC)))
    other = ({first, second} - {taken.id}).pop()
    store.writer.run(lambda c: store.mails.finish(c, [_outcome(other)], datetime.now(UTC)))


def _outcome(id_: int) -> Outcome:
    return Outcome(id_, MailState.REFUSED, "", "", None)


def test_what_may_be_urgent_is_known_without_reading_it_again(store: Store) -> None:
    outage = b"Subject: outage\r\n\r\nNobody can log in, production is down.\r\n"
    added = store.writer.run(
        lambda c: store.mails.add(c, [(ENVELOPE, b"Subject: hello\r\n\r\n"), (ENVELOPE, outage)], LONG_AGO, mine=False)
    )
    assert [one.urgent for one in added] == [False, True]
    claimed = {one.id: one.urgent for one in _claim(store, store.mails, datetime.now(UTC))}
    assert claimed == {one.id: one.urgent for one in added}
