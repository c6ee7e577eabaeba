"""The one writer: a thread that runs jobs from everywhere in shared transactions.

Sessions that arrive together share one commit and so one fsync (group commit): while a commit runs, the next jobs
gather, and no timer is needed. A job is a function of a connection; it may run twice, because when a shared transaction
fails, each of its jobs gets one of its own, so that a bad one spoils nobody else's.

There are two lanes: what a client waits for at the door (short jobs), and all the rest. They take turns, so that
neither waits longer than one transaction of the other. Where another node's lock is in the way, and the jobs behind it
are tried one by one, light ones go in between: they change only what this node has leased.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from gateway.db.damage import is_damage
from gateway.db.ids import Ids
from gateway.errors import Damaged, Temporary, Unavailable

Job = Callable[[Connection], Any]

MOST_JOBS = 256
"""In one transaction."""
MOST_SECONDS = 0.005
"""After this much work a transaction is committed; jobs that have not begun wait for the next."""
IDLE_MILLISECONDS = 300
"""After which PostgreSQL ends a transaction whose node says nothing, for others wait for its locks."""
LOCK_MILLISECONDS = 450
"""That a statement waits for another node's lock; longer than most nodes that stand still can have one. What was sent
waits meanwhile to be marked, and goes twice if this node dies before it is."""
HURRIED_MILLISECONDS = 30
"""The same for each job of a transaction that met such a lock, once it has one of its own."""
WHOLE_MILLISECONDS = 3000
"""For a whole transaction, where PostgreSQL knows such a limit: who stands still between the statements that he sends
together does not count as idle."""
_LOCKED = "55P03"
_STOOD_STILL = ("25P03", "25P04")
"""The SQLSTATEs of both."""
_TOO_MUCH = "54"
"""Begins the SQLSTATE of what the server has no place for, such as a row too long for its index: the row's own fault,
though the driver counts it among the failures of the server."""


class _Locked(Unavailable):
    """Another node has locked what was to be changed, and keeps it."""


class _Queued(NamedTuple):
    job: Job
    future: Future[Any]
    light: bool

    def begin(self) -> bool:
        """Whether whoever waited is still there; from here on nobody can call the job off."""
        return self.future.running() or self.future.set_running_or_notify_cancel()


class Writer:
    """Runs the jobs of a lane in order of arrival; ``ids`` follows its transactions."""

    def __init__(self, engine: Engine, ids: Ids) -> None:
        self._engine = engine
        self._ids = ids
        self._driver: Any = engine.dialect.loaded_dbapi
        """Its errors: statements that are run by it itself raise them."""
        self._door: deque[_Queued] = deque()
        self._rest: deque[_Queued] = deque()
        self._last: deque[_Queued] = self._rest
        self._signal: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._connection: Connection | None = None
        self._closed = False
        self.damage = ""
        """What the database said when it was found to be damaged; it stays so until somebody mends it."""

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Finish what is queued and end the thread."""
        if not self._closed:
            self._closed = True
            self._signal.put(None)
            self._thread.join()

    def submit(self, job: Job, *, at_the_door: bool = False, light: bool = False) -> Future[Any]:
        """Queue a job. The future ends after the commit; with Temporary where the database failed,
        Unavailable where it is away. ``light``: it needs no lock that another node may have."""
        future: Future[Any] = Future()
        if self._closed:
            future.set_exception(Temporary("service is stopping"))
        else:
            (self._door if at_the_door else self._rest).append(_Queued(job, future, light))
            self._signal.put(None)
        return future

    def run(self, job: Job) -> Any:
        """``submit`` and wait: for callers in a thread of their own."""
        return self.submit(job).result()

    def _run(self) -> None:
        while not self._closed or self._door or self._rest:
            batch = self._gather()
            problem = self._together(batch) if batch else None
            if isinstance(problem, _Locked):
                self._hurry(batch)
            elif problem is not None:
                for one in batch:
                    self._alone(one)
        self._drop_connection()

    def _gather(self) -> list[_Queued]:
        """The jobs of the lane whose turn it is; none where all were called off, or the end has come."""
        if not (self._door or self._rest):
            self._signal.get()
        while not self._signal.empty():
            self._signal.get_nowait()
        lane = self._door if self._door and not (self._rest and self._last is self._door) else self._rest
        self._last = lane
        batch: list[_Queued] = []
        while lane and len(batch) < MOST_JOBS:
            queued = lane.popleft()
            if queued.begin():
                batch.append(queued)
        return batch

    def _together(self, batch: list[_Queued]) -> Exception | None:
        """Why each job is to have a transaction of its own; None where that is not needed."""
        try:
            results = self._transaction([one.job for one in batch])
        except Exception as problem:
            if len(batch) == 1:
                batch[0].future.set_exception(problem)
                return None
            return problem
        self._last.extendleft(reversed(batch[len(results) :]))
        for one, result in zip(batch, results, strict=False):
            one.future.set_result(result)
        return None

    def _hurry(self, batch: Sequence[_Queued]) -> None:
        """Each alone and with little patience, the light ones first, and those that come meanwhile in between: what was
        sent must be marked before its lease ends, or another node sends it again."""
        waiting = deque(sorted(batch, key=lambda one: not one.light))
        while waiting:
            one = waiting.popleft()
            self._alone(one._replace(job=_in_a_hurry(one.job)))
            if waiting:
                waiting.extendleft(reversed(self._light_ones()))

    def _light_ones(self) -> list[_Queued]:
        """Taken out of the lane."""
        waiting = [self._rest.popleft() for _ in range(len(self._rest))]
        self._rest.extendleft(one for one in reversed(waiting) if not one.light)
        return [one for one in waiting if one.light and one.begin()]

    def _alone(self, queued: _Queued) -> None:
        try:
            queued.future.set_result(self._transaction([queued.job])[0])
        except Exception as problem:
            queued.future.set_exception(problem)

    def _transaction(self, jobs: list[Job]) -> list[Any]:
        """Run the first jobs, as many as there is time for; returns their results."""
        try:
            connection = self._connection = self._connection or self._connect()
            with connection.begin():
                self._ids.begin(connection)
                return self._results(connection, jobs)
        except (SQLAlchemyError, self._driver.Error) as problem:
            # After a failed commit or a lost server nothing about the connection can be trusted.
            self._drop_connection()
            raise self._trouble(problem) from problem
        except Exception:
            self._ids.forget()
            raise

    @staticmethod
    def _results(connection: Connection, jobs: list[Job]) -> list[Any]:
        enough = time.monotonic() + MOST_SECONDS
        results: list[Any] = []
        for job in jobs:
            if results and time.monotonic() > enough:
                break
            results.append(job(connection))
        return results

    def _trouble(self, problem: Exception) -> Temporary:
        """A failure of the database, as SQLAlchemy or its driver told it."""
        away = (OperationalError, InterfaceError, self._driver.OperationalError, self._driver.InterfaceError)
        original = getattr(problem, "orig", problem)
        state = getattr(original, "sqlstate", None) or ""
        is_away = isinstance(problem, away) and not state.startswith(_TOO_MUCH)
        kind: type[Temporary] = Unavailable if is_away or state in _STOOD_STILL else Temporary
        kind = _Locked if state == _LOCKED else kind
        # SQLAlchemy's own text quotes the statement, PostgreSQL's second line the row: both hold what a mail says.
        cause, _, _ = str(original).partition("\n")
        if is_damage(original):
            kind, self.damage = Damaged, cause
        return kind("database trouble, try again later", f"database: {cause}")

    def _connect(self) -> Connection:
        connection = self._engine.connect()
        if connection.dialect.name == "postgresql":
            # A node that was held or cut off in the middle of a transaction would leave locks behind for long. Who
            # waits for one holds up everything else here, leases too; he tries again.
            connection.exec_driver_sql(f"SET idle_in_transaction_session_timeout = {IDLE_MILLISECONDS}")
            connection.exec_driver_sql(f"SET lock_timeout = {LOCK_MILLISECONDS}")
            if (connection.dialect.server_version_info or ()) >= (17,):
                connection.exec_driver_sql(f"SET transaction_timeout = {WHOLE_MILLISECONDS}")
            connection.commit()
        return connection

    def _drop_connection(self) -> None:
        self._ids.forget()
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.invalidate()
                connection.close()
            except SQLAlchemyError:
                pass


def _in_a_hurry(job: Job) -> Job:
    def hurried(connection: Connection) -> Any:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {HURRIED_MILLISECONDS}")
        return job(connection)

    return hurried
