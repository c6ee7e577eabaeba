"""The power goes: what was not synced is dropped, or torn.

The gateway works on a file system that can tell at any moment what a disk would hold after a cut. So one run under
load is cut many times: each cut is looked at, some are brought up again and worked to their end.
"""

from __future__ import annotations

import importlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.e2e.running import wait_for
from tests.faults.audit import Books, Count, Report, audit
from tests.faults.letters import Letter
from tests.faults.scene import Scene
from tests.faults.sink import Arrival

_ON_THE_WIRE = 0.05
"""Seconds in which replies that were sent reach the clients, and mails the relay."""


_CUTS_A_ROUND = 50
"""Then it begins anew: each cut costs as much as there is on the disk."""


def run(folder: Path, seed: int, cuts: int, count: Count = range) -> Report:
    """One cut of each fifty is followed by a new start on what is left."""
    report, numbers = Report("power cut", seed), iter(count(cuts))
    for done in range(0, cuts, _CUTS_A_ROUND):
        if report.counts["cuts"] < done:
            break  # the run is to end early
        here = folder / f"from-{done}"
        here.mkdir()
        revived = done + random.Random(seed + done).randrange(min(_CUTS_A_ROUND, cuts - done))
        report.add(_round(here, seed + done, revived, islice(numbers, _CUTS_A_ROUND)))
    return report


def _round(folder: Path, seed: int, revived: int, numbers: Iterable[int]) -> Report:
    chance = random.Random(seed)
    with (
        mounted(folder / "disk") as disk,
        Scene(folder, "power cut", seed, data=disk.mount, connections=4, pause=0.3) as scene,
    ):
        scene.gateway.start()
        scene.clients.start(scene.letters)
        for number in numbers:
            time.sleep(chance.uniform(0, 0.2))
            image = folder / f"cut-{number}"
            kept, arrivals = _cut(scene, disk, chance.randrange(1 << 30), image)
            _look(scene.report, image, kept)
            if number == revived:
                _revive(scene, image, kept, arrivals)
            shutil.rmtree(image)
        scene.clients.finish()
        scene.rest()
        return scene.close_books()


class Disk:
    """The file system in a process of its own."""

    def __init__(self, mount: Path) -> None:
        self.mount = mount
        mount.mkdir(parents=True)
        command = [sys.executable, "-m", "tests.faults.cutfs", str(mount)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        wait_for(self._is_mounted, f"{mount} is mounted", 20)

    def _is_mounted(self) -> bool:
        assert self._process.poll() is None, "the file system ended"
        return os.path.ismount(self.mount)

    def imagine_cut(self, seed: int, folder: Path) -> None:
        """Write what would be left after a cut now."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        folder.mkdir()
        self._process.stdin.write(f"{seed} {folder}\n".encode())
        self._process.stdin.flush()
        assert self._process.stdout.readline(), "the file system ended"

    def unmount(self) -> None:
        subprocess.run([_fusermount(), "-u", "-z", str(self.mount)], check=False)
        self._process.communicate(timeout=30)


def _fusermount() -> str:
    return shutil.which("fusermount3") or shutil.which("fusermount") or ""


@contextmanager
def mounted(mount: Path) -> Iterator[Disk]:
    """Skips where FUSE cannot be had."""
    try:
        importlib.import_module("mfusepy")
    except (ImportError, OSError) as problem:
        pytest.skip(f"mfusepy or libfuse is not installed: {problem}")
    if not os.access("/dev/fuse", os.R_OK | os.W_OK) or not _fusermount():
        pytest.skip("no /dev/fuse that may be used, or no fusermount")
    disk = Disk(mount)
    try:
        yield disk
    finally:
        disk.unmount()


def _cut(scene: Scene, disk: Disk, seed: int, image: Path) -> tuple[list[Letter], list[Arrival]]:
    """What the clients were told and what the relay got when the power went; the gateway stands still meanwhile."""
    os.killpg(scene.gateway.pid, signal.SIGSTOP)
    try:
        time.sleep(_ON_THE_WIRE)
        kept = [letter for letter in scene.letters.made if letter.kept]
        arrivals = list(scene.sink.arrivals)
        disk.imagine_cut(seed, image)
    finally:
        os.killpg(scene.gateway.pid, signal.SIGCONT)
    scene.report.counts["cuts"] += 1
    return kept, arrivals


def _look(report: Report, image: Path, kept: list[Letter]) -> None:
    """The database of a cut is whole, and holds all that was answered with 250, byte for byte."""
    books = Books(f"sqlite:///{image / 'gateway.db'}")
    try:
        if (state := books.integrity()) != "ok":
            report.blame(f"{image.name}: integrity check: {state}")
        raws = dict(books.raws()) if kept else {}
    except (sa.exc.SQLAlchemyError, OSError, ValueError) as problem:
        report.blame(f"{image.name}: {problem}")
        return
    finally:
        books.close()
    report.counts["mails looked at"] += len(kept)
    for letter in kept:
        if raws.get(letter.sender) != letter.data:
            report.blame(f"{image.name}: {letter.message_id} is {'lost' if letter.sender not in raws else 'damaged'}")


def _revive(scene: Scene, image: Path, kept: list[Letter], arrivals: list[Arrival]) -> None:
    """Start on what a cut left, and let it end all its work."""
    folder = scene.folder / f"{image.name}-revived"
    folder.mkdir()
    with Scene(folder, "power cut", scene.report.seed, data=image) as again:
        again.report = scene.report
        again.gateway.start()
        again.rest()
        books = again.books()
        try:
            audit(scene.report, books, kept, arrivals + again.sink.arrivals)
        finally:
            books.close()
    scene.report.counts["revivals"] += 1
