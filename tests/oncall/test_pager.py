import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from gateway.errors import Permanent, Temporary, Unavailable
from gateway.model import Page, Severity
from gateway.oncall.pager import GIVE_UP, RETRIES, Pager
from gateway.retry import next_wait
from gateway.settings import Oncall
from tests.outbound.fakes import START, Clock, FakeStore, running, until


class PageStore(FakeStore):
    """The same queue; what it holds are pages."""


@dataclass
class FakeNotifier:
    answers: dict[str, Exception] = field(default_factory=dict)
    told: list[int] = field(default_factory=list)
    calls: list[list[int]] = field(default_factory=list)
    stuck: set[str] = field(default_factory=set)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def notify(self, pages: Sequence[Page]) -> None:
        target = pages[0].target
        if target in self.stuck:
            await self.gate.wait()
        if target in self.answers:
            raise self.answers[target]
        self.calls.append([page.id for page in pages])
        self.told += self.calls[-1]


def page(
    id_: int, target: str = "https://a.example/x", attempts: int = 0, severity: Severity = Severity.S0
) -> Page:
    return Page(
        id_, 1042, "SUP-1042", target, severity, "Portal is down", "carla@customer.example", "Help", (), attempts,
        START,
    )  # fmt: skip


class World:
    def __init__(self, **limits: float) -> None:
        self.store, self.notifier, self.clock = PageStore(), FakeNotifier(), Clock()
        self.pager = Pager(self.store, self.notifier, self.clock, Oncall(**limits))  # type: ignore[arg-type]

    def add(self, *pages: Page) -> None:
        self.store.add(*pages)  # type: ignore[arg-type]


def test_tries_come_after_10_seconds_30_seconds_and_1_2_5_minutes() -> None:
    waits = [next_wait(n, RETRIES, GIVE_UP) for n in range(1, 8)]
    assert [wait.seconds if wait else None for wait in waits] == [10, 30, 60, 120, 300, 300, 300]


def test_a_page_is_given_up_after_a_day() -> None:
    waits = [wait for n in range(1, 500) if (wait := next_wait(n, RETRIES, GIVE_UP))]
    assert timedelta(hours=23) < sum(waits, timedelta()) <= timedelta(hours=24)


async def test_a_page_that_failed_once_is_not_given_up_because_the_clock_jumped() -> None:
    world = World()
    world.clock.now = START + timedelta(days=365)
    world.notifier.answers["https://a.example/x"] = Temporary("no", "down")
    world.add(page(1, attempts=1))
    async with running(world.pager):
        await until(lambda: world.store.put_off)
    assert world.store.given_up == []


async def test_every_target_is_told() -> None:
    world = World()
    world.add(page(1), page(2, "mailto:oncall@example.com"))
    async with running(world.pager):
        await until(lambda: sorted(world.store.done) == [1, 2])
    assert sorted(world.notifier.told) == [1, 2]


async def test_waking_it_sends_at_once() -> None:
    world = World()
    async with running(world.pager):
        await until(lambda: world.store.claims)
        world.add(page(1))
        world.pager.wake()
        await until(lambda: world.store.done == [1], 0.9)


async def test_a_target_that_fails_is_tried_again_and_delays_no_other() -> None:
    world = World()
    world.notifier.answers["https://bad"] = Temporary("no", "HTTP 500")
    world.add(page(1, "https://bad"), page(2))
    async with running(world.pager):
        await until(lambda: world.store.done == [2] and world.store.put_off)
        assert world.store.put_off == [(1, START + timedelta(seconds=10), "HTTP 500")]
        world.notifier.answers.clear()
        world.clock.now = START + timedelta(seconds=10)
        world.pager.wake()
        await until(lambda: world.store.done == [2, 1])


async def test_a_target_that_hangs_delays_no_other_and_is_not_called_twice() -> None:
    world = World()
    world.notifier.stuck.add("https://slow")
    world.add(page(1, "https://slow"), page(2))
    async with running(world.pager):
        await until(lambda: world.store.done == [2])
        world.store.leased.clear()
        world.pager.wake()
        await until(lambda: world.store.claims > 1)
        world.notifier.gate.set()
        await until(lambda: 1 in world.store.done)
    assert world.notifier.told == [2, 1]


