"""Open the database: pragmas, the lock of the one process, migrations."""

from __future__ import annotations

import fcntl
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from gateway.disk import make_folder
from gateway.errors import Permanent, Temporary

BUSY_SECONDS = 20
_NETWORK = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
"""So that a server whose machine or network is gone is noticed; what the URL says wins."""
MIGRATIONS = Path(__file__).with_name("migrations")
_REVISION = re.compile(r"(\d{4}(?:_from_\d{4})?)_\w+\.py")
_EXPANDS = re.compile(r"(\d{4})_from_(\d{4})")


def sqlite_file(url: str) -> Path | None:
    """The file behind a SQLite URL; None for another database."""
    parsed = make_url(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def driver_url(url: str) -> str:
    """``postgresql://`` means psycopg 3 here."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1) if url.startswith("postgresql://") else url


def open_engine(url: str) -> Engine:
    """An engine whose connections are set up for durable commits."""
    file = sqlite_file(url)
    if file is None:
        return _open_postgresql(url)
    make_folder(file.parent)
    engine = create_engine(
        url,
        poolclass=NullPool,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False, "isolation_level": None},
    )
    event.listen(engine, "connect", _sqlite_pragmas)
    event.listen(engine, "begin", _sqlite_begin)
    return engine


def _open_postgresql(url: str) -> Engine:
    given = make_url(url).query
    patience = {name: value for name, value in _NETWORK.items() if name not in given}
    try:
        return create_engine(
            driver_url(url), pool_size=4, max_overflow=4, pool_pre_ping=True, pool_recycle=1800, connect_args=patience
        )
    except ModuleNotFoundError:
        raise Permanent("", "gateway.database: PostgreSQL needs a library more; install psycopg[binary]") from None


@contextmanager
def answering() -> Iterator[None]:
    """Raises Temporary where the database is asked inside and does not answer, or does not know us."""
    try:
        yield
    except DBAPIError as problem:
        says = " ".join(str(problem.orig).split())
        raise Temporary("", f"the database does not answer ({says}); see: gateway check") from problem


_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # a 250 stands for an fsynced commit (RFC 5321 §6.1); NORMAL loses the last at a power cut
    "foreign_keys=ON",
    "cache_size=-16384",
    "temp_store=MEMORY",
    "wal_autocheckpoint=4000",  # 16 MB; at 1,000 pages every 28th mail that comes alone waits for one
)


def _sqlite_pragmas(connection: sqlite3.Connection, _record: Any) -> None:
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()


def _sqlite_begin(connection: Connection) -> None:
    # IMMEDIATE: a transaction that starts as a reader and turns writer fails when another wrote meanwhile.
    mode = connection.get_execution_options().get("sqlite_begin", "IMMEDIATE")
    connection.connection.cursor().execute(f"BEGIN {mode}").close()


def reading(engine: Engine) -> Engine:
    """The same database for reading only: on SQLite it takes no write lock."""
    return engine.execution_options(sqlite_begin="DEFERRED", postgresql_readonly=True)


class ProcessLock:
    """Lets one gateway process at a time serve a SQLite file; the kernel frees it when the process dies."""

    def __init__(self, file: Path) -> None:
        self._path = file.with_name(file.name + ".lock")
        make_folder(self._path.parent)
        self._file = self._path.open("w")

    def take(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def free(self) -> None:
        self._file.close()


def upgrade(url: str, on_revision: Callable[[str], None] = lambda _: None) -> None:
    """Bring the schema to this program's version. Safe to call on every start. Raises Permanent where it is newer."""
    from alembic import command  # only who migrates pays for it: 12 MB and a quarter of a second
    from alembic.config import Config

    engine = open_engine(url)
    with suppress(Temporary):  # it is older: that is what we are here for
        check_version(engine)
    engine.dispose()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    config.attributes["on_revision"] = on_revision
    command.upgrade(config, "head")


def revisions() -> list[str]:
    """Those of this program's migrations, the oldest first, as the names of their files say."""
    found = (_REVISION.match(file.name) for file in (MIGRATIONS / "versions").glob("*.py"))
    return sorted(match[1] for match in found if match)


def _current(engine: Engine) -> str | None:
    with reading(engine).connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return revision


def _fits(revision: str, head: str) -> bool:
    """Whether a newer revision only expands what programs of ``head`` know. It says so: ``0007_from_0005``."""
    match = _EXPANDS.fullmatch(revision)
    return match is not None and match[2] <= head[:4] < match[1]


def check_version(engine: Engine) -> None:
    """Raise Temporary where the schema is older than the program, Permanent where it is newer and does not fit it."""
    current, known = _current(engine), revisions()
    if current == known[-1] or _fits(current or "", known[-1]):
        return
    if current is None or current in known:
        raise Temporary("", f"the database is at revision {current or 'nothing'}; run: gateway db upgrade")
    raise Permanent(
        "", f"the database is at revision {current}, which is newer than this program; install the newer one"
    )
