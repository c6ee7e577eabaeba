from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from gateway import clock
from gateway.clock import Clock
from tests.outbound.fakes import until

NOW = datetime(2026, 3, 31, tzinfo=UTC)


class Runs:
    """A retention that notes what it was asked for, and fails the first time."""

    def __init__(self) -> None:
        self.before: list[datetime] = []

    def run(self, before: datetime) -> int:
        self.before.append(before)
        if len(self.before) == 1:
            raise RuntimeError("the database is away")
        return 1


async def test_raw_mails_are_deleted_by_their_age_and_a_failure_does_not_end_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "EVERY_SECONDS", 0.01)
    retention = Runs()
    running = asyncio.create_task(Clock(retention, 30, lambda: NOW).run())  # type: ignore[arg-type]
    await until(lambda: len(retention.before) >= 2)
    running.cancel()
    assert retention.before[0] == datetime(2026, 3, 1, tzinfo=UTC)


async def test_without_a_limit_nothing_is_deleted() -> None:
    retention = Runs()
    running = asyncio.create_task(Clock(retention, 0, lambda: NOW).run())  # type: ignore[arg-type]
    for _ in range(3):
        await asyncio.sleep(0)  # a turn of the loop each
    running.cancel()
    assert retention.before == []
