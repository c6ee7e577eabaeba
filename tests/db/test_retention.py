"""What ``retention.raw_days`` deletes, and what it must not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, update

from gateway.db import retention
from gateway.db.raw import INLINE_BYTES
from gateway.db.retention import Retention
from gateway.db.schema import attachment, mail, message, ticket
from gateway.db.store import Store, open_store
from gateway.model import Envelope
from tests.objectstore import bucket

OLD = datetime(2026, 1, 1, tzinfo=UTC)
LIMIT = OLD + timedelta(days=30)
NEW = OLD + timedelta(days=60)
ENVELOPE = Envelope("smtp", "kim@example.net", ("support@example.com",))
SMALL = b"Subject: small\r\n\r\nx\r\n"
LARGE = b"Subject: large\r\n\r\n" + b"x" * INLINE_BYTES

TICKET = {
    "subject": "", "status": "open", "severity": "S3", "stated_severity": "", "category": "none", "subcategory": "",
    "evidence": "[]", "mailbox": "support", "language": "en", "assignee": "", "created_at": 0, "updated_at": 0,
}  # fmt: skip
MESSAGE = {
    "kind": "inbound", "author_name": "", "author": "", "by_agent": False, "text": "", "html": "", "full_text": "",
    "rfc_id": "", "evidence": "[]", "created_at": 0,
}  # fmt: skip
FILE = {
    "name": "a.png", "content_type": "image/png", "disposition": "", "content_id": "", "size": 1, "sha256": "",
    "start_at": 0, "end_at": 1, "encoding": "", "member": -1,
}  # fmt: skip


def add(store: Store, raw: bytes, at: datetime = OLD, state: str = "ticket") -> int:
    """A mail in a ticket of its own, as the worker leaves it."""

    def job(connection) -> int:
        (added,) = store.mails.add(connection, [(ENVELOPE, raw)], at, mine=False)
        id_ = added.id
        connection.execute(insert(ticket).values(TICKET | {"id": id_, "number": f"SUP-{id_}"}))
        connection.execute(insert(message).values(MESSAGE | {"id": id_, "ticket_id": id_, "mail_id": id_}))
        connection.execute(update(mail).where(mail.c.id == id_).values(state=state, ticket_id=id_))
        return int(id_)

    return int(store.writer.run(job))


def attach(store: Store, id_: int) -> None:
    row = FILE | {"message_id": id_, "mail_id": id_}
    store.writer.run(lambda connection: connection.execute(insert(attachment).values(row)))


def raws(store: Store) -> list[bool]:
    """Whether each mail still has its raw form, in order."""
    ids = sorted(row.id for row in store.queries.mails())
    return [bool(store.mails.raw(store.queries.raw(id_))) for id_ in ids]


def test_old_raw_mails_go_and_new_ones_stay(store: Store) -> None:
    add(store, SMALL), add(store, LARGE), add(store, SMALL, NEW)
    assert Retention(store).run(LIMIT) == 2
    assert raws(store) == [False, False, True]


def test_a_mail_with_attachments_keeps_its_raw_form(store: Store) -> None:
    with_picture = add(store, LARGE)
    attach(store, with_picture)
    add(store, LARGE)
    assert Retention(store).run(LIMIT) == 1
    assert raws(store) == [True, False]


@pytest.mark.parametrize("state", ["received", "held", "failed"])
def test_a_mail_that_may_yet_be_read_again_keeps_its_raw_form(store: Store, state: str) -> None:
    add(store, SMALL, state=state)
    assert Retention(store).run(LIMIT) == 0
    assert raws(store) == [True]


def test_a_second_run_goes_on_where_the_first_one_ended(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_CHUNK", 2)
    for _ in range(5):
        add(store, SMALL)
    add(store, SMALL, NEW)
    keeping = Retention(store)
    assert (keeping.run(LIMIT), keeping.run(LIMIT), keeping.run(NEW + timedelta(days=1))) == (5, 0, 1)


def test_a_new_mail_of_a_quiet_node_stays_though_its_id_is_smaller_than_an_old_one_s(store: Store) -> None:
    add(store, SMALL, NEW), add(store, SMALL)
    keeping = Retention(store)
    assert keeping.run(LIMIT) == 1
    assert raws(store) == [True, False]
    assert keeping.run(NEW + timedelta(days=1)) == 1
    assert raws(store) == [False, False]


class TestSegments:
    """Files beside SQLite, one for each opening of the store here."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tmp_path / "gateway"

    @pytest.fixture
    def stored(self, folder: Path) -> Iterator[Store]:
        """Segment 1 holds an old mail, 2 an old one with an attachment, 3 a new one; all are old files but the last."""
        for number, (at, attached) in enumerate([(OLD, False), (OLD, True), (NEW, False)], 1):
            store = self.opened(folder)
            id_ = add(store, LARGE, at)
            if attached:
                attach(store, id_)
            store.close()
            os.utime(folder / "raw" / f"{number:08d}.seg", (at.timestamp(), at.timestamp()))
        store = self.opened(folder)
        yield store
        store.close()

    def opened(self, folder: Path) -> Store:
        return open_store(f"sqlite:///{folder / 'gateway.db'}", "node-a", serve=True)

    def files(self, folder: Path) -> list[str]:
        return sorted(path.name for path in (folder / "raw").iterdir())

    def test_a_segment_goes_when_nothing_points_into_it(self, stored: Store, folder: Path) -> None:
        assert Retention(stored).run(LIMIT) == 1
        assert self.files(folder) == ["00000002.seg", "00000003.seg"]
        assert raws(stored) == [False, True, True]

    def test_no_segment_goes_while_a_backup_is_made(self, stored: Store, folder: Path) -> None:
        from gateway.db.raw import Segments

        with Segments(folder / "raw").held(exclusively=False) as held:
            assert held
            Retention(stored).run(LIMIT)
        assert len(self.files(folder)) == 3
        Retention(stored).run(LIMIT)
        assert len(self.files(folder)) == 2

    def test_the_segment_that_is_written_to_stays(self, stored: Store, folder: Path) -> None:
        add(stored, LARGE)
        os.utime(folder / "raw" / "00000004.seg", (OLD.timestamp(), OLD.timestamp()))
        Retention(stored).run(NEW + timedelta(days=365))
        id_ = add(stored, LARGE, NEW)
        assert stored.mails.raw(stored.queries.raw(id_)) == LARGE


def test_an_object_goes_with_its_mail(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with bucket(monkeypatch) as s3:
        store = open_store(url, "node-a", serve=True, raw=s3.url)
        add(store, LARGE), add(store, LARGE, NEW)
        assert Retention(store).run(LIMIT) == 1
        assert len(s3.names()) == 1
        assert raws(store) == [False, True]
        store.close()


def test_one_node_at_a_time_does_it(store: Store, url: str) -> None:
    if store.embedded:
        pytest.skip("has one node")
    add(store, SMALL)
    with store.engine.begin() as elsewhere:
        elsewhere.exec_driver_sql(f"SELECT pg_advisory_xact_lock({retention._LOCK})")
        assert Retention(store).run(LIMIT) == 0
    assert Retention(store).run(LIMIT) == 1
