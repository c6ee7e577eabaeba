"""Faults in the system calls of a running process, injected by strace."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.running import wait_for

_LINE = re.compile(r"^(?P<thread>\d+) +(?P<call>[a-z_0-9]+)\(")
_ATTACHED = "attached"
_LETS_GO = 30.0
"""Seconds that strace may take to let go of all threads."""


def need_strace() -> None:
    """Skip where strace is not installed or may not trace."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    probe = subprocess.run(["strace", "-f", "-o", os.devnull, "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip(f"strace may not trace here: {probe.stderr.decode()[:200]}")


class Strace:
    """Attached to a process and its threads, not to its children, from the start of the context to its end."""

    def __init__(
        self, pid: int, log: Path, calls: str, *faults: str, paths: tuple[Path, ...] = (),
        end: signal.Signals = signal.SIGINT,
    ) -> None:  # fmt: skip
        """``faults`` as in ``-e inject=``: ``fsync:error=EIO:when=3`` or ``pwrite64:signal=SIGKILL:when=1``.

        ``end``: what strace gets in the end. With SIGINT it writes out its log and lets go of one thread after another;
        where the process is killed just then, strace and the first thread wait for each other for ever. With SIGKILL
        the kernel lets go, at once.
        """
        log.unlink(missing_ok=True)
        self._log = log
        self._end = end
        arguments = [f"-einject={fault}" for fault in faults] + [f"-P{path}" for path in paths]
        self._process = subprocess.Popen(
            ["strace", "-f", "-o", str(log), "-e", f"trace={calls}", *arguments, "-p", str(pid)],
            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        wait_for(self._attached, f"strace attaches to {pid}", 20)

    def _attached(self) -> bool:
        """Its fault may strike at once, so that it has ended by now."""
        assert self._process.stderr is not None
        line = self._process.stderr.readline().decode()
        assert line, "strace ended, and had not attached"
        return _ATTACHED in line

    def __enter__(self) -> Strace:
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the process."""
        self._process.send_signal(self._end)
        self._process.communicate(timeout=_LETS_GO)

    def most(self) -> Counter[str]:
        """How often one thread made a call, for the thread that made it most: how far ``when`` may count."""
        each: Counter[tuple[str, str]] = Counter()
        for line in self._log.read_text(errors="replace").splitlines():
            if match := _LINE.match(line):
                each[match["thread"], match["call"]] += 1
        most: Counter[str] = Counter()
        for (_, call), times in each.items():
            most[call] = max(most[call], times)
        return most

    @property
    def injected(self) -> int:
        return self._log.read_text(errors="replace").count("(INJECTED)")
