"""One, two and four gateways on one PostgreSQL, all on this machine: what coordination costs."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import postgresql, run, servers, show
from benchmarks.run import Outcome
from benchmarks.servers import Server
from benchmarks.sink import Sink
from benchmarks.workload import Mail, Mix, make
from gateway.db.engine import upgrade

NODES = (1, 2, 4)
MAILS = 3000


@dataclass(frozen=True, slots=True)
class Measured:
    nodes: int
    round: int
    outcome: Outcome


def measure(rounds: int, share: float, folder: Path | None) -> list[Measured]:
    results: list[Measured] = []
    with servers.scratch(folder) as place, postgresql.server(place / "postgresql") as url, show.progress() as bar:
        task = bar.add_task("nodes", total=rounds * len(NODES))
        for number in range(rounds):
            mails = make(Mix.SMALL, int(MAILS * share), seed=number + 1)
            for count in NODES:
                bar.update(task, description=f"{count} nodes")
                database = postgresql.database(url)
                upgrade(database)
                outcome = run.execute(_measure(mails, count, place / f"{number}-{count}", database))
                results.append(Measured(count, number, outcome))
                bar.advance(task)
    return results


async def _measure(mails: Sequence[Mail], count: int, folder: Path, database: str) -> Outcome:
    ports = [servers.free_port() for _ in range(count)]
    async with Sink() as sink:
        with ExitStack() as stack:
            commands = [servers.gateway(folder, port, sink.port, database) for port in ports]
            nodes = [
                stack.enter_context(Server(command, port, folder / f"{port}.log"))
                for command, port in zip(commands, ports, strict=True)
            ]
            return await run.answered(mails, ports, nodes, sink)


def table(results: Sequence[Measured]) -> None:
    """CPU is that of the gateways; the ratio is to one node in the same round."""
    one = {measured.round: measured.outcome.rate for measured in results if measured.nodes == 1}
    rows = []
    for count in NODES:
        mine = [measured for measured in results if measured.nodes == count]
        rates, cpus, peaks = zip(*((m.outcome.rate, m.outcome.cpu_us, m.outcome.peak_mib) for m in mine), strict=True)
        ratio = statistics.median(m.outcome.rate / one[m.round] for m in mine)
        lost = sum(m.outcome.lost for m in mine)
        medians = (statistics.median(values) for values in (rates, cpus, peaks))
        rows.append((f"{count} on one machine", *medians, lost, ratio))
    columns = ("nodes", "mails/s", "CPU us/mail", "peak MiB", "lost", "x one node")
    show.table("small mails, several gateways on one PostgreSQL", columns, rows)
