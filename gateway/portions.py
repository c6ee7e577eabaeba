"""Long rows of values in portions, for what takes only so many at once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

_Value = TypeVar("_Value")


def portions(values: Iterable[_Value], most: int) -> Iterator[list[_Value]]:
    """All of them, in order, at most so many at a time."""
    rest = iter(values)
    while some := list(islice(rest, most)):
        yield some
