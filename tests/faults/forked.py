"""Gateways that start in a moment: forked from a process that has imported the program already.

Run as a program it is that process. It takes orders on standard input, a line of JSON each, and answers each with a
line: ``["start", arguments, environment, log]`` with the new process's id, ``["poll", id]`` with its exit status or
null. Most of the time of a start goes into imports, its own and those of the child that reads, which a crash cannot
harm; everything after them happens as it does in ``gateway serve``.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

from tests.e2e.running import Gateway


class Zygote:
    """The process that all gateways of this worker are forked from."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.faults.forked"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, text=True
        )
        atexit.register(self._process.communicate)

    def ask(self, *order: object) -> int | None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: int | None = json.loads(self._process.stdout.readline())
        return answer


@cache
def zygote() -> Zygote:
    return Zygote()


class Process:
    """A gateway's process, as ``subprocess.Popen`` would show it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = zygote().ask("poll", self.pid)
        return self.returncode

    def wait(self, timeout: float) -> int:
        deadline = time.monotonic() + timeout
        while (status := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("gateway serve", timeout)
            time.sleep(0.005)
        return status

    def terminate(self) -> None:
        os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


class Forked(Gateway):
    def _begin(self, arguments: list[str], log: Path) -> Process:
        pid = zygote().ask("start", arguments, self.environment, str(log))
        assert pid is not None
        return Process(pid)


def _start(arguments: list[str], environment: dict[str, str], log: str) -> int:
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.close(write)
        _become(arguments, environment, log)
    os.close(write)
    os.read(read, 1)  # its end closes: it leads its own group now, and whoever kills that hits it
    os.close(read)
    return pid


def _become(arguments: list[str], environment: dict[str, str], log: str) -> None:
    """Run the program and end the process, whatever happens."""
    from gateway.cli.main import main
    from tests.faults.spare import lay_by

    status = 1
    try:
        for stream, path, flags in ((0, os.devnull, os.O_RDONLY), (1, log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)):
            os.dup2(os.open(path, flags), stream)
        os.dup2(1, 2)
        os.environ.clear()
        os.environ.update(environment)
        lay_by()
        sys.argv = ["gateway", *arguments]
        main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        os._exit(status)


def _poll(pid: int) -> int | None:
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def serve() -> None:
    for name in ("gateway.app", "gateway.cli.main", "httpcore", "tests.faults.spare"):
        importlib.import_module(name)

    for line in sys.stdin:
        what, *arguments = json.loads(line)
        print(json.dumps({"start": _start, "poll": _poll}[what](*arguments)), flush=True)


if __name__ == "__main__":
    serve()
