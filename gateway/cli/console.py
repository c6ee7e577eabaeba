"""What commands print: tables and colour for people, JSON for programs, errors on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.errors import ConfigurationError, GatewayError
from gateway.printable import printable

PIPED_COLUMNS = 160
"""Width where nobody looks."""

LONGEST_CELL = 80

out = Console(highlight=False, soft_wrap=False)
if not out.is_terminal:
    out.width = max(out.width, PIPED_COLUMNS)
rows_out = out if out.is_terminal else Console(highlight=False, width=100_000)
"""Rows shall neither be folded nor cut for a program that reads tables."""
err = Console(stderr=True, highlight=False, soft_wrap=True)

STYLES = {
    "S0": "bold red", "S1": "red", "S2": "yellow", "S3": "dim",
    "failed": "bold red", "held": "yellow", "refused": "dim", "waiting": "yellow", "sent": "green",
    "open": "green", "pending": "yellow", "solved": "dim",
}  # fmt: skip


def text(value: object, style: str = "") -> Text:
    """A value that may come from a stranger: never markup, never an escape sequence."""
    shown = f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)
    return Text(printable(shown, keep="\n"), style or STYLES.get(shown, ""))


def brief(value: str) -> str:
    """For a row of a list; the whole stands where one thing is shown."""
    return value if len(value) <= LONGEST_CELL else f"{value[: LONGEST_CELL - 1]}…"


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
    """Print rows under their headings, or ``empty`` where there are none."""
    shown = Table(*columns, box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for row in rows:
        shown.add_row(*(text(value) for value in row))
    if shown.row_count:
        rows_out.print(shown)
    else:
        out.print(text(empty, "dim"))


def facts(rows: Iterable[tuple[str, object]]) -> None:
    """Print ``name value`` lines; a row without a value is left out."""
    shown = Table.grid(padding=(0, 2, 0, 0))
    shown.add_column(style="bold", no_wrap=True)
    for name, value in rows:
        if value not in ("", None):
            shown.add_row(name, value if isinstance(value, Text) else text(value))
    rows_out.print(shown)


def heading(value: object) -> None:
    out.print()
    out.print(text(value, "bold cyan"))


def print_json(value: Any, indent: int | None = 2) -> None:
    """Print dataclasses and plain values as JSON in ASCII, so that a terminal gets no control character either."""
    print(json.dumps(value, default=_plain, indent=indent), flush=indent is None)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


def in_words(problem: Exception) -> list[str]:
    """A line a mistake; of the operating system's errors ``var: Permission denied``, without the number."""
    if isinstance(problem, ConfigurationError):
        return problem.mistakes
    if isinstance(problem, GatewayError):
        return [problem.private]
    if isinstance(problem, OSError):
        return [f"{problem.filename}: {problem.strerror}" if problem.filename else str(problem)]
    return [repr(problem)]


def complain(lines: Iterable[str]) -> None:
    """Say what is wrong on standard error, if it can be said: the exit status counts."""
    try:
        for line in lines:
            err.print(Text("error: ", "bold red") + text(line) if sys.stderr.isatty() else text(f"error: {line}"))
    except OSError:
        silence(sys.stderr)


def silence(stream: TextIO) -> None:
    """Nobody reads it any more: what is left in it must not make Python complain, and fail, when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
