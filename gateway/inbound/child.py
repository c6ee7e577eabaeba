"""The process that reads: ``python -m gateway.inbound.child FD``, with a socket to its parent.

It gets settings and policy, then mails, batch after batch, and answers each batch with what it found. It ends when the
parent closes the socket, or is gone. Each mail has its own limit of CPU time, raised as an exception in here. Who is in
C code then does not notice, and is ended by the kernel soon after; who is stuck without using CPU, or outgrows the
memory, is replaced by the parent.
"""

from __future__ import annotations

import pickle
import resource
import signal
import socket
import sys
from types import FrameType
from typing import Any

from gateway import memory
from gateway.inbound.findings import LENGTH, Finding, Missing, Raw, Read, Unreadable, fetch
from gateway.inbound.judge import judge, salvage
from gateway.model import ReadMail
from gateway.settings import Reading
from gateway.triage.policy import Policy

WARM_UP = b"""\
From: Kim <kim@example.net>
To: support@example.com
Subject: Hello
Content-Type: multipart/alternative; boundary=x

--x
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

How do I export this table to a file=3F
--x
Content-Type: text/html; charset=utf-8

<p>How do I export this table to a file?</p>
--x--
"""
"""Read at the start: a first mail takes a hundred times as long as the next ones, and it might be an urgent one."""

GRACE = 1.0
"""Seconds of CPU time in which C code may come back after the limit."""


class _OutOfTime(BaseException):
    """No Exception, so that no handler inside the reading swallows it."""


class Child:
    def __init__(self, settings: Reading, policy: Policy) -> None:
        self._settings = settings
        self._policy = policy

    def read(self, at: Raw) -> Finding:
        """Never raises for what a mail holds."""
        try:
            raw = fetch(at)
        except (OSError, ValueError) as problem:
            return Missing(str(problem))
        try:
            self._limit_time(self._settings.cpu_seconds, self._settings.cpu_seconds + GRACE)
            try:
                return Read(*judge(raw, self._settings, self._policy))
            finally:
                self._limit_time(0, 0)
        except _OutOfTime:
            why = f"reading took more than {self._settings.cpu_seconds:g} s of CPU time"
        except MemoryError:
            why = "reading took too much memory"
        except Exception as problem:
            why = f"reading failed: {type(problem).__name__}"
        return Unreadable(why, self.salvage(raw))

    def _limit_time(self, ours: float, kernels: float) -> None:
        """CPU seconds until the exception, and until the end by SIGVTALRM, which nothing in here handles; 0 for no
        limit."""
        signal.setitimer(signal.ITIMER_PROF, ours)
        signal.setitimer(signal.ITIMER_VIRTUAL, kernels)

    def salvage(self, at: Raw) -> ReadMail:
        try:
            return salvage(fetch(at), self._settings)
        except Exception:
            return ReadMail()

    def serve(self, channel: socket.socket) -> None:
        """Answer until the other end is closed."""
        while (task := receive(channel)) is not None:
            what, raws = task
            send(channel, [getattr(self, what)(raw) for raw in raws])


def send(channel: socket.socket, value: object) -> None:
    data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    channel.sendall(LENGTH.pack(len(data)) + data)


def receive(channel: socket.socket) -> Any:
    """The next value; None at the end."""
    head = _exactly(channel, LENGTH.size)
    return pickle.loads(_exactly(channel, *LENGTH.unpack(head))) if head else None


def _exactly(channel: socket.socket, size: int) -> bytearray:
    data = bytearray(size)
    view, got = memoryview(data), 0
    while got < size:
        more = channel.recv_into(view[got:])
        if not more:
            return bytearray()
        got += more
    return data


def _limit_memory(allowance: int) -> None:
    with open("/proc/self/statm", encoding="ascii") as statm:
        own = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (own + allowance, own + allowance))


def _out_of_time(_signal: int, _frame: FrameType | None) -> None:
    raise _OutOfTime


def main() -> None:
    # A terminal's Ctrl-C and a supervisor's SIGTERM reach the whole group; the parent still wants its answers then.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, _out_of_time)
    channel = socket.socket(fileno=int(sys.argv[1]))
    settings, policy = receive(channel)
    _limit_memory(settings.memory_bytes)
    child = Child(settings, policy)
    child.read(WARM_UP)
    memory.settle()
    send(channel, [])
    child.serve(channel)


if __name__ == "__main__":
    main()
