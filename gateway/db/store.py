"""The database and what is built on it, opened together."""

from __future__ import annotations

import shutil
import sqlite3
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, insert
from sqlalchemy.exc import DatabaseError

from gateway import log
from gateway.db.deliveries import Outbox, Pages
from gateway.db.engine import ProcessLock, check_version, open_engine, sqlite_file, upgrade
from gateway.db.folders import Folders
from gateway.db.ids import Ids
from gateway.db.lease import LEASE_SECONDS
from gateway.db.mails import Mails
from gateway.db.objects import Objects
from gateway.db.queries import Queries
from gateway.db.raw import Segments
from gateway.db.schema import event, to_moment
from gateway.db.writer import Writer
from gateway.errors import Permanent, Temporary

_LOCK_POLL = 0.1


@dataclass(frozen=True, slots=True)
class Store:
    """Everything that reads and writes the database, on one engine and one writer."""

    url: str
    node: str
    engine: Engine
    writer: Writer
    ids: Ids
    mails: Mails
    folders: Folders
    outbox: Outbox
    pages: Pages
    queries: Queries
    objects: Objects | None
    """For large raw mails, where the settings name one."""
    lock: ProcessLock | None
    """Held while this process may serve; None on a database of several nodes, and for commands."""

    @property
    def file(self) -> Path | None:
        """Of an embedded database."""
        return sqlite_file(self.url)

    @property
    def embedded(self) -> bool:
        return self.file is not None

    def free_bytes(self) -> int | None:
        """Free disk space beside an embedded database; None elsewhere."""
        return shutil.disk_usage(self.file.parent).free if self.file is not None else None

    def tell(self, ticket_id: int, what: str, now: datetime) -> None:
        """Add a line of the gateway's own to a ticket's history."""

        def job(connection: Connection) -> None:
            row = {"id": self.ids.take(connection, event), "ticket_id": ticket_id, "at": to_moment(now)}
            connection.execute(insert(event), [row | {"actor": "gateway", "what": what}])

        self.writer.run(job)

    def forget_leases(self, *, of_all: bool) -> None:
        """Let others take up at once what this node had in hand; see ``Mails.forget_leases``."""

        def job(connection: Connection) -> None:
            for part in (self.mails, self.folders, self.outbox, self.pages):
                part.forget_leases(connection, of_all=of_all)

        self.writer.run(job)

    def close(self) -> None:
        self.writer.close()
        self.engine.dispose()
        if self.lock is not None:
            self.lock.free()


def open_store(
    url: str,
    node: str,
    *,
    serve: bool,
    lease_seconds: int = LEASE_SECONDS,
    patience: float = 0.0,
    raw: str = "",
) -> Store:
    """Open the database; ``serve`` takes it over as its one process, where it is embedded, and waits ``patience``
    seconds for another to leave. ``raw`` is the URL of an object store for large raw mails.

    An embedded database is migrated on the way; another must have been (``gateway db upgrade``). Raises Temporary or
    Permanent, with the remedy in the private text.
    """
    file = sqlite_file(url)
    lock = _lock(file, patience) if serve and file is not None else None
    engine = open_engine(url)
    if file is not None:
        _migrate(engine, url, file)
    check_version(engine)
    ids = Ids()
    writer = Writer(engine, ids)
    objects = Objects(raw) if raw else None
    mails = Mails(ids, Segments(file.parent / "raw") if file is not None else None, node, lease_seconds, objects)
    folders = Folders(writer, ids, mails, node)
    outbox, pages = Outbox(writer, node, mails, ids), Pages(writer, node, lease_seconds)
    store = Store(url, node, engine, writer, ids, mails, folders, outbox, pages, Queries(engine), objects, lock)
    writer.start()
    if lock is not None:
        store.forget_leases(of_all=True)  # whoever held them is dead: the lock says so
    log.database_opened(engine.dialect.name, sqlite3.sqlite_version if file is not None else "")
    return store


def _lock(file: Path, patience: float) -> ProcessLock:
    lock = ProcessLock(file)
    deadline = time.monotonic() + patience
    while not lock.take():
        if time.monotonic() < deadline:
            time.sleep(_LOCK_POLL)
            continue
        raise Permanent(
            "",
            f"{file}: another gateway process serves this database; stop it first, or give this one its own data_dir",
        )
    return lock


def _migrate(engine: Engine, url: str, file: Path) -> None:
    try:
        check_version(engine)
    except Temporary:
        upgrade(url, log.database_upgraded)
    except DatabaseError as problem:
        raise Permanent(
            "", f"{file}: cannot be used as a database ({problem.orig}); restore a backup, or move it away"
        ) from problem
