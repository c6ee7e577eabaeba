"""Python's garbage collector, set for a process that has started and now does the same for mail after mail."""

from __future__ import annotations

import gc

ALLOCATIONS = 20_000
"""Between two looks at what is young; a mail needs some thousands, nearly all of which references alone set free."""
YOUNGER = 20
"""Looks at what is young to one at what is older."""


def settle() -> None:
    """What stands now stays until the end, so no collection looks at it again. Call it once, after the start."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, YOUNGER, YOUNGER)
