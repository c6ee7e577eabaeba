"""Days pass in seconds: the gateway's own parts in this process, on a clock that the test moves."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from gateway import log
from gateway.app import open_store
from gateway.db.schema import outgoing, page
from gateway.db.store import Store
from gateway.model import DeliveryState, Envelope
from gateway.pipeline import Pipeline
from gateway.settings import parse
from tests.faults.audit import Books, Report, audit
from tests.faults.background import Background
from tests.faults.letters import ON_CALL, Letter, Letters
from tests.faults.sink import Fate, Sink

START = datetime(2026, 3, 27, 9, 0, tzinfo=UTC)
"""Two days before the clocks of Europe go forward."""
JUMPS = tuple(timedelta(hours=hours) for hours in (-24, 24 * 365, 1, -1, -2, 24, -24 * 365, 0.5, 24 * 30))
"""A wrong date, a wrong year, daylight saving, and back; all of which a clock in UTC makes only by mistake."""
_LATEST = timedelta(hours=26)
"""After a jump everything must have been tried again: a day back, and the longest wait between tries."""
_PATIENCE = 60.0
_CONFIGURATION = """
[gateway]
data_dir = "{folder}/var"
[outbound]
relay = "{relay}"
[[mailbox]]
name = "support"
addresses = ["support@example.com"]
[[agent]]
name = "Ann Agent"
address = "ann@example.com"
[[agent]]
name = "Bob Agent"
address = "bob@example.com"
[oncall]
notify = ["mailto:oncall@example.com"]
"""


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now


class World:
    """Pipeline, relay, clock and letters of one run."""

    def __init__(self, report: Report, folder: Path, background: Background) -> None:
        self.report = report
        self.clock = Clock()
        self.sink = Sink(background)
        self.letters = Letters(report.seed)
        text = _CONFIGURATION.format(folder=folder, relay=self.sink.url)
        self.settings = parse(text, "gateway.toml", {})
        self.store: Store = open_store(self.settings, serve=True)
        self.pipeline = Pipeline(self.settings, self.store, self.clock)

    async def accept(self, *letters: Letter) -> None:
        """Take mails in, and wait until they are read and decided on."""
        for letter in letters:
            envelope = Envelope("smtp", letter.sender, ("support@example.com",))
            letter.kept = bool(await self.pipeline.accept(envelope, letter.data))
        await self.until(self._all_read, "all mails are read")

    async def _all_read(self) -> bool:
        return not (await asyncio.to_thread(self.store.queries.status, self.clock())).backlog

    async def until(self, condition: Callable[[], Awaitable[bool]], what: str) -> None:
        """Let it work without moving the clock."""
        async with asyncio.timeout(_PATIENCE):
            while not await condition():
                self.pipeline.outbox.wake()
                self.pipeline.pager.wake()
                await asyncio.sleep(0.01)
        self.report.counts[what] += 1

    async def pass_time(self, end: datetime) -> None:
        """Until then, or until nothing waits any more; from one try to the next, with nothing in between."""
        while self.clock.now < end:
            await self.until(self._all_tried, "moments")
            due = await self.next_due()
            if due is None:
                return
            self.clock.now = min(due, end)

    async def next_due(self) -> datetime | None:
        moments = [await asyncio.to_thread(part.next_due) for part in (self.store.outbox, self.store.pages)]
        return min((moment for moment in moments if moment is not None), default=None)

    async def _all_tried(self) -> bool:
        due = await self.next_due()
        return due is None or due > self.clock.now


@asynccontextmanager
async def world(report: Report, folder: Path, background: Background) -> AsyncIterator[World]:
    made = World(report, folder, background)
    pipeline = made.pipeline
    await pipeline.reader.start()
    parts = (pipeline.worker, pipeline.outbox, pipeline.pager)
    running = [asyncio.create_task(part.run()) for part in parts]
    try:
        yield made
    finally:
        for part in parts:
            part.stop()
        await asyncio.gather(*running)
        await pipeline.close()
        await asyncio.to_thread(made.store.close)


def relay_away(folder: Path, seed: int, days: float, mails: int = 10) -> Report:
    """The relay is away for so long; before five days all is delivered after it, later staff are told of each mail."""
    report = Report(f"relay away for {days:g} days", seed)

    async def scenario(here: World) -> None:
        here.sink.close()
        await here.accept(*(next(here.letters) for _ in range(mails)))
        back = START + timedelta(days=days)
        await here.pass_time(back)
        here.clock.now = back
        here.sink.open()
        await here.pass_time(back + timedelta(days=6))

    _run(report, folder, scenario)
    return report


def relay_whims(folder: Path, seed: int, mails: int = 30) -> Report:
    """Connections that break before and after the final dot, replies that drip, and mails put off or refused."""
    report, chance = Report("a relay of many whims", seed), random.Random(seed)
    bad = [Fate.TAKE_AND_CUT, Fate.CUT, Fate.LATER, Fate.TAKE_SLOWLY]
    whims: dict[tuple[str, int], Fate] = {}

    def fate(recipient: str, number: int) -> Fate:
        if recipient.startswith("kim") and int(recipient.partition("@")[0].rpartition("-")[2]) % 5 == 0:
            return Fate.REFUSE
        return whims.setdefault((recipient, number), chance.choice(bad) if number < 4 else Fate.TAKE)

    async def scenario(here: World) -> None:
        here.sink.fate = fate
        await here.accept(*(next(here.letters) for _ in range(mails)))
        await here.pass_time(START + timedelta(days=6))

    _run(report, folder, scenario)
    return report


def clock_jumps(folder: Path, seed: int, jumps: Sequence[timedelta]) -> Report:
    """The clock jumps while a page and mails are waiting for their next try."""
    report = Report("clock jumps", seed)

    async def scenario(here: World) -> None:
        for number, jump in enumerate(jumps):
            told, waiting = here.letters.urgent(), here.letters.urgent()
            await here.accept(told)
            await here.until(lambda n=number: _paged_times(here, 2 * n + 1), "pages before a jump")
            here.sink.close()
            await here.accept(waiting, next(here.letters))
            await here.pass_time(here.clock.now + timedelta(minutes=20))
            here.clock.now += jump
            await here.until(lambda: _within(here, _LATEST), "tries right after a jump")
            here.sink.open()
            await here.pass_time(here.clock.now + _LATEST)
            if _paged(here) != 2 * number + 2:
                report.blame(f"after a jump of {jump}: {_paged(here)} pages instead of {2 * number + 2}")
        report.counts["jumps"] = len(jumps)

    _run(report, folder, scenario)
    if report.counts["gave up"]:
        report.blame(f"{report.counts['gave up']} were given up early")
    return report


def _paged(here: World) -> int:
    return sum(arrival.recipient == ON_CALL for arrival in here.sink.arrivals)


async def _paged_times(here: World, count: int) -> bool:
    return _paged(here) == count


async def _within(here: World, span: timedelta) -> bool:
    """Whether the next try comes that soon: what the old clock put off for longer has been put right."""
    due = await here.next_due()
    return due is None or due <= here.clock.now + span


def _run(report: Report, folder: Path, scenario: Callable[[World], Awaitable[None]]) -> None:
    async def main(background: Background) -> World:
        async with world(report, folder, background) as here:
            await scenario(here)
        return here

    log.set_up("error", stream=(folder / "gateway.log").open("w"))
    with Background() as background:
        here = asyncio.run(main(background))
    books = Books(here.settings.database_url)
    try:
        failed = _given_up(report, books)
        report.counts["mails"] += len(failed)
        audit(report, books, [one for one in here.letters.made if one.sender not in failed], here.sink.arrivals)
    finally:
        books.close()


def _given_up(report: Report, books: Books) -> set[str]:
    """To whom a mail was given up; each must have been reported to every other agent."""
    if waiting := books.unfinished:
        report.blame(f"{waiting} are neither sent nor given up")
    report.counts["gave up"] += books.count(page, page.c.state == DeliveryState.FAILED)
    failed = books.rows(sa.select(outgoing).where(outgoing.c.state == DeliveryState.FAILED))
    for row in failed:
        report.counts["gave up"] += 1
        others = {"ann@example.com", "bob@example.com"} - {row.recipient}
        told = books.count(
            outgoing, outgoing.c.ticket_id == row.ticket_id, outgoing.c.template == "undeliverable",
            outgoing.c.recipient.in_(others), outgoing.c.state == DeliveryState.SENT,
        )  # fmt: skip
        if row.template != "undeliverable" and told < len(others):
            report.blame(f"{row.template} to {row.recipient} was given up, and nobody was told")
    return {row.recipient for row in failed}
