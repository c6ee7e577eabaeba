"""Servers under test, each in a process of its own on loopback, and what they cost."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

PATIENCE = 60.0
"""Seconds for a start or an end."""
_TICKS = os.sysconf("SC_CLK_TCK")
CONFIGURATION = """
[gateway]
data_dir = "{folder}/var"
database = "{database}"
[smtp]
listen = "127.0.0.1:{port}"
[outbound]
relay = "smtp://127.0.0.1:{sink}"
[[mailbox]]
name = "support"
addresses = ["support@bench.local"]
[[agent]]
name = "Ann Agent"
address = "ann@staff.bench.local"
"""
"""The defaults, one mailbox, and one agent: she gets a notice of every mail, so each mail is answered by something."""


def gateway(folder: Path, port: int, sink: int, database: str = "") -> list[str]:
    """Write a configuration into ``folder``, which nodes of one database share; returns the command that serves it."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / f"gateway-{port}.toml"
    config.write_text(CONFIGURATION.format(folder=folder, port=port, sink=sink, database=database), encoding="utf-8")
    return [sys.executable, "-m", "gateway", "--config", str(config), "serve"]


def discard(port: int) -> list[str]:
    """The command of an aiosmtpd as it comes, which takes every mail and throws it away: the limit to compare with."""
    return [sys.executable, "-m", "benchmarks.discard", str(port)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """Runs a command from ``with`` to its end. Raises RuntimeError where its port does not answer."""

    def __init__(self, command: Sequence[str], port: int, log: Path) -> None:
        self._command = list(command)
        self._port = port
        self._log = log

    def __enter__(self) -> Server:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        while not _answers(self._port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._process.kill()
                raise RuntimeError(f"{' '.join(self._command)} did not start: {self._log.read_text()[-2000:]}")
            time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def cpu_seconds(self) -> float:
        """User and system time of the process and all its children so far."""
        stats = (_read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split() for pid in self._tree())
        return sum(sum(map(int, stat[11:15])) for stat in stats) / _TICKS

    @property
    def peak_mib(self) -> float:
        """The most resident memory each process had, added up; shared pages count in each."""
        lines = (line for pid in self._tree() for line in _read(Path(f"/proc/{pid}/status")).splitlines())
        return sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024

    def _tree(self) -> list[int]:
        pids = [self._process.pid]
        for pid in pids:
            tasks = list(Path(f"/proc/{pid}/task").glob("*"))
            pids += [int(child) for task in tasks for child in _read(task / "children").split()]
        return pids


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            return client.recv(100).startswith(b"220")
    except OSError:
        return False


def _read(file: Path) -> str:
    """What ``/proc`` says of a process; nothing where it has ended meanwhile, for then its parent counts its time."""
    try:
        return file.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


@contextmanager
def scratch(folder: Path | None = None) -> Iterator[Path]:
    """An empty folder that goes with the block; beneath ``folder``, so that the disk can be chosen."""
    path = Path(tempfile.mkdtemp(prefix="gateway-bench-", dir=folder))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
