"""End to end: mails a second from the first connect to the last answer at the relay, against aiosmtpd that discards."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import run, servers, show
from benchmarks.run import Outcome
from benchmarks.workload import Mix, make

COUNTS = {Mix.SMALL: 6000, Mix.REALISTIC: 1000}
SYSTEMS = {"aiosmtpd, discards": run.discarding, "gateway": run.working}


@dataclass(frozen=True, slots=True)
class Measured:
    mix: str
    system: str
    round: int
    outcome: Outcome


def measure(rounds: int, share: float, folder: Path | None) -> list[Measured]:
    """All systems and mixes in turn; ``share`` of the mails of a full run."""
    results: list[Measured] = []
    with show.progress() as bar:
        task = bar.add_task("throughput", total=rounds * len(Mix) * len(SYSTEMS))
        for number in range(rounds):
            for mix in Mix:
                mails = make(mix, int(COUNTS[mix] * share), seed=number + 1)
                for name, system in SYSTEMS.items():
                    bar.update(task, description=f"{name}, {mix}")
                    with servers.scratch(folder) as place:
                        results.append(Measured(mix, name, number, system(mails, place)))
                    bar.advance(task)
    return results


def table(results: Sequence[Measured]) -> None:
    """Medians over the rounds; the ratio is taken within a round, for a busy machine is busy for both."""
    for mix in Mix:
        rows = [_row(name, [one for one in results if one.mix == mix], name) for name in SYSTEMS]
        columns = (
            "system",
            "mails/s",
            "250s/s",
            "CPU us/mail",
            "peak MiB",
            "250 p50 ms",
            "p99 ms",
            "lost",
            "x aiosmtpd",
        )
        show.table(f"{mix} mails, end to end", columns, rows)


def _row(name: str, results: Sequence[Measured], system: str) -> tuple[object, ...]:
    mine = [one for one in results if one.system == system]
    base = {one.round: one.outcome.rate for one in results if one.system == next(iter(SYSTEMS))}

    def median(field: str) -> float:
        return statistics.median(float(getattr(one.outcome, field)) for one in mine)

    figures = (median(field) for field in ("rate", "accepted", "cpu_us", "peak_mib", "p50_ms", "p99_ms"))
    ratio = statistics.median(one.outcome.rate / base[one.round] for one in mine)
    return (name, *figures, sum(one.outcome.lost for one in mine), ratio)
