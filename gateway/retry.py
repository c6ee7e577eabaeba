"""When to try again. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta


def next_wait(attempts: int, waits: Sequence[timedelta], patience: timedelta) -> timedelta | None:
    """How long to wait after ``attempts`` failures; the last of the ``waits`` repeats.

    None where all waits together would exceed the ``patience``. They are counted, not read off a clock: one that
    jumped by a year, or a gateway that was down for a week, must not end the tries early.
    """
    wait = waits[min(max(attempts, 1), len(waits)) - 1]
    waited = sum(waits[:attempts], timedelta()) + waits[-1] * max(attempts - len(waits), 0)
    return wait if waited <= patience else None
