from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping, Sequence

from gateway.leases import Leases
from tests.outbound.fakes import until


def kept_until(moment: float):
    """A database in which every lease is still ours."""

    def renew(ids: Sequence[int]) -> Mapping[int, float]:
        return dict.fromkeys(ids, moment)

    return renew


async def test_a_row_is_taken_in_hand_once() -> None:
    leases = Leases(kept_until(math.inf), 60)
    assert leases.take(1, math.inf)
    assert not leases.take(1, math.inf)
    leases.drop([1])
    assert leases.take(1, math.inf)


async def test_a_lease_ends_by_our_own_clock() -> None:
    leases = Leases(kept_until(math.inf), 60)
    leases.take(1, time.monotonic() + 60)
    leases.take(2, time.monotonic() - 0.001)
    assert (leases.valid(1), leases.valid(2), leases.valid(3)) == (True, False, False)


async def test_what_is_in_hand_is_prolonged_and_what_another_node_took_is_given_up() -> None:
    def renew(ids: Sequence[int]) -> Mapping[int, float]:
        return {1: math.inf}

    leases = Leases(renew, 0.03)
    leases.take(1, 0.0)
    leases.take(2, math.inf)
    keeping = asyncio.create_task(leases.keep())
    await until(lambda: leases.valid(1) and not leases.valid(2))
    keeping.cancel()


async def test_a_database_in_trouble_ends_no_lease_before_its_time() -> None:
    asked = 0

    def renew(ids: Sequence[int]) -> Mapping[int, float]:
        nonlocal asked
        asked += 1
        raise RuntimeError("gone")

    leases = Leases(renew, 0.03)
    leases.take(1, time.monotonic() + 60)
    keeping = asyncio.create_task(leases.keep())
    await until(lambda: asked >= 2)
    assert leases.valid(1)
    keeping.cancel()
