from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from gateway.db.store import open_store
from gateway.errors import Temporary
from gateway.inbound.journal import Journal
from gateway.inbound.queue import Queue
from gateway.model import Envelope

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ENVELOPE = Envelope("smtp", "kim@example.net", ("support@example.com",))


def _fail(_: Connection) -> None:
    raise OperationalError("BEGIN", None, OSError("disk I/O error"))


async def test_mail_is_taken_again_after_a_transaction_that_could_not_begin(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'g.db'}", "node-a", serve=True)
    try:
        journal, begin = Journal(store.writer, store.mails, Queue(), lambda: NOW), store.ids.begin
        store.ids.begin = _fail
        with pytest.raises(Temporary):
            await journal.accept(ENVELOPE, b"a")
        store.ids.begin = begin
        assert await asyncio.wait_for(journal.accept(ENVELOPE, b"a"), 30) == 1
    finally:
        store.close()
