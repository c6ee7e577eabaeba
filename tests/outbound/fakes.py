"""What stands in for relay, database and clock when mail goes out."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gateway.errors import GatewayError, Unfit
from gateway.model import Composed, Due
from gateway.outbound.conversation import always

START = datetime(2025, 11, 22, 10, tzinfo=UTC)


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class Sent:
    mail_from: str
    recipient: str
    data: bytes
    message_id: str


@dataclass
class FakeTransport:
    """Takes mails; ``answers`` says what happens to a recipient's, ``carries`` which are fit."""

    name: str = "fake"
    answers: dict[str, GatewayError | Exception] = field(default_factory=dict)
    carries: Callable[[bytes], bool] = lambda _: True
    offered: list[str] = field(default_factory=list)
    mails: list[Sent] = field(default_factory=list)
    gate: asyncio.Event | None = None
    waiting: int = 0
    most_waiting: int = 0
    closed: bool = False

    async def send(
        self, mail_from: str, recipient: str, data: bytes, message_id: str, ours: Callable[[], bool] = always
    ) -> str:
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        try:
            if self.gate is not None:
                await self.gate.wait()
            self.offered.append(recipient)
            if not self.carries(data):
                raise Unfit("no", "not like this")
            if recipient in self.answers:
                raise self.answers[recipient]
            self.mails.append(Sent(mail_from, recipient, data, message_id))
            return self.name
        finally:
            self.waiting -= 1

    async def close(self) -> None:
        self.closed = True


@dataclass
class FakeStore:
    """An outbox in memory, with the same leases as the real one."""

    due: dict[int, Due] = field(default_factory=dict)
    at: dict[int, datetime] = field(default_factory=dict)
    leased: set[int] = field(default_factory=set)
    done: list[int] = field(default_factory=list)
    commits: int = 0
    put_off: list[tuple[int, datetime, str]] = field(default_factory=list)
    given_up: list[tuple[int, str]] = field(default_factory=list)
    trouble: int = 0
    slow: Future[int] | None = None
    """Where it is set, mails are marked as sent when it ends."""
    claims: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, *mails: Due) -> None:
        for mail in mails:
            self.due[mail.id], self.at[mail.id] = mail, START

    def claim_due(self, limit: int, now: datetime) -> Sequence[Due]:
        with self.lock:
            self._fail()
            self.claims += 1
            ids = [id_ for id_, at in self.at.items() if at <= now and id_ not in self.leased][:limit]
            self.leased.update(ids)
            return [self.due[id_] for id_ in ids]

    def sent(self, ids: Sequence[int], now: datetime) -> Future[int]:
        with self.lock:
            self._fail()
            self.commits += 1
            self.done += ids
            for id_ in ids:
                self.at.pop(id_, None)
        if self.slow is not None:
            return self.slow
        marked: Future[int] = Future()
        marked.set_result(len(ids))
        return marked

    def later(self, id_: int, at: datetime, why: str) -> None:
        with self.lock:
            self.put_off.append((id_, at, why))
            self.at[id_] = at
            self.leased.discard(id_)

    def failed(self, id_: int, why: str) -> None:
        with self.lock:
            self.given_up.append((id_, why))
            self.at.pop(id_, None)

    def next_due(self) -> datetime | None:
        with self.lock:
            return min((at for id_, at in self.at.items() if id_ not in self.leased), default=None)

    def _fail(self) -> None:
        if self.trouble:
            self.trouble -= 1
            raise RuntimeError("the database is gone")


def due(
    id_: int, recipient: str = "", automatic: bool = False, attempts: int = 0, created_at: datetime = START,
    boundary: str = "", template: str = "answer",
) -> Due:  # fmt: skip
    mail = Composed(
        template, "support", recipient or f"r{id_}@x.example", f"{id_}@example.com", b"Subject: x\r\n\r\nx\r\n",
        boundary,
        (7,) if boundary else (), automatic,
    )  # fmt: skip
    return Due(id_, 1042, mail, attempts, created_at)


async def until(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait for a condition, with a deadline."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def running(part: object) -> AsyncIterator[None]:
    """Run an outbox or a pager for the length of a block."""
    task = asyncio.create_task(part.run())  # type: ignore[attr-defined]
    try:
        yield
    finally:
        part.stop()  # type: ignore[attr-defined]
        await asyncio.wait_for(task, 10)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)
