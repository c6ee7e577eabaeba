"""Large raw mails in an object store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.db import objects
from gateway.db.raw import INLINE_BYTES
from gateway.db.store import Store, open_store
from gateway.errors import ConfigurationError, Unavailable
from gateway.inbound.journal import Journal
from gateway.inbound.queue import Queue
from gateway.model import Envelope
from tests.objectstore import Bucket, bucket

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ENVELOPE = Envelope("smtp", "kim@example.net", ("support@example.com",))
LARGE = b"Subject: large\r\n\r\n" + b"x" * INLINE_BYTES
SMALL = b"Subject: small\r\n\r\nx\r\n"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    with bucket(monkeypatch) as made:
        yield made


@pytest.fixture
def outside(url: str, s3: Bucket) -> Iterator[Store]:
    """A database of each kind whose large mails go to the bucket."""
    store = open_store(url, "node-a", serve=True, raw=s3.url)
    yield store
    store.close()


def add(store: Store, *raws: bytes) -> list[int]:
    mails = [(ENVELOPE, raw) for raw in raws]
    added = store.writer.run(lambda connection: store.mails.add(connection, mails, NOW, mine=False))
    return [one.id for one in added]


def raw(store: Store, id_: int) -> bytes:
    return store.mails.raw(store.queries.raw(id_))


def test_a_large_mail_lies_in_the_bucket_and_comes_back_as_it_was(outside: Store, s3: Bucket) -> None:
    small, large = add(outside, SMALL, LARGE)
    assert len(s3.names()) == 1
    assert (raw(outside, small), raw(outside, large)) == (SMALL, LARGE)
    row = outside.queries.raw(large)
    assert row.raw is None


def test_a_claim_names_the_object_and_does_not_wait_for_it(outside: Store) -> None:
    add(outside, LARGE)
    (waiting,) = outside.writer.run(lambda c: outside.mails.claim(c, datetime.now(UTC), 10))
    assert waiting.raw == b""
    assert outside.mails.stored(waiting.stored) == LARGE


async def test_the_journal_stores_a_mail_before_its_commit(outside: Store, s3: Bucket) -> None:
    seen: list[int] = []
    add_rows = outside.mails.add

    def count_objects_then_add(*given, **named):
        seen.append(len(s3.names()))
        return add_rows(*given, **named)

    outside.mails.add = count_objects_then_add  # type: ignore[method-assign]
    journal = Journal(outside.writer, outside.mails, Queue(), lambda: NOW, objects=outside.objects)
    id_ = await journal.accept(ENVELOPE, LARGE)
    assert seen == [1]
    assert raw(outside, id_) == LARGE


async def test_while_the_store_does_not_answer_no_large_mail_is_accepted_and_small_ones_are(
    url: str, s3: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "_SECONDS", 1)
    store = open_store(url, "node-a", serve=True, raw=s3.url)
    journal = Journal(store.writer, store.mails, Queue(), lambda: NOW, objects=store.objects)
    s3.close()
    with pytest.raises(Unavailable, match="object store"):
        await journal.accept(ENVELOPE, LARGE)
    assert await journal.accept(ENVELOPE, SMALL)
    assert len(store.queries.mails()) == 1
    store.close()


def test_mails_from_before_the_store_was_named_are_still_read(tmp_path: Path, s3: Bucket) -> None:
    url = f"sqlite:///{tmp_path / 'g.db'}"
    before = open_store(url, "node-a", serve=True)
    (id_,) = add(before, LARGE)
    before.close()
    after = open_store(url, "node-a", serve=True, raw=s3.url)
    assert raw(after, id_) == LARGE
    after.close()


def test_a_store_that_is_named_no_more_is_told(outside: Store, url: str) -> None:
    (id_,) = add(outside, LARGE)
    without = open_store(url, "node-b", serve=False)
    with pytest.raises(ValueError, match=r"storage\.raw"):
        raw(without, id_)
    without.close()


def test_a_library_that_is_missing_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "obstore", None)
    with pytest.raises(ConfigurationError, match="pip install"):
        objects.Objects("s3://mails")
