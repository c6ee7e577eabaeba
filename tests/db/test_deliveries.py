"""Leases of what is to be sent, with two nodes on one database."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from gateway.db.deliveries import Outbox
from gateway.db.lease import LEASE_SECONDS
from gateway.db.store import Store
from gateway.model import Composed

MAIL = Composed("answer", "support", "kim@example.net", "1@example.com", b"x", "", (), False)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def outbox(store: Store) -> Outbox:
    """Ours, with one mail that is due."""
    store.outbox.add(None, MAIL, LONG_AGO)
    return store.outbox


@pytest.fixture
def other(store: Store) -> Outbox:
    return Outbox(store.writer, "node-b", store.mails, store.ids)


def lose(store: Store) -> None:
    """As if our lease had ended long ago."""
    store.writer.run(lambda connection: connection.exec_driver_sql("UPDATE outgoing SET lease_until = 1"))


def test_a_claim_says_until_when_the_mail_is_ours(outbox: Outbox) -> None:
    before = time.monotonic()
    (mail,) = outbox.claim_due(10, now())
    assert before < mail.held_until <= time.monotonic() + LEASE_SECONDS


def test_a_lease_is_prolonged_while_nobody_took_the_mail(store: Store, outbox: Outbox, other: Outbox) -> None:
    (mail,) = outbox.claim_due(10, now())
    lose(store)
    assert list(outbox.renew([mail.id], now())) == [mail.id]
    assert other.claim_due(10, now()) == []


def test_a_mail_that_another_node_took_is_not_ours_any_more(store: Store, outbox: Outbox, other: Outbox) -> None:
    (mail,) = outbox.claim_due(10, now())
    lose(store)
    assert len(other.claim_due(10, now())) == 1
    assert outbox.renew([mail.id], now()) == {}


def test_a_node_that_lost_its_lease_changes_nothing_by_its_failure(
    store: Store, outbox: Outbox, other: Outbox
) -> None:
    (mail,) = outbox.claim_due(10, now())
    lose(store)
    other.claim_due(10, now())
    outbox.later(mail.id, LONG_AGO, "too late")
    outbox.failed(mail.id, "too late")
    (row,) = store.queries.outgoing()
    assert (row.state, row.attempts, row.last_error) == ("waiting", 0, "")
    assert outbox.claim_due(10, now()) == []


def test_a_node_that_stops_leaves_what_it_had_in_hand_to_the_others(
    store: Store, outbox: Outbox, other: Outbox
) -> None:
    outbox.claim_due(10, now())
    assert other.claim_due(10, now()) == []
    store.forget_leases(of_all=False)
    assert len(other.claim_due(10, now())) == 1
    store.forget_leases(of_all=False)
    assert outbox.claim_due(10, now()) == []
