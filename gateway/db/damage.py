"""A database whose file or pages are damaged: how that is told apart from trouble that passes, and looked for."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

REMEDY = "stop the gateway and restore a backup: docs/backup.md"
_CODES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_STATES = ("XX001", "XX002")
"""PostgreSQL's SQLSTATEs for the same: data_corrupted, index_corrupted."""


def is_damage(problem: BaseException) -> bool:
    """Whether a driver's error says so. SQLite's extended codes have the plain one in their lowest octet."""
    code = getattr(problem, "sqlite_errorcode", None) or 0
    return code & 0xFF in _CODES or getattr(problem, "sqlstate", None) in _STATES


def quick_check(file: Path, seconds: float) -> str | None:
    """What is wrong with an embedded database: nothing where it is whole, None where the time was too short."""
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as connection:
        timer = threading.Timer(seconds, connection.interrupt)
        timer.start()
        try:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.Error as problem:
            return None if problem.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT else str(problem)
        finally:
            timer.cancel()
            timer.join()
    return "" if found == "ok" else str(found)
