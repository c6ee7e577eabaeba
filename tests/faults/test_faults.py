"""The bounded part of the faults; ``make faults`` runs each of them for long."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import days, dbaway, diskfault, kill, nodes, powercut, storm, syscalls
from tests.faults.audit import Report

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

Fault = Callable[[Path, int], Report]
FAULTS: dict[str, Fault] = {
    "killed at random moments": lambda folder, seed: kill.run(folder, seed, kills=12),
    "killed at system calls": lambda folder, seed: syscalls.run(folder, seed, sample=5),
    "power cut": lambda folder, seed: powercut.run(folder, seed, cuts=50),
    "failing writes and syncs": lambda folder, seed: diskfault.run(folder, seed, faults=len(diskfault.FAULTS)),
    "full disk": lambda folder, seed: diskfault.run_full(folder, seed, times=2, seconds=1.0),
    "database stopped, then cut off": lambda folder, seed: dbaway.run(folder, seed, times=2, seconds=2.0),
    "relay away, then back": lambda folder, seed: days.relay_away(folder, seed, 4.9, mails=2),
    "relay away for too long": lambda folder, seed: days.relay_away(folder, seed, 5.1, mails=2),
    "relay of many whims": lambda folder, seed: days.relay_whims(folder, seed),
    "clock jumps": lambda folder, seed: days.clock_jumps(folder, seed, days.JUMPS[:3]),
    "two nodes": lambda folder, seed: nodes.run(folder, seed, size=2, faults=3),
    "storm": lambda folder, seed: storm.run(folder, seed, mails=5000),
}


@pytest.mark.incident("SQLite synchronous", "Durable and not acknowledged")
@pytest.mark.parametrize("name", FAULTS)
def test_nothing_is_lost_and_nothing_comes_twice(name: str, tmp_path: Path) -> None:
    report = FAULTS[name](tmp_path, 1)
    report.check()
    assert report.counts["mails"], "no mail was looked at"
