"""The memory of a process that starts once and then does the same for mail after mail."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress

ALLOCATIONS = 20_000
"""Between two looks at what is young; a mail needs some thousands, nearly all of which references alone set free."""
YOUNGER = 20
"""Looks at what is young to one at what is older."""
_ARENA_MAX = -8
"""``M_ARENA_MAX`` of glibc's malloc.h."""


def one_heap() -> None:
    """Let all threads allocate from one heap: with one each, what large mails leave behind adds up to 30 MB.

    Call it before there are threads. They wait for the interpreter anyway. Where the C library is not glibc it does
    nothing.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)


def settle() -> None:
    """What stands now stays until the end, so no collection looks at it again. Call it once, after the start."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, YOUNGER, YOUNGER)
