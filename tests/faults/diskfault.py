"""Writes and syncs that fail, and a disk that is full, then has room again."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.running import wait_for
from tests.faults.audit import Count, Report
from tests.faults.scene import Scene
from tests.faults.strace import Strace, need_strace

_SETTLED = 0.3
"""Seconds after which no answer is on its way that was decided before the fault."""
_LASTS = 0.7
_TMPFS_BYTES = 24 * 1024 * 1024
_SMALL_MAILS = {"GATEWAY_SMTP_MAX_MESSAGE_BYTES": "100000"}
"""So that a small disk has room for the next one for long."""


@dataclass(frozen=True, slots=True)
class Fault:
    calls: str
    error: str
    where: str = ""
    """Only in files that match, inside the folder of the test."""
    stops_intake: bool = False
    """Where it lasts, nothing may be answered with 250."""


FAULTS = (
    Fault("fdatasync,fsync", "EIO", stops_intake=True),
    Fault("fdatasync,fsync", "ENOSPC", stops_intake=True),
    Fault("pwrite64", "ENOSPC", stops_intake=True),
    Fault("pwrite64", "EIO", stops_intake=True),
    Fault("write", "ENOSPC", "var/raw/*.seg"),
    Fault("write", "EIO", "var/raw/*.seg"),
    Fault("write", "ENOSPC", "gateway.log"),
)


def run(folder: Path, seed: int, faults: int, count: Count = range) -> Report:
    """Errors at the n-th call, one of them or all from there on."""
    need_strace()
    chance = random.Random(seed)
    with Scene(folder, "failing writes and syncs", seed, large=0.3) as scene:
        scene.gateway.start()
        scene.clients.start(scene.letters)
        _goes_on(scene)
        for number in count(faults):
            fault = FAULTS[number % len(FAULTS)]
            first = 1 if number < len(FAULTS) else chance.randint(1, 12)
            _fail(scene, fault, first, lasting=number < len(FAULTS) or chance.random() < 0.5)
        scene.clients.finish()
        scene.rest()
        return scene.close_books()


def _fail(scene: Scene, fault: Fault, first: int, *, lasting: bool) -> None:
    """One fault, and the return to work after it."""
    paths = tuple(scene.folder.glob(fault.where)) if fault.where else ()
    if fault.where and not paths:
        scene.report.counts["faults without a file"] += 1
        return
    inject = f"{fault.calls}:error={fault.error}:when={first}{'+' if lasting else ''}"
    with Strace(scene.gateway.pid, scene.folder / "strace.log", fault.calls, inject, paths=paths) as trace:
        time.sleep(_SETTLED)
        before = _kept(scene)
        time.sleep(_LASTS)
        if lasting and first == 1 and fault.stops_intake and _kept(scene) > before:
            scene.report.blame(f"{inject}: {_kept(scene) - before} mails were answered with 250 all the same")
    scene.report.counts["faults"] += 1
    scene.report.counts["calls failed"] += trace.injected
    _goes_on(scene)


def _kept(scene: Scene) -> int:
    return sum(letter.kept for letter in scene.letters.made)


def _goes_on(scene: Scene) -> None:
    """Without help: the process lives, and takes mail again."""
    before = _kept(scene)
    wait_for(lambda: scene.gateway.answers() and _kept(scene) > before, "mail is taken again after a fault", 60)


def run_full(folder: Path, seed: int, times: int, seconds: float, count: Count = range) -> Report:
    """Fill the disk to the last byte under load, for so many seconds; then make room."""
    chance = random.Random(seed)
    with (
        _tmpfs(folder / "disk") as disk,
        Scene(folder, "full disk", seed, data=disk, environment=_SMALL_MAILS) as scene,
    ):
        scene.gateway.start()
        scene.clients.start(scene.letters)
        for _ in count(times):
            _goes_on(scene)
            time.sleep(chance.uniform(0, 0.5))
            _fill(disk / "ballast")
            time.sleep(seconds)
            (disk / "ballast").unlink()
            scene.report.counts["times full"] += 1
        _goes_on(scene)
        scene.clients.finish()
        scene.rest()
        return scene.close_books()


def _fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass


@contextmanager
def _tmpfs(folder: Path) -> Iterator[Path]:
    """A small disk. Skips where none may be mounted."""
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root may mount a small disk")
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_TMPFS_BYTES}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mount.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted: {mount.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)
