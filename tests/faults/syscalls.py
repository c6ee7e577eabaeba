"""kill -9 at every system call between the arrival of one mail and the record that its confirmation was sent."""

from __future__ import annotations

import itertools
from contextlib import suppress
from pathlib import Path

from tests.e2e.running import wait_for
from tests.faults.audit import Count, Report
from tests.faults.forked import Forked
from tests.faults.scene import Scene
from tests.faults.strace import Strace, need_strace

_CALLS = "!futex,clock_nanosleep,epoll_wait,epoll_pwait,poll,select,madvise,brk,rt_sigprocmask,sched_yield,getpid"
"""All but those of no effect on anything outside the process, or made by the clock and not by the mail."""


def run(folder: Path, seed: int, count: Count = range) -> Report:
    """All points in turn. A point is a call and its number within one thread."""
    need_strace()
    with Scene(folder, "kill at a system call", seed, connections=1, kind=Forked) as scene:
        scene.gateway.start()
        points = _points(scene)
        for number in count(len(points)):
            _kill_at(scene, *points[number])
        scene.rest()
        return scene.close_books()


def _one_mail(scene: Scene) -> None:
    before = len(scene.sink.arrivals)
    scene.clients.start(itertools.islice(scene.letters, 1))
    scene.clients.join()
    letter = scene.letters.made[-1]
    wait_for(lambda: any(a.recipient == letter.sender for a in scene.sink.arrivals[before:]), "a confirmation")
    scene.rest()


def _points(scene: Scene) -> list[tuple[str, int]]:
    """Watch one mail go through undisturbed, and list what was called."""
    _one_mail(scene)
    with Strace(scene.gateway.pid, scene.folder / "strace.log", _CALLS) as trace:
        _one_mail(scene)
    points = [(call, n) for call, times in sorted(trace.most().items()) for n in range(1, times + 1)]
    scene.report.counts["calls seen"] = len(points)
    return points


def _kill_at(scene: Scene, call: str, number: int) -> None:
    gateway = scene.gateway
    fault = f"{call}:signal=SIGKILL:when={number}"
    with Strace(gateway.pid, scene.folder / "strace.log", call, fault):
        scene.clients.start(itertools.islice(scene.letters, 1))
        _wait_for_the_end_of_one_mail(scene)
    died = not _lives(scene)
    scene.report.counts["kills" if died else "not reached"] += 1
    if died:
        gateway.kill()
        gateway.start()
    scene.clients.join()
    scene.rest()


def _wait_for_the_end_of_one_mail(scene: Scene) -> None:
    """Until the gateway was killed, or the mail went through and everything came to rest before the call came."""
    process, books = scene.gateway.process, scene.books()
    assert process is not None
    try:
        wait_for(
            lambda: process.poll() is not None or (scene.clients.done and not books.unfinished),
            "the mail goes through or the gateway is killed",
        )
    finally:
        books.close()


def _lives(scene: Scene) -> bool:
    """The last calls of a mail come when it is through already: a process that is being killed does not answer."""
    with suppress(AssertionError):
        return scene.gateway.answers()
    return False
