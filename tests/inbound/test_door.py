from __future__ import annotations

import pytest

from gateway.inbound.door import BUSY, SAMPLE_SECONDS, STILL_SECONDS, Door


class Machine:
    """A clock that runs while somebody sleeps, and a process that computes for some share of that time."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.computed = 0.0
        self.busy = 1.0
        self.mails_come = True
        self.door = Door(lambda: self.now, lambda: self.computed, self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.now += seconds
        self.computed += seconds * self.busy
        if self.mails_come:
            self.comes_and_is_kept()

    def comes_and_is_kept(self) -> None:
        self.door.came()
        self.door.left(1)

    async def way(self, seconds: float) -> float:
        """For how long the door goes first."""
        began = self.now
        await self.door.give_way(seconds)
        return self.now - began


@pytest.fixture
def machine() -> Machine:
    return Machine()


async def test_a_crowd_that_takes_all_the_time_goes_first_but_not_for_ever(machine: Machine) -> None:
    machine.comes_and_is_kept()
    assert await machine.way(0.25) == pytest.approx(0.25, abs=SAMPLE_SECONDS)


async def test_nobody_waits_for_mails_that_do_not_come(machine: Machine) -> None:
    assert await machine.way(0.25) == 0
    machine.comes_and_is_kept()
    machine.now += 2 * STILL_SECONDS
    assert await machine.way(0.25) == 0


async def test_the_wait_ends_with_the_crowd(machine: Machine) -> None:
    machine.comes_and_is_kept()
    machine.mails_come = False
    assert await machine.way(1) == pytest.approx(STILL_SECONDS, abs=SAMPLE_SECONDS)


async def test_mails_that_leave_the_process_idle_hold_nothing_up(machine: Machine) -> None:
    machine.comes_and_is_kept()
    machine.busy = BUSY / 2
    assert await machine.way(1) == pytest.approx(SAMPLE_SECONDS)


async def test_a_crowd_that_still_waits_has_not_gone(machine: Machine) -> None:
    machine.door.came()
    machine.mails_come = False
    machine.now += 2 * STILL_SECONDS
    assert await machine.way(1) == pytest.approx(1, abs=SAMPLE_SECONDS)
    machine.door.left(1)
    assert await machine.way(1) == 0
