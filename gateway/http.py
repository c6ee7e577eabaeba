"""Health and metrics for monitors and balancers, over HTTP, in a thread: it answers even while the event loop hangs."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import make_wsgi_app

from gateway.errors import ConfigurationError
from gateway.metrics import REGISTRY

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

LOOP_SECONDS = 2.0
"""An event loop that does not come round within this time is stuck."""
CLIENT_SECONDS = 10.0


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def __init__(self, host: str, port: int, app: WSGIApplication) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)
        self.set_app(app)


class _Handler(WSGIRequestHandler):
    timeout = CLIENT_SECONDS

    def log_message(self, format: str, *args: object) -> None:
        """A monitor asks every few seconds: nothing worth a line."""


class Monitor:
    """``/healthz``, ``/readyz`` and ``/metrics`` on one address.

    ``trouble`` says why this node should get no mail now; empty when all is well.
    """

    def __init__(self, listen: str, loop: asyncio.AbstractEventLoop, trouble: Callable[[], str]) -> None:
        """Begin to answer. Raises ConfigurationError where the address cannot be had."""
        self._loop = loop
        self._trouble = trouble
        self._metrics: WSGIApplication = make_wsgi_app(REGISTRY)
        host, _, port = listen.rpartition(":")
        try:
            self._server = _Server(host.strip("[]"), int(port), self._answer)
        except OSError as problem:
            raise ConfigurationError(
                [f"metrics.listen: cannot listen on {listen}: {problem.strerror or problem}; name another address"]
            ) from None
        self._thread = threading.Thread(target=self._server.serve_forever, name="monitor", daemon=True)
        self._thread.start()

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._server.server_address[:2]
        return str(host), int(port)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            return self._metrics(environ, start)
        if path not in ("/healthz", "/readyz"):
            return _text(start, "404 Not Found", "here are /healthz, /readyz and /metrics")
        wrong = self._stuck() or (self._trouble() if path == "/readyz" else "")
        return _text(start, "503 Service Unavailable" if wrong else "200 OK", wrong or "ok")

    def _stuck(self) -> str:
        turned = threading.Event()
        self._loop.call_soon_threadsafe(turned.set)
        return "" if turned.wait(LOOP_SECONDS) else f"the event loop has not come round for {LOOP_SECONDS:g} s"


def _text(start: StartResponse, status: str, says: str) -> Iterable[bytes]:
    start(status, [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")])
    return [says.encode("utf-8", "replace") + b"\n"]
