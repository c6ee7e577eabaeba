"""At a steady rate of small mails: from the 250 until the ticket can be read, and until the answer is at the relay."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, select

from benchmarks import run, servers, show
from benchmarks.load import Load, percentile, send
from benchmarks.servers import Server
from benchmarks.sink import Sink
from benchmarks.workload import Mail, Mix, make
from gateway.db import engine as databases
from gateway.db.schema import mail as journal
from gateway.model import MailState

RATE = 100.0
SECONDS = 20
WARM_UP = 2
"""Seconds that do not count."""
LOOK_SECONDS = 0.001
"""How often we look for tickets, and so how exact their times are."""
_ID = re.compile(r"kept as (\d+)")


@dataclass(frozen=True, slots=True)
class Latency:
    what: str
    mails: int
    p50_ms: float
    p99_ms: float
    worst_ms: float


class Looking(threading.Thread):
    """Reads the database like anyone who waits for a ticket, and notes when each mail's was there."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(daemon=True)
        self._engine = databases.reading(engine)
        self._end = threading.Event()
        self.seen: dict[int, float] = {}
        """Id of an accepted mail to when its ticket could be read."""

    def run(self) -> None:
        open_ids: set[int] = set()
        newest = 0
        with self._engine.connect() as connection:
            while not self._end.wait(LOOK_SECONDS):
                query = select(journal.c.id, journal.c.state).where(
                    (journal.c.id > newest) | journal.c.id.in_(open_ids)
                )
                with connection.begin():
                    rows = connection.execute(query).all()
                now = time.perf_counter()
                done = {id_: now for id_, state in rows if state != MailState.RECEIVED}
                self.seen |= done
                newest = max([newest, *(id_ for id_, _ in rows)])
                open_ids = {id_ for id_, _ in rows} - done.keys()

    def stop(self) -> None:
        self._end.set()
        self.join()


def measure(seconds: int, rate: float, folder: Path | None) -> list[Latency]:
    mails = make(Mix.SMALL, int((WARM_UP + seconds) * rate))
    with servers.scratch(folder) as place, show.progress() as bar:
        task = bar.add_task(f"latency at {rate:g} mails a second", total=len(mails))
        return run.execute(_measure(mails, rate, place, lambda: bar.advance(task)))


async def _measure(mails: Sequence[Mail], rate: float, folder: Path, advance: Callable[[], None]) -> list[Latency]:
    port = servers.free_port()
    async with Sink() as sink:
        with Server(servers.gateway(folder, port, sink.port), port, folder / "gateway.log"):
            looking = Looking(databases.open_engine(f"sqlite:///{folder / 'var' / 'gateway.db'}"))
            looking.start()
            load = await send(mails, [port], rate=rate, told=lambda _: advance())
            await sink.answered({mail.message_id for mail in mails}, run.SILENCE)
            looking.stop()
    return _results(load, looking.seen, sink.first, load.began + WARM_UP)


def _results(load: Load, tickets: dict[int, float], answers: dict[str, float], start: float) -> list[Latency]:
    taken = [one for one in load.taken if one.due >= start]
    ids = [int(match[1]) if (match := _ID.search(one.answer)) else 0 for one in taken]
    return [
        _latency("due time to 250", [one.accepted - one.due for one in taken]),
        _latency("last byte to 250", [one.accepted - one.handed_over for one in taken]),
        _latency("250 to ticket visible", [tickets[id_] - one.accepted for id_, one in zip(ids, taken, strict=True)]),
        _latency("250 to answer at the relay", [answers[one.message_id] - one.accepted for one in taken]),
    ]


def _latency(what: str, seconds: Sequence[float]) -> Latency:
    p50, p99, worst = (percentile(seconds, share) for share in (0.5, 0.99, 1.0))
    return Latency(what, len(seconds), p50, p99, worst)


def table(results: Sequence[Latency], rate: float) -> None:
    rows = [(one.what, one.mails, one.p50_ms, one.p99_ms, one.worst_ms) for one in results]
    show.table(f"latency at {rate:g} small mails a second", ("", "mails", "p50 ms", "p99 ms", "worst ms"), rows)
