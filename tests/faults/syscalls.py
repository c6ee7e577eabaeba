"""kill -9 at every system call between the arrival of one mail and the record that all is sent that follows from it."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from tests.e2e.running import wait_for
from tests.faults.audit import Count, Report
from tests.faults.forked import Forked
from tests.faults.kinds import PLAIN, Kind, Thread
from tests.faults.letters import Letter
from tests.faults.scene import Scene
from tests.faults.strace import Strace, need_strace
from tests.faults.tickets import Case, audit_tickets

_CALLS = "!futex,clock_nanosleep,epoll_wait,epoll_pwait,poll,select,madvise,brk,rt_sigprocmask,sched_yield,getpid"
"""All but those of no effect on anything outside the process, or made by the clock and not by the mail."""


def run(folder: Path, seed: int, kinds: Sequence[Kind] = (PLAIN,), count: Count = range) -> Report:
    """All points of all kinds in turn. A point is a call and its number within one thread."""
    need_strace()
    with Scene(folder, "kill at a system call", seed, connections=1, kind=Forked) as scene:
        scene.gateway.start()
        cases: list[Case] = []
        points = [(kind, *point) for kind in kinds for point in _points(scene, kind, cases)]
        for number in count(len(points)):
            _kill_at(scene, *points[number], cases)
        return scene.close_books(partial(audit_tickets, cases))


def begin(scene: Scene, kind: Kind, cases: list[Case]) -> Letter:
    """A ticket in which all has happened that comes before; the letter that is to be sent now."""
    thread = Thread(scene.letters, scene.sink.arrivals)
    cases.append(Case(kind.name, kind.becomes, thread.letters))
    for write in kind.before:
        thread.letters.append(write(thread))
        send(scene, thread.letters[-1])
    thread.letters.append(kind.write(thread))
    return thread.letters[-1]


def send(scene: Scene, letter: Letter) -> None:
    """Until all that follows from it is done."""
    scene.clients.start(iter([letter]))
    scene.clients.join()
    scene.rest()


def _points(scene: Scene, kind: Kind, cases: list[Case]) -> list[tuple[str, int]]:
    """Watch one mail go through undisturbed after another, and list what was called."""
    send(scene, begin(scene, kind, cases))
    letter = begin(scene, kind, cases)
    with Strace(scene.gateway.pid, scene.folder / "strace.log", _CALLS) as trace:
        send(scene, letter)
    points = [(call, n) for call, times in sorted(trace.most().items()) for n in range(1, times + 1)]
    scene.report.counts[f"{kind.name}: calls seen"] = len(points)
    return points


def _kill_at(scene: Scene, kind: Kind, call: str, number: int, cases: list[Case]) -> None:
    letter, gateway = begin(scene, kind, cases), scene.gateway
    fault = f"{call}:signal=SIGKILL:when={number}"
    with Strace(gateway.pid, scene.folder / "strace.log", call, fault, end=signal.SIGKILL):
        scene.clients.start(iter([letter]))
        _wait_for_the_end_of_one_mail(scene)
    died = not _lives(scene)
    scene.report.counts[f"{kind.name}: {'kills' if died else 'not reached'}"] += 1
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
