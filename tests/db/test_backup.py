from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.db import backup
from gateway.db.backup import copy_database, copy_segments, segments_of, verify
from gateway.db.store import Store, open_store
from gateway.errors import Temporary
from gateway.model import Envelope

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ENVELOPE = Envelope("smtp", "kim@example.net", ("support@example.com",))
SMALL = b"Subject: small\r\n\r\nx\r\n"
LARGE = b"Subject: large\r\n\r\n" + b"x" * 100_000 + b"\r\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "gateway"


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    store = open_store(f"sqlite:///{folder / 'gateway.db'}", "node-a", serve=True)
    yield store
    store.close()


def accept(store: Store, *raws: bytes) -> None:
    mails = [(ENVELOPE, raw) for raw in raws]
    store.writer.run(lambda connection: store.mails.add(connection, mails, NOW, mine=False))


def copy(folder: Path, target: Path) -> Path:
    target.mkdir()
    copy_database(folder / "gateway.db", target / "gateway.db", lambda *_: None)
    copy_segments(segments_of(target / "gateway.db"), folder / "raw", target / "raw", lambda *_: None)
    return target / "gateway.db"


def test_a_copy_holds_database_and_raw_mails(store: Store, folder: Path, tmp_path: Path) -> None:
    accept(store, SMALL, LARGE, LARGE)
    database = copy(folder, tmp_path / "copy")
    found = verify(database, tmp_path / "copy" / "raw", lambda *_: None)
    assert (found.mails, found.tickets, found.segments, found.raw_bytes) == (3, 0, 1, 2 * len(LARGE))


def test_a_copy_made_under_writes_is_of_one_moment_and_comes_to_its_end(
    store: Store, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "_PAGES", 5)
    accept(store, *[SMALL] * 500)
    target = tmp_path / "copy.db"
    done: list[int] = []

    def write_meanwhile(copied: int, total: int) -> None:
        accept(store, SMALL)
        done.append(copied)

    copy_database(folder / "gateway.db", target, write_meanwhile)
    assert len(done) > 3
    assert done == sorted(done)
    with sqlite3.connect(target) as connection:
        assert connection.execute("SELECT count(*) FROM mail").fetchone() == (500,)


def test_raw_mails_that_come_while_the_segments_are_copied_do_no_harm(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    accept(store, LARGE)
    stop = threading.Event()

    def keep_writing() -> None:
        while not stop.is_set():
            accept(store, LARGE)

    writing = threading.Thread(target=keep_writing)
    writing.start()
    try:
        database = copy(folder, tmp_path / "copy")
    finally:
        stop.set()
        writing.join()
    assert verify(database, tmp_path / "copy" / "raw", lambda *_: None).mails >= 1


def test_a_segment_that_ends_early_is_found(store: Store, folder: Path, tmp_path: Path) -> None:
    accept(store, LARGE)
    database = copy(folder, tmp_path / "copy")
    (segment,) = (tmp_path / "copy" / "raw").iterdir()
    segment.write_bytes(segment.read_bytes()[:-1])
    with pytest.raises(Temporary, match="mail 1 cannot be read"):
        verify(database, tmp_path / "copy" / "raw", lambda *_: None)


def test_a_segment_that_is_missing_is_found(store: Store, folder: Path, tmp_path: Path) -> None:
    accept(store, LARGE)
    database = copy(folder, tmp_path / "copy")
    (segment,) = (tmp_path / "copy" / "raw").iterdir()
    segment.unlink()
    with pytest.raises(Temporary, match="mail 1 cannot be read"):
        verify(database, tmp_path / "copy" / "raw", lambda *_: None)


def test_a_damaged_database_is_found(store: Store, folder: Path, tmp_path: Path) -> None:
    accept(store, *[SMALL] * 200)
    database = copy(folder, tmp_path / "copy")
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("UPDATE sqlite_schema SET sql = replace(sql, 'due_at', 'id') WHERE name = 'ix_mail_waiting'")
    connection.close()
    with pytest.raises(Temporary, match="integrity_check"):
        verify(database, tmp_path / "copy" / "raw", lambda *_: None)
