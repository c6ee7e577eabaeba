"""A consistent copy of an embedded database and its raw mails, made while the gateway runs, and proof that it is whole.

The database goes first: a segment is fsynced before the row that points into it is committed, so whatever the copied
rows point at is already there to be copied.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.db.raw import Segments, place
from gateway.errors import Temporary

_IN_SEGMENTS = "raw_ref LIKE '%.seg:%'"
"""The rest lies in the rows, or in an object store, which has copies of its own."""
_PAGES = 2000
"""Copied in one step of SQLite's backup."""
Progress = Callable[[int, int], None]
"""How much is done, and of how much."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a backup was found to hold when it was read again."""

    mails: int
    tickets: int
    segments: int
    raw_bytes: int


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        yield connection


def copy_database(source: Path, target: Path, progress: Progress) -> None:
    """Copy the database as it is at one moment, while others write to it."""
    with _opened(source) as read, _opened(target) as write:
        # The open transaction holds the moment. Without it SQLite starts over whenever somebody commits, so that the
        # backup of a busy database would never end.
        read.execute("BEGIN")
        read.execute("SELECT count(*) FROM sqlite_schema").close()
        read.backup(write, pages=_PAGES, progress=lambda _, left, total: progress(total - left, total))
        read.execute("ROLLBACK")


def segments_of(database: Path) -> list[str]:
    """The names of the segment files that its rows point into."""
    with _opened(database) as connection:
        references = connection.execute(f"SELECT raw_ref FROM mail WHERE {_IN_SEGMENTS}")
        return sorted({place(reference)[0] for (reference,) in references})


def copy_segments(names: list[str], source: Path, target: Path, progress: Progress) -> None:
    """Copy segment files whole; the newest may grow meanwhile, behind everything that the copied rows point at."""
    target.mkdir(exist_ok=True)
    for n, name in enumerate(names, 1):
        shutil.copyfile(source / name, target / name)
        progress(n, len(names))


def verify(database: Path, segments: Path, progress: Progress) -> Copied:
    """Read the whole copy. Raises Temporary with the first thing that is wrong: make the backup again."""
    with _opened(database) as connection:
        for check, sound in (("integrity_check", [("ok",)]), ("foreign_key_check", [])):
            found = connection.execute(f"PRAGMA {check}").fetchall()
            if found != sound:
                raise Temporary("", f"{database}: {check} found {found[0]}; the backup cannot be used")
        counts = f"SELECT count(*), count(*) FILTER (WHERE {_IN_SEGMENTS}), (SELECT count(*) FROM ticket) FROM mail"
        mails, outside, tickets = connection.execute(counts).fetchone()
        raw_bytes, names = 0, set()
        rows = connection.execute(f"SELECT id, raw_ref, size FROM mail WHERE {_IN_SEGMENTS}")
        for n, (id_, reference, size) in enumerate(rows, 1):
            raw_bytes += _read(id_, reference, size, segments)
            names.add(place(reference)[0])
            progress(n, outside)
    return Copied(mails, tickets, len(names), raw_bytes)


def _read(mail_id: int, reference: str, size: int, segments: Path) -> int:
    try:
        found = len(Segments(segments).read(reference))
    except (OSError, ValueError) as problem:
        raise Temporary("", f"mail {mail_id} cannot be read from the backup: {problem}") from None
    if found != size:
        raise Temporary("", f"mail {mail_id} has {found:,} bytes in the backup, {size:,} were received")
    return found


def sync(folder: Path) -> None:
    """Make everything in the folder outlive a power cut."""
    for path in (*folder.rglob("*"), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
