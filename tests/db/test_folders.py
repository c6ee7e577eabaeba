from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, select

from gateway.db.folders import Kept, Left, digest
from gateway.db.lease import LeaseLost
from gateway.db.schema import imap_mail
from gateway.db.store import Store, open_store
from gateway.errors import Temporary
from gateway.model import Envelope

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ENVELOPE = Envelope("imap", "kim@example.net", ("support@example.com",))


def kept(uid: int) -> Kept:
    return Kept(uid, ENVELOPE, f"Message-ID: <{uid}@x>\r\n\r\nText {uid}\r\n".encode())


@pytest.fixture
def other(url: str, store: Store) -> Iterator[Store]:
    """Another node on the same database."""
    other = open_store(url, "node-b", serve=False)
    yield other
    other.close()


@pytest.fixture
def folder(store: Store) -> int:
    """One that this node has, read up to its third mail."""
    id_ = store.folders.named("kim at imap.example.net, INBOX")
    assert store.folders.claim(id_, NOW)
    store.folders.begin(id_, 7, 4, [2], [], NOW)
    return id_


def rows(store: Store) -> dict[int, str]:
    query = select(imap_mail.c.uid, imap_mail.c.state)
    return store.writer.run(lambda connection: {row.uid: row.state for row in connection.execute(query)})


def test_a_folder_has_one_row_whoever_asks_for_it(store: Store, other: Store) -> None:
    first = store.folders.named("a")
    assert other.folders.named("a") == store.folders.named("a") == first
    assert other.folders.named("b") != first


def test_one_node_has_a_folder_until_it_gives_it_back(store: Store, other: Store, folder: int) -> None:
    assert other.folders.claim(folder, NOW) is None
    assert store.folders.claim(folder, NOW) is not None
    assert other.folders.renew([folder], NOW) == {}
    store.folders.give_back(folder, "the server is away")
    assert other.folders.claim(folder, NOW) is not None
    assert store.folders.claim(folder, NOW) is None
    assert [one.trouble for one in store.queries.folders()] == ["the server is away"]


def test_a_lease_that_ended_is_nobodys(store: Store, other: Store) -> None:
    id_ = store.folders.named("a")
    store.folders._lease_seconds = -1
    store.folders.claim(id_, NOW)
    assert other.folders.claim(id_, NOW) is not None


def test_who_lost_the_folder_can_keep_nothing_of_it(store: Store, other: Store, folder: int) -> None:
    store.folders.give_back(folder)
    other.folders.claim(folder, NOW)
    for work in (
        lambda: store.folders.settle(folder, [4], [kept(4)], NOW),
        lambda: store.folders.begin(folder, 8, 1, [], [], NOW),
        lambda: store.folders.marked(folder, [2], NOW),
        lambda: store.folders.looked(folder, NOW),
        lambda: store.folders.position(folder, NOW),
    ):
        with pytest.raises(LeaseLost):
            work()
    assert store.queries.mails() == []
    assert other.folders.position(folder, NOW)[:2] == (7, 4)


def test_what_is_kept_and_how_far_the_folder_was_read_are_one_transaction(
    store: Store, folder: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(store.folders, "_move", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store.folders.settle(folder, [4, 5], [kept(4), kept(5)], NOW)
    assert store.queries.mails() == []
    assert rows(store) == {2: "fetch"}
    added = store.folders.settle(folder, [2, 4, 5], [kept(2), kept(5)], NOW)  # the fourth is gone
    assert [row.id for row in store.queries.mails()] == [added[1].id, added[0].id]
    assert store.folders.position(folder, NOW)[:2] == (7, 6)
    assert store.folders.to_mark(folder) == [2, 5]
    assert store.folders.to_fetch(folder, NOW) == {}


def test_what_could_not_be_fetched_is_due_later_and_at_last_given_up(store: Store, folder: int) -> None:
    later = NOW + timedelta(minutes=5)
    store.folders.settle(folder, [2, 4], [Left(2, 1, "refused", later), Left(4, 1, "refused", None)], NOW)
    assert store.folders.to_fetch(folder, NOW) == {}
    assert store.folders.to_fetch(folder, later) == {2: 1}
    assert rows(store) == {2: "fetch", 4: "given_up"}


def test_what_was_read_only_in_part_is_not_touched_on_the_server(store: Store, folder: int) -> None:
    part = Kept(4, ENVELOPE, b"Subject: x\r\n\r\nThe begin", whole=False)
    store.folders.settle(folder, [4], [part], NOW)
    assert store.folders.to_mark(folder) == []
    assert rows(store)[4] == "done"


def test_a_mail_is_known_by_its_header_under_any_number(store: Store, folder: int) -> None:
    store.folders.settle(folder, [4], [kept(4)], NOW)
    header = b"Message-ID: <4@x>\n\n"
    assert store.folders.known(folder, {digest(header), digest(b"Message-ID: <9@x>\n\n")}) == {digest(header)}
    store.folders.begin(folder, 8, 100, [50], [51], NOW)
    assert store.folders.to_fetch(folder, NOW) == {50: 0}
    assert store.folders.to_mark(folder) == [51]
    assert store.folders.known(folder, {digest(header)}) == {digest(header)}


def test_a_database_that_fails_keeps_nothing_and_says_so(store: Store, folder: int) -> None:
    with pytest.raises(Temporary):
        store.folders.settle(folder, [4, 5], [kept(4), Left(4, 1, "", NOW)], NOW)  # one number twice
    assert store.queries.mails() == []


def test_what_is_to_be_done_is_found_through_the_partial_index(store: Store) -> None:
    if not store.embedded:
        pytest.skip("PostgreSQL chooses by statistics; its plan for a nearly empty table says nothing")
    statements: list[tuple[str, object]] = []

    def note(_connection, _cursor, statement, parameters, _context, _many) -> None:
        statements.append((statement, parameters))

    event.listen(store.engine, "before_cursor_execute", note)
    store.folders.to_fetch(1, NOW)
    store.folders.to_mark(1)
    event.remove(store.engine, "before_cursor_execute", note)
    for statement, parameters in statements:
        plan = store.writer.run(
            lambda c, s=statement, p=parameters: c.exec_driver_sql(f"EXPLAIN QUERY PLAN {s}", p).all()
        )
        assert "ix_imap_mail_open" in str(plan)
    assert len(statements) == 2
