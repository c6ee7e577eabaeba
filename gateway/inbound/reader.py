"""Reads and judges mails in child processes that may be killed: hostile input costs a child, never the gateway.

Each mail has its own limit of CPU time, raised as an exception inside the child; a child that is stuck beyond that, in
a library's C code, or that outgrows its memory is replaced, and the batch it had is tried again mail by mail.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as PebbleTimeout
from dataclasses import dataclass
from types import FrameType
from typing import TypeVar

from pebble import ProcessExpired, ProcessPool

from gateway import log
from gateway.model import Carried, ReadMail, Verdict
from gateway.settings import Reading
from gateway.triage.policy import Policy

A = TypeVar("A")
R = TypeVar("R")
_FAILURES = (PebbleTimeout, ProcessExpired, RuntimeError)
"""A child too late, a child dead, or (BrokenProcessPool is one) the whole pool gone."""
PATIENCE = 6
"""Wall time a mail may take, as a multiple of its CPU time: the machine has other things to do."""
START_SECONDS = 30
"""What a new child may need before it reads, on a machine with other things to do."""
MOST_TASKS = 200_000
"""Batches after which a child is replaced, so that a leak in a library stays small."""


@dataclass(frozen=True, slots=True)
class Read(Carried):
    """A mail that was read and judged."""

    mail: ReadMail
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Unreadable(Carried):
    """A mail that could not be read, why, and what is safe of it."""

    why: str
    mail: ReadMail


class _OutOfTime(BaseException):
    """No Exception, so that no handler inside the reading swallows it."""


class Reader:
    """A pool of children. ``read`` keeps the order of what it is given."""

    def __init__(self, settings: Reading, policy: Policy) -> None:
        self._settings = settings
        self._policy = policy
        self._pool = self._new_pool()
        self._promised = 0.0
        """Seconds that all tasks together may take which are with the pool now."""

    def _new_pool(self) -> ProcessPool:
        return ProcessPool(
            max_workers=self._settings.workers,
            max_tasks=MOST_TASKS,
            initializer=_set_up,
            initargs=[self._settings, self._policy],
            # A fork would copy threads' locks and the database's file descriptors.
            context=multiprocessing.get_context("spawn"),
        )

    async def start(self) -> None:
        """Start the children now, not with the first mail."""
        await asyncio.gather(*(self._run(_read_all, [], 0) for _ in range(self._settings.workers)))

    async def read(self, ids: Sequence[int], raws: Sequence[bytes]) -> list[Read | Unreadable]:
        """Read a batch; never raises for what a mail holds. ``ids`` are for the log."""
        try:
            return await self._run(_read_all, list(raws), len(raws))
        except _FAILURES as problem:
            if len(raws) > 1:
                return [(await self.read([id_], [raw]))[0] for id_, raw in zip(ids, raws, strict=True)]
            why = "reading took too long" if isinstance(problem, PebbleTimeout) else "the reading process died"
            log.reader_stopped(ids[0], why)
            return [Unreadable(why, await self._salvage(raws[0]))]

    async def _salvage(self, raw: bytes) -> ReadMail:
        try:
            return await self._run(_salvage, raw, 1)
        except _FAILURES:
            return ReadMail()

    async def _run(self, work: Callable[[A], R], argument: A, mails: int) -> R:
        pool = self._pool
        seconds = self._settings.cpu_seconds * PATIENCE + mails if mails else START_SECONDS
        self._promised += seconds
        try:
            future = asyncio.wrap_future(pool.schedule(work, args=[argument], timeout=seconds if mails else None))
            await asyncio.wait([future], timeout=self._promised + START_SECONDS)
            if not future.done():
                raise RuntimeError("lost: a child that dies while it is given a task may take the next one along")
            return future.result()
        except RuntimeError:
            # A child that dies between two mails takes pebble's pool with it.
            if pool is self._pool:
                self._pool = self._new_pool()
                await asyncio.to_thread(_end, pool)
            raise
        finally:
            self._promised -= seconds

    def close(self) -> None:
        """End the children at once; what they had is still in the journal."""
        _end(self._pool)


def _end(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]
    pool.join()


_settings: Reading
_policy: Policy


def _set_up(settings: Reading, policy: Policy) -> None:
    """In a child: keep what every mail needs, and bound the memory."""
    global _settings, _policy
    _settings, _policy = settings, policy
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, _out_of_time)
    import gateway.inbound.judge  # noqa: F401  (so that the first mail does not wait for it)

    with open("/proc/self/statm", encoding="ascii") as statm:
        own = int(statm.read().split()[0]) * resource.getpagesize()
    limit = own + settings.memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _out_of_time(_signal: int, _frame: FrameType | None) -> None:
    raise _OutOfTime


def _read_all(raws: list[bytes]) -> list[Read | Unreadable]:
    return [_read(raw) for raw in raws]


def _read(raw: bytes) -> Read | Unreadable:
    from gateway.inbound.judge import judge

    try:
        signal.setitimer(signal.ITIMER_PROF, _settings.cpu_seconds)
        try:
            return Read(*judge(raw, _settings, _policy))
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    except _OutOfTime:
        why = f"reading took more than {_settings.cpu_seconds:g} s of CPU time"
    except MemoryError:
        why = "reading took too much memory"
    except Exception as problem:
        why = f"reading failed: {type(problem).__name__}"
    return Unreadable(why, _salvage(raw))


def _salvage(raw: bytes) -> ReadMail:
    from gateway.inbound.judge import salvage

    try:
        return salvage(raw, _settings)
    except Exception:
        return ReadMail()
