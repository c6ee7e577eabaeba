"""PostgreSQL is away: stopped, killed, frozen, cut off, silent. And back."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

from tests.e2e.running import wait_for
from tests.faults.audit import Count, Report
from tests.faults.background import Background
from tests.faults.proxy import Proxy
from tests.faults.scene import Scene
from tests.faults.server import Server, postgresql

_SETTLED = 1.0
"""Seconds after which no answer is on its way that was decided before the fault."""
DRAINED = 60.0
"""Seconds after the return in which everything that waited must be done."""


def run(folder: Path, seed: int, times: int, seconds: float, count: Count = range) -> Report:
    """Each kind of absence in turn, for so many seconds."""
    chance = random.Random(seed)
    with postgresql(folder / "pg") as server, Background() as background:
        proxy = Proxy(background, server.socket)
        environment = {"GATEWAY_DATABASE": server.url_by(proxy.port)}
        absences = _absences(server, proxy)
        with Scene(folder, "database away", seed, environment=environment, database=server.url) as scene:
            assert scene.gateway.run("db", "upgrade").returncode == 0
            scene.gateway.start()
            for number in count(times):
                name, leave, come_back = absences[number % len(absences)]
                scene.clients.start(scene.letters)
                time.sleep(chance.uniform(0.3, 1.0))
                leave()
                _stay_away(scene, name, seconds)
                come_back()
                _come_to_rest(scene, name)
            return scene.close_books()


def _absences(server: Server, proxy: Proxy) -> list[tuple[str, Callable[[], None], Callable[[], None]]]:
    return [
        ("stopped", server.stop, server.start),
        ("cut off", proxy.cut, proxy.mend),
        ("killed", server.kill, server.start),
        ("silent", proxy.silence, proxy.mend),
        ("frozen", server.hold, server.release),
    ]


def _stay_away(scene: Scene, name: str, seconds: float) -> None:
    time.sleep(_SETTLED)
    before = sum(letter.kept for letter in scene.letters.made)
    time.sleep(seconds)
    after = sum(letter.kept for letter in scene.letters.made)
    if after > before:
        scene.report.blame(f"{name}: {after - before} mails were answered with 250 without a database")
    scene.report.counts[f"times {name}"] += 1


def _come_to_rest(scene: Scene, name: str) -> None:
    before = sum(letter.kept for letter in scene.letters.made)
    back = time.monotonic()
    wait_for(lambda: sum(letter.kept for letter in scene.letters.made) > before, f"mail is taken after: {name}", 60)
    scene.clients.finish()
    scene.rest()
    took = time.monotonic() - back
    scene.report.slowest("seconds to drain", took)
    if took > DRAINED:
        scene.report.blame(f"{name}: it took {took:.0f} s until everything was done")
