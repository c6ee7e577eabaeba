"""Tables for people, JSON for programs, progress on standard error."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

out = Console(highlight=False)
if not out.is_terminal:
    out.width = max(out.width, 120)


def progress() -> Progress:
    """A bar on standard error that goes when it is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """The first column is text, the others are figures."""
    shown = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, column in enumerate(columns):
        shown.add_column(column, justify="right" if number else "left", no_wrap=not number)
    for row in rows:
        shown.add_row(*(figure(value) for value in row))
    out.print()
    out.print(shown)


def figure(value: object) -> str:
    """Three digits that matter, no more."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def as_json(results: Sequence[Any]) -> None:
    """Dataclasses, one list."""
    print(json.dumps([asdict(one) for one in results], indent=1))
