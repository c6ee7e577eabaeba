"""One gateway on one database with clients before it and a relay behind it: what most faults happen to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from tests.e2e.running import Gateway, wait_for
from tests.faults.audit import Books, Report, audit
from tests.faults.background import Background
from tests.faults.clients import Clients
from tests.faults.letters import Letter, Letters
from tests.faults.sink import Arrival, Sink

_REST = 240.0
"""Seconds in which everything has to come to rest once a fault is over; longer than a lease."""

Audit = Callable[[Report, Books, Sequence[Letter], Sequence[Arrival]], None]


class Scene:
    """A context: what it started ends with it. The gateway is started and killed by the fault."""

    def __init__(
        self, folder: Path, fault: str, seed: int, *, data: Path | None = None, database: str = "",
        environment: dict[str, str] | None = None, connections: int = 8, pause: float = 0.05, large: float = 0.1,
        kind: type[Gateway] = Gateway,
    ) -> None:  # fmt: skip
        """``database``: the way by which the books are looked at; the gateway's own may have a fault in it."""
        self._kind = kind
        self.report = Report(fault, seed)
        self.folder = folder
        self._environment = dict(environment or {})
        if data is not None:
            self._environment["GATEWAY_DATA_DIR"] = str(data)
        self.data = data or folder / "var"
        self._connections = connections
        self._pause = pause
        self._large = large
        self._url = database or f"sqlite:///{self.data / 'gateway.db'}"
        self._background = Background()

    def __enter__(self) -> Scene:
        self._background.__enter__()
        seed = self.report.seed
        self.sink = Sink(self._background)
        self.gateway = self._kind(self.folder, relay=self.sink.url, environment=self._environment)
        self.letters = Letters(seed, large=self._large)
        self.clients = Clients(self._background, self.gateway.port, seed, self._connections, self._pause)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.gateway.kill()
        self._background.__exit__(kind, problem, trace)

    def books(self) -> Books:
        return Books(self._url)

    def rest(self, patience: float = _REST) -> None:
        """Wait until nothing is left to be read, sent or paged."""
        books = self.books()
        try:
            wait_for(lambda: not books.unfinished, "everything is read, sent and paged", patience)
        finally:
            books.close()

    def close_books(self, look: Audit = audit) -> Report:
        """Stop the gateway in peace, and look whether everything is as it has to be."""
        if self.gateway.stop() != 0:
            self.report.blame(f"the gateway did not stop in peace: {self.gateway.log.read_text()[-1500:]}")
        books = self.books()
        try:
            look(self.report, books, self.letters.made, self.sink.arrivals)
        finally:
            books.close()
        self.report.counts.update({f"answers {kind}": n for kind, n in self.clients.answers.items()})
        return self.report
