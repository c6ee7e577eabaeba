"""One measured run: mails in by SMTP, the server's cost, and the answers at the relay."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from benchmarks import servers
from benchmarks.load import Load, percentile, send
from benchmarks.servers import Server
from benchmarks.sink import Sink
from benchmarks.workload import Mail

T = TypeVar("T")
SILENCE = 20.0
"""Seconds without one more answer after which the rest counts as lost."""


@dataclass(frozen=True, slots=True)
class Outcome:
    mails: int
    """Mails a run sent."""
    rate: float
    """Mails a second from the first connect to the last answer; where nothing answers, to the last 250."""
    accepted: float
    """Mails a second to the last 250."""
    cpu_us: float
    """Microseconds of CPU a mail, all processes of the server."""
    peak_mib: float
    p50_ms: float
    """From the last byte of a mail to its 250."""
    p99_ms: float
    lost: int
    """Mails refused, or never answered."""


def discarding(mails: Sequence[Mail], folder: Path) -> Outcome:
    """aiosmtpd taking the mails and throwing them away."""
    return execute(_discarding(mails, folder))


def working(mails: Sequence[Mail], folder: Path) -> Outcome:
    """The gateway with a database of its own in ``folder``, which may hold one already."""
    return execute(_working(mails, folder))


async def _discarding(mails: Sequence[Mail], folder: Path) -> Outcome:
    port = servers.free_port()
    with Server(servers.discard(port), port, folder / "discard.log") as server:
        before = server.cpu_seconds
        load = await send(mails, [port])
        return outcome(load, load.taken[-1].accepted, [server], before, lost=len(load.refused))


async def _working(mails: Sequence[Mail], folder: Path) -> Outcome:
    port = servers.free_port()
    async with Sink() as sink:
        command = servers.gateway(folder, port, sink.port)
        with Server(command, port, folder / "gateway.log") as server:
            return await answered(mails, [port], [server], sink)


async def answered(mails: Sequence[Mail], ports: Sequence[int], running: Sequence[Server], sink: Sink) -> Outcome:
    """Send mails to servers that run, and wait for the answers."""
    before = sum(server.cpu_seconds for server in running)
    load = await send(mails, ports)
    wanted = {mail.message_id for mail in mails}
    await sink.answered(wanted, SILENCE)
    times = [sink.first[id_] for id_ in wanted if id_ in sink.first]
    return outcome(load, max(times, default=load.began + 1e9), running, before, lost=len(wanted) - len(times))


def outcome(load: Load, end: float, running: Sequence[Server], cpu_before: float, *, lost: int) -> Outcome:
    count = len(load.taken)
    waits = [one.accepted - one.handed_over for one in load.taken]
    last = max(one.accepted for one in load.taken)
    return Outcome(
        mails=count,
        rate=(count - lost) / (end - load.began),
        accepted=count / (last - load.began),
        cpu_us=1e6 * (sum(server.cpu_seconds for server in running) - cpu_before) / count,
        peak_mib=sum(server.peak_mib for server in running),
        p50_ms=percentile(waits, 0.50),
        p99_ms=percentile(waits, 0.99),
        lost=lost,
    )


def execute(work: Coroutine[object, object, T]) -> T:
    """Run to the end, on uvloop where it is there: the loader shall be cheaper than what it loads."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(work)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop
