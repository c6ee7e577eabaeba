"""The long runs: ``python -m tests.faults.long [--seed N] [--scale X] [NAME ...]``, or ``make faults``.

Each run starts with its own seed, printed beside its counts; the same seed asks the same of the gateway again. What
the machine makes of it (which thread was where) no seed can repeat. Ctrl-C ends a run after the step that it is at, and
what it did until then is audited and counted; a second one breaks it off.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.faults import days, dbaway, diskfault, kill, mailbox, model, nodes, powercut, storm, syscalls
from tests.faults.audit import Count, Report
from tests.faults.kinds import KINDS


@dataclass(frozen=True, slots=True)
class Run:
    steps: int
    """At scale 1."""
    start: Callable[[Path, int, int, Count], Report]
    """Takes folder, seed, steps and what counts them."""


def _walk(folder: Path, seed: int, steps: int, count: Count) -> Report:
    report = Report("model", seed)
    done = model.walk(model.start(nodes=2, crashes=2, holds=1, tries=3), more=count(steps))
    report.counts.update({"states": done.states, "steps": done.steps, "at rest": done.at_rest})
    if done.wrong:
        report.blame(f"{done.wrong}: {' / '.join(done.path)}")
    return report


def _relay_away(folder: Path, seed: int, steps: int, count: Count) -> Report:
    report = Report("relay away", seed)
    for number in count(steps):
        _in_folder(report, folder / f"{number}", lambda at, n=number: days.relay_away(at, seed + n, (4.9, 5.1)[n % 2]))
    return report


def _relay_whims(folder: Path, seed: int, steps: int, count: Count) -> Report:
    report = Report("relay of many whims", seed)
    for number in count(steps):
        _in_folder(report, folder / f"{number}", lambda at, n=number: days.relay_whims(at, seed + n))
    return report


def _clock_jumps(folder: Path, seed: int, steps: int, count: Count) -> Report:
    report = Report("clock jumps", seed)
    for number in count(steps):
        jump = days.JUMPS[number % len(days.JUMPS)]
        _in_folder(report, folder / f"{number}", lambda at, n=number, by=jump: days.clock_jumps(at, seed + n, [by]))
    return report


def _in_folder(report: Report, folder: Path, run: Callable[[Path], Report]) -> None:
    folder.mkdir(parents=True)
    report.add(run(folder))


RUNS = {
    "model": Run(3_000_000, _walk),
    "kill": Run(700, lambda folder, seed, steps, count: kill.run(folder, seed, steps, count)),
    "syscalls": Run(1400, lambda folder, seed, steps, count: syscalls.run(folder, seed, KINDS, count)),
    "powercut": Run(5000, lambda folder, seed, steps, count: powercut.run(folder, seed, steps, count)),
    "diskfault": Run(300, lambda folder, seed, steps, count: diskfault.run(folder, seed, steps, count)),
    "diskfull": Run(20, lambda folder, seed, steps, count: diskfault.run_full(folder, seed, steps, 30.0, count)),
    "database": Run(10, lambda folder, seed, steps, count: dbaway.run(folder, seed, steps, 60.0, count)),
    "relay": Run(8, _relay_away),
    "whims": Run(20, _relay_whims),
    "clock": Run(50, _clock_jumps),
    "nodes-2": Run(300, lambda folder, seed, steps, count: nodes.run(folder, seed, 2, steps, count)),
    "nodes-4": Run(300, lambda folder, seed, steps, count: nodes.run(folder, seed, 4, steps, count)),
    "mailbox": Run(600, lambda folder, seed, steps, count: mailbox.run(folder, seed, steps, count)),
    "storm": Run(100_000, lambda folder, seed, steps, count: storm.run(folder, seed, steps, count=count)),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.long", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*RUNS, []], metavar="NAME", help=f"of {', '.join(RUNS)}; all")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="repeats a run; by default a new one")
    parser.add_argument("--scale", type=float, default=1.0, help="how much of the usual length, 0.1 say")
    options = parser.parse_args()
    console = Console()
    table = Table("run", "seed", "seconds", "counted", "wrong")
    wrong = 0
    interrupt = Interrupt()
    for name in options.names or RUNS:
        if interrupt.asked:
            break
        began = time.monotonic()
        report = _one(console, interrupt, name, options.seed, max(1, round(RUNS[name].steps * options.scale)))
        if report is None:
            continue
        counted = ", ".join(f"{what} {number:,}" for what, number in sorted(report.counts.items()))
        took = f"{time.monotonic() - began:.0f}"
        table.add_row(name, str(options.seed), took, counted, "\n".join(report.wrong[:10]) or "nothing")
        wrong += len(report.wrong)
    console.print(table)
    return 1 if wrong else 0


def _one(console: Console, interrupt: Interrupt, name: str, seed: int, steps: int) -> Report | None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as folder,
        Progress(*columns, console=console) as progress,
    ):
        task = progress.add_task(f"{name}, seed {seed}", total=steps)

        def count(most: int) -> Iterator[int]:
            progress.update(task, total=most)
            for number in range(most):
                if interrupt.asked:
                    return
                yield number
                progress.advance(task)

        try:
            return RUNS[name].start(Path(folder), seed, steps, count)
        except pytest.skip.Exception as why:
            console.print(f"{name}: left out: {why}")
            return None
        except (Exception, KeyboardInterrupt) as problem:
            report = Report(name, seed)
            report.blame(f"the run ended: {problem or type(problem).__name__}")
            return report


class Interrupt:
    """Listens for Ctrl-C, once; the next one is Python's own again."""

    def __init__(self) -> None:
        self.asked = False
        signal.signal(signal.SIGINT, self._ask)

    def _ask(self, *_: object) -> None:
        self.asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)


if __name__ == "__main__":
    sys.exit(main())
