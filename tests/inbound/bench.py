"""What the tests of the way from an accepted mail to its end work with: a real store, reading without a child."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from gateway.db.store import Store, open_store
from gateway.db.unit import Applied
from gateway.desk.tokens import Keys
from gateway.inbound.deciding import Decider
from gateway.inbound.express import Express
from gateway.inbound.findings import Missing, Raw, Read, Unreadable, fetch
from gateway.inbound.journal import Journal
from gateway.inbound.judge import judge, salvage
from gateway.inbound.queue import Queue
from gateway.inbound.worker import Worker
from gateway.model import Composed, Envelope
from gateway.settings import Agent, Mailbox, Reading, Settings
from gateway.triage.policy import DEFAULT

SETTINGS = Settings(mailbox=(Mailbox(name="support", addresses=("support@example.com",)),))
STAFFED = SETTINGS.model_copy(update={"agent": (Agent(name="Ann", address="ann@example.com"),)})
ENVELOPE = Envelope("smtp", "kim@example.net", ("support@example.com",))


def raw(subject: str, sender: str = "kim@example.net", text: str = "How do I export?") -> bytes:
    return (
        f"From: {sender}\r\nTo: support@example.com\r\nSubject: {subject}\r\n"
        f"Message-ID: <{subject.replace(' ', '.')}@example.net>\r\n\r\n{text}\r\n"
    ).encode()


class InProcess:
    """Reads without a child; what holds the word POISON cannot be read."""

    size = 1

    def __init__(self) -> None:
        self.idle = True
        self.go_on = asyncio.Event()
        """Reading waits for it, in ``try_to_read``."""
        self.go_on.set()

    async def read(self, ids, raws):
        return [self._one(one) for one in raws]

    async def try_to_read(self, one: Raw):
        await self.go_on.wait()
        return self._one(one)

    async def salvage(self, one: Raw):
        return salvage(fetch(one), Reading())

    def _one(self, at: Raw):
        try:
            one = fetch(at)
        except OSError as problem:
            return Missing(str(problem))
        if b"POISON" in one:
            return Unreadable("reading took too long", salvage(one, Reading()))
        return Read(*judge(one, Reading(), DEFAULT))


class Bench:
    """A worker on a real store, with a clock that the test moves."""

    def __init__(self, folder: Path, settings: Settings = SETTINGS) -> None:
        self.store: Store = open_store(f"sqlite:///{folder / 'g.db'}", "node-a", serve=True)
        self.folder = folder
        self.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
        self.broken: Callable[[str], bool] = lambda subject: False
        self.queue = Queue()
        self.journal = Journal(self.store.writer, self.store.mails, self.queue, lambda: self.now)
        self.applied: list[Applied] = []
        self.reader = InProcess()
        store, clock = self.store, lambda: self.now
        decider = Decider(
            settings, Keys({1: b"k" * 32}), store.ids, store.mails, self._compose, "node-a", clock, self.applied.extend
        )
        self.worker = Worker(store.writer, store.mails, self.queue, self.reader, decider, self.journal.door, clock)
        self.express = Express(self.journal, self.queue, self.reader, decider, store.writer, store.mails, clock)

    def _compose(self, outs, ticket, case, attachments, now) -> list[Composed]:
        if outs and self.broken(case.read.subject):
            raise RuntimeError("the template is broken")
        return [
            Composed(out.template, "support", to := out.recipient.address, f"{out.template}-{case.mail_id}-{to}", b"x",
                     "", (), out.automatic)
            for out in outs
        ]  # fmt: skip

    async def accept(self, *mails: bytes) -> None:
        await asyncio.gather(*(self.journal.accept(ENVELOPE, one) for one in mails))

    def states(self) -> list[tuple[str, str]]:
        return [(m.subject, m.state) for m in reversed(self.store.queries.mails())]
