from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from gateway import watch
from gateway.db.schema import mail, seen
from gateway.db.store import Store, open_store
from gateway.errors import Damaged
from gateway.metrics import REGISTRY
from gateway.model import Envelope
from gateway.settings import Smtp
from gateway.watch import Watch
from tests.databases import damage

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ENVELOPE = Envelope("smtp", "kim@example.net", ("support@example.com",))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(f"sqlite:///{tmp_path / 'gateway.db'}", "node-a", serve=True)
    yield store
    store.close()


def accept(store: Store, number: int) -> None:
    mails = [(ENVELOPE, b"Subject: x\r\n\r\nx\r\n")] * number
    store.writer.run(lambda connection: store.mails.add(connection, mails, NOW, mine=False))


async def test_nothing_hinders_a_gateway_with_room_and_a_database(store: Store) -> None:
    looking = Watch(Smtp(), store, lambda: NOW)
    await looking.look()
    assert looking.trouble() == ""


@pytest.mark.incident("Size of a mail")
async def test_too_little_disk_is_trouble(store: Store) -> None:
    looking = Watch(Smtp(min_free_disk_bytes=10**18), store, lambda: NOW)
    await looking.look()
    assert "free on the disk" in looking.trouble()


async def test_a_backlog_at_its_limit_is_trouble_until_it_is_worked_off(store: Store) -> None:
    looking = Watch(Smtp(max_backlog=2), store, lambda: NOW)
    accept(store, 2)
    await looking.look()
    assert looking.trouble() == "2 mails wait to be worked on"
    store.writer.run(lambda connection: connection.execute(mail.update().values(state="ticket")))
    await looking.look()
    assert looking.trouble() == ""


async def test_a_database_that_fails_is_trouble(store: Store) -> None:
    looking = Watch(Smtp(), store, lambda: NOW)

    def drop(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("ALTER TABLE outgoing RENAME TO elsewhere")

    store.writer.run(drop)
    await looking.look()
    assert "outgoing" in looking.trouble()


async def test_a_statement_that_finds_damage_closes_the_door_at_once_and_for_good(
    store: Store, tmp_path: Path
) -> None:
    looking = Watch(Smtp(), store, lambda: NOW)
    damage(tmp_path / "gateway.db", "seen")
    await looking.look()
    assert looking.trouble() == ""  # nobody asked for that page yet
    with pytest.raises(Damaged):
        store.writer.run(lambda connection: connection.execute(seen.select()))
    assert "the database is damaged" in looking.trouble()
    accept(store, 1)
    await looking.look()
    assert "docs/backup.md" in looking.trouble()


async def test_a_look_that_hangs_is_trouble(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    looking = Watch(Smtp(), store, lambda: NOW)
    await looking.look()
    monkeypatch.setattr(watch, "PATIENCE_SECONDS", 0)
    assert "has not answered" in looking.trouble()


async def test_a_look_tells_the_metrics_what_waits_and_how_long(store: Store) -> None:
    accept(store, 3)
    await Watch(Smtp(), store, lambda: NOW + timedelta(seconds=90)).look()
    assert REGISTRY.get_sample_value("gateway_waiting", {"for": "reading"}) == 3
    assert REGISTRY.get_sample_value("gateway_waiting_seconds", {"for": "reading"}) == 90
