"""The bounded part of the faults; ``make faults`` runs each of them for long.

Counts: 200 kills, a kill at every system call of one mail's way in and out (in the long run of ten kinds of mail),
50 power cuts, 50 failing writes and syncs, 20 faults of nodes, a minute without a database, 3 jumps of the clock,
5,000 mails beside 1,000 slow clients, 20 kills while mail is fetched.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import days, dbaway, diskfault, kill, mailbox, nodes, powercut, storm, syscalls
from tests.faults.audit import Report

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

Fault = Callable[[Path, int], Report]
FAULTS: dict[str, Fault] = {
    "killed at every system call": syscalls.run,
    "killed at random moments": lambda folder, seed: kill.run(folder, seed, kills=50),
    "killed at random moments, again": lambda folder, seed: kill.run(folder, seed + 1, kills=50),
    "killed at random moments, a third time": lambda folder, seed: kill.run(folder, seed + 2, kills=50),
    "killed at random moments, a fourth time": lambda folder, seed: kill.run(folder, seed + 3, kills=50),
    "power cut": lambda folder, seed: powercut.run(folder, seed, cuts=50),
    "failing writes and syncs": lambda folder, seed: diskfault.run(folder, seed, faults=50),
    "full disk": lambda folder, seed: diskfault.run_full(folder, seed, times=2, seconds=1.0),
    "database stopped for a minute": lambda folder, seed: dbaway.run(folder, seed, times=1, seconds=60.0),
    "database stopped, then cut off": lambda folder, seed: dbaway.run(folder, seed, times=2, seconds=2.0),
    "relay away, then back": lambda folder, seed: days.relay_away(folder, seed, 4.9, mails=2),
    "relay away for too long": lambda folder, seed: days.relay_away(folder, seed, 5.1, mails=2),
    "relay of many whims": lambda folder, seed: days.relay_whims(folder, seed),
    "clock jumps": lambda folder, seed: days.clock_jumps(folder, seed, days.JUMPS[:3]),
    "two nodes": lambda folder, seed: nodes.run(folder, seed, size=2, faults=10),
    "four nodes": lambda folder, seed: nodes.run(folder, seed, size=4, faults=10),
    "storm": lambda folder, seed: storm.run(folder, seed, mails=5000),
}


@pytest.mark.incident("SQLite synchronous", "Durable and not acknowledged")
@pytest.mark.parametrize("name", FAULTS)
def test_nothing_is_lost_and_nothing_comes_twice(name: str, tmp_path: Path) -> None:
    report = FAULTS[name](tmp_path, 1)
    report.check()
    assert report.counts["mails"], "no mail was looked at"


@pytest.mark.peer
@pytest.mark.incident("Durable and not acknowledged")
def test_no_fetched_mail_is_lost_or_kept_twice(tmp_path: Path) -> None:
    report = mailbox.run(tmp_path, 1, kills=20)
    report.check()
    assert report.counts["mails"], "no mail was looked at"
