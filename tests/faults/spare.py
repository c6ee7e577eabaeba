"""A process that has imported what reads mails, ready to be a gateway's first child.

Imports are most of what a child costs, and a gateway that is killed a thousand times needs a thousand of them.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from gateway.inbound import child


class Spare:
    """Forked from the gateway's process before that has threads. Stands in for ``Popen``, once."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair()
        self._used = False
        self.pid = os.fork()
        if self.pid == 0:
            self._ours.close()
            _become(theirs)
        theirs.close()

    def begin(self, command: Sequence[str], *, pass_fds: Sequence[int], **options: Any) -> Any:
        """What takes its place, once it is used up, is a child as the gateway starts it."""
        if self._used:
            return subprocess.Popen(command, pass_fds=pass_fds, **options)
        self._used = True
        socket.send_fds(self._ours, [b"."], list(pass_fds))
        self._ours.close()
        return self

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> None:
        os.waitpid(self.pid, 0)


def _become(orders: socket.socket) -> None:
    """Read mails and end the process, whatever happens. Without an order it ends with the gateway."""
    try:
        _, fds, _, _ = socket.recv_fds(orders, 1, 1)
        orders.close()
        if fds:
            sys.argv = ["child", str(fds[0])]
            child.main()
    finally:
        os._exit(0)


def lay_by() -> None:
    """Have the gateway of this process take a spare one for its first child."""
    popen = SimpleNamespace(Popen=Spare().begin, DEVNULL=subprocess.DEVNULL)
    patch("gateway.inbound.reader.subprocess", popen).start()