async def test_a_refused_page_and_a_bug_are_tried_again_too() -> None:
    world = World()
    world.notifier.answers = {"https://a": Permanent("no", "550"), "https://b": RuntimeError("bug")}
    world.add(page(1, "https://a"), page(2, "https://b"))
    async with running(world.pager):
        await until(lambda: len(world.store.put_off) == 2)
    assert world.store.given_up == []


async def test_a_page_that_nobody_took_for_a_day_has_failed() -> None:
    world = World()
    world.clock.now = START + timedelta(days=1)
    world.notifier.answers["https://a.example/x"] = Temporary("no", "down")
    world.add(page(1, attempts=300))
    async with running(world.pager):
        await until(lambda: world.store.given_up == [(1, "down")])


async def test_the_databases_trouble_loses_no_page() -> None:
    world = World()
    world.store.trouble = 1
    world.add(page(1))
    async with running(world.pager):
        await until(lambda: world.store.done == [1])


async def test_a_page_that_could_not_be_marked_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.oncall.pager._AFTER_TROUBLE", 0.01)
    world = World()
    sent, failures = world.store.sent, iter(range(3))

    def sent_later(ids: Sequence[int], now: datetime) -> Future[int]:
        if next(failures, None) is not None:
            raise Unavailable("no", "database away")
        return sent(ids, now)

    world.store.sent = sent_later  # type: ignore[method-assign]
    world.add(page(1))
    async with running(world.pager):
        await until(lambda: world.store.done == [1])
    assert world.notifier.told == [1]


async def test_stopping_finishes_what_is_on_its_way() -> None:
    world = World()
    world.notifier.stuck.add("https://slow")
    world.add(page(1, "https://slow"))
    task = asyncio.create_task(world.pager.run())
    await until(lambda: world.store.leased)
    await until(lambda: world.pager._tasks)
    world.pager.stop()
    world.notifier.gate.set()
    await asyncio.wait_for(task, 10)
    assert world.store.done == [1]


@pytest.mark.incident("Paging abuse")
async def test_pages_beyond_the_burst_are_gathered_into_one_that_names_each() -> None:
    world = World(burst=2, gather_seconds=1)
    world.add(*(page(n) for n in range(1, 50)), page(50, severity=Severity.S1), page(51))
    async with running(world.pager):
        await until(lambda: len(world.store.done) == 51)
    assert world.notifier.calls == [[1], [2], [*range(3, 50), 51, 50]]


@pytest.mark.incident("Paging abuse")
async def test_gathered_pages_that_fail_are_each_tried_again() -> None:
    world = World(burst=1, gather_seconds=1)
    world.add(page(1), page(2), page(3))
    async with running(world.pager):
        await until(lambda: world.store.done == [1])
        world.notifier.answers["https://a.example/x"] = Temporary("no", "down")
        await until(lambda: len(world.store.put_off) == 2)
    assert sorted(id_ for id_, _, _ in world.store.put_off) == [2, 3]


@pytest.mark.incident("Paging abuse")
async def test_a_crowd_at_one_target_makes_no_other_wait() -> None:
    world = World(burst=1, gather_seconds=1000)
    world.add(page(1), page(2), page(3, "https://b.example/x"))
    async with running(world.pager):
        await until(lambda: sorted(world.store.done) == [1, 3])
    assert world.notifier.calls == [[1], [3]]


@pytest.mark.incident("Paging abuse")
async def test_stopping_leaves_what_was_to_be_gathered_for_another_time() -> None:
    world = World(burst=1, gather_seconds=1)
    target = page(1).target
    world.notifier.stuck.add(target)
    world.add(page(1), page(2))
    task = asyncio.create_task(world.pager.run())
    await until(lambda: target in world.pager._lines and world.pager._lines[target].timer)
    timer = world.pager._lines[target].timer
    assert timer is not None
    world.pager.stop()
    await until(timer.cancelled)
    world.notifier.gate.set()
    await asyncio.wait_for(task, 10)
    assert world.notifier.calls == [[1]]
    assert world.store.done == [1]
