from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from gateway.db import wake as module
from gateway.db.store import Store, open_store
from gateway.db.wake import Channel, Ear, wake
from tests.databases import migrated_database

PATIENCE = 20


@pytest.fixture
def shared(server: str) -> Iterator[Store]:
    store = open_store(migrated_database(server), "node-a", serve=True)
    yield store
    store.close()


class Heard:
    """Counts the calls of one channel; the first one comes when the ear has begun to listen."""

    def __init__(self) -> None:
        self._calls = threading.Semaphore(0)

    def __call__(self) -> None:
        self._calls.release()

    def again(self, patience: float = PATIENCE) -> bool:
        return self._calls.acquire(timeout=patience)


def test_a_commit_wakes_whoever_listens(shared: Store) -> None:
    mail, page = Heard(), Heard()
    ear = Ear(shared.engine, {Channel.MAIL: mail, Channel.PAGE: page})
    assert mail.again()
    assert page.again()
    shared.writer.run(lambda connection: wake(connection, Channel.MAIL))
    assert mail.again()
    assert not page.again(0)
    ear.close()


def test_what_is_rolled_back_wakes_nobody(shared: Store) -> None:
    heard = Heard()
    ear = Ear(shared.engine, {Channel.MAIL: heard})
    assert heard.again()
    with shared.engine.connect() as connection:
        wake(connection, Channel.MAIL)
        connection.rollback()
    shared.writer.run(lambda connection: wake(connection, Channel.MAIL))
    assert heard.again()
    assert not heard.again(0)
    ear.close()


def test_after_a_broken_connection_it_listens_again_and_calls_for_what_it_missed(
    shared: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_AGAIN_SECONDS", 0.01)
    heard = Heard()
    ear = Ear(shared.engine, {Channel.MAIL: heard})
    assert heard.again()
    cut = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND query LIKE 'LISTEN%%'"""
    shared.writer.run(lambda connection: connection.exec_driver_sql(cut))
    assert heard.again()
    ear.close()
