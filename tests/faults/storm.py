"""Thousands of mails at once, with a thousand clients beside them that send a byte now and then."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.e2e.running import Gateway
from tests.faults.audit import Count, Report
from tests.faults.background import Background
from tests.faults.letters import ON_CALL, Letter, Letters
from tests.faults.scene import Scene

CONNECTIONS = 50
DRIPS = 1000
URGENT_EVERY = 100
MEMORY = 300 * 1024 * 1024
_SLOW = b"EHLO slow.example\r\nMAIL FROM:<slow@example.net>\r\nRCPT TO:<support@example.com>\r\nDATA\r\n"
_ROOM = {
    "GATEWAY_SMTP_MAX_CONNECTIONS": "2000", "GATEWAY_SMTP_MAX_CONNECTIONS_PER_PEER": "2000",
    "GATEWAY_ONCALL_BURST": "2000",
}  # fmt: skip
_RESIDENT = re.compile(r"^Rss:\s+(\d+) kB", re.MULTILINE)


def run(folder: Path, seed: int, mails: int, drips: int = DRIPS, count: Count = range) -> Report:
    """All are kept, an S0 is paged whatever waits before it, and memory stays bounded."""
    with (
        Scene(folder, "storm", seed, environment=_ROOM, connections=CONNECTIONS, pause=0.0, large=0.05) as scene,
        Background() as aside,
    ):
        gateway, report = scene.gateway, scene.report
        gateway.start()
        slow = [aside.spawn(_drip(gateway.port)) for _ in range(drips)]
        with _Memory(gateway) as memory:
            began = time.monotonic()
            scene.clients.start(_mixed(scene.letters, count(mails)))
            scene.clients.join(mails)
            taken = len(scene.letters.made)
            report.counts["mails a second, taken"] = round(taken / (time.monotonic() - began))
            scene.rest()
            report.counts["mails a second, done"] = round(taken / (time.monotonic() - began))
        report.counts["slow clients still there"] = sum(not one.done() for one in slow)
        report.counts["MB resident"] = memory.most >> 20
        if memory.most > MEMORY:
            report.blame(f"{memory.most >> 20} MB were resident at once")
        _pages(scene)
        return scene.close_books()


def _mixed(letters: Letters, numbers: Iterable[int]) -> Iterator[Letter]:
    for number in numbers:
        yield letters.urgent() if number % URGENT_EVERY == URGENT_EVERY // 2 else next(letters)


async def _drip(port: int) -> None:
    """A byte of a mail every few seconds, for ever; hung up on, it comes again."""
    while True:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_SLOW)
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(3)


def _pages(scene: Scene) -> None:
    """Each urgent mail called the on-call once; how long it took from the 250 to the relay."""
    urgent = [letter for letter in scene.letters.made if letter.subject.startswith("URGENT")]
    told = {a.subject: a.at for a in reversed(scene.sink.arrivals) if a.recipient == ON_CALL}
    waits = []
    for letter in urgent:
        found = [at for subject, at in told.items() if re.search(rf"{re.escape(letter.subject)}(?!\d)", subject)]
        if len(found) != 1:
            scene.report.blame(f"{letter.subject}: {len(found)} pages")
        waits += [at - letter.kept_at for at in found]
    waits.sort()
    for share in (50, 99) if waits else ():
        scene.report.counts[f"ms to the page, p{share}"] = round(1000 * waits[len(waits) * share // 100])


class _Memory:
    """Looks every now and then at what the gateway and its children have in memory, all together."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.most = 0

    def __enter__(self) -> _Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._enough.wait(0.3):
            pids = [self._gateway.pid, *self._gateway.children()]
            self.most = max(self.most, sum(map(_resident, pids)))


def _resident(pid: int) -> int:
    try:
        match = _RESIDENT.search(Path(f"/proc/{pid}/smaps_rollup").read_text())
    except OSError:  # it has just ended
        return 0
    return int(match[1]) * 1024 if match else 0
