"""kill -9 at random moments under load, and a new start each time."""

from __future__ import annotations

import random
import time
from pathlib import Path

from tests.e2e.running import Gateway, wait_for
from tests.faults.audit import Count, Report
from tests.faults.forked import Forked
from tests.faults.scene import Scene

LONGEST_LIFE = 0.6
"""Seconds between a start and the kill."""
DURING_START = 0.4
"""Of all kills hit a gateway that is not up yet."""
ALONE = 0.5
"""Of all kills hit the main process only; its children have to notice."""


def run(folder: Path, seed: int, kills: int, count: Count = range) -> Report:
    chance = random.Random(seed)
    orphans: list[tuple[int, str]] = []
    with Scene(folder, "kill -9", seed, connections=4, pause=0.1, kind=Forked) as scene:
        gateway = scene.gateway
        scene.clients.start(scene.letters)
        for _ in count(kills):
            if chance.random() < DURING_START:
                gateway.launch()
            else:
                gateway.start()
            time.sleep(chance.uniform(0, LONGEST_LIFE))
            orphans += _kill(gateway, alone=chance.random() < ALONE)
            scene.report.counts["kills"] += 1
        for pid, life in orphans:
            wait_for(lambda at=pid, was=life: _life(at) != was, f"child {pid} of a killed gateway ends by itself", 20)
        gateway.start()
        scene.clients.finish()
        scene.rest()
        return scene.close_books()


def _kill(gateway: Gateway, *, alone: bool) -> list[tuple[int, str]]:
    """The children that it left behind: their numbers and lives."""
    if not alone or gateway.process is None:
        gateway.kill()
        return []
    children = [(pid, life) for pid in gateway.children() if (life := _life(pid))]
    gateway.process.kill()
    gateway.process.wait(30)
    return children


def _life(pid: int) -> str:
    """When the process began, which tells it from others that get its number later; empty where it has ended.

    A zombie has: it waits for nobody but its new parent.
    """
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if state == "Z" else fields[18]
