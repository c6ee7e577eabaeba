"""``gateway ingest``: mail out of files, folders or an MTA's pipe."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.console import complain, err, out, print_json, text
from gateway.cli.context import Json, settings_of, store_of
from gateway.cli.parse import STANDARD_INPUT, read_bytes
from gateway.errors import ConfigurationError, GatewayError, Temporary

if TYPE_CHECKING:
    from gateway.db.store import Store
    from gateway.settings import Settings

EX_TEMPFAIL = 75
"""sysexits.h: an MTA that pipes a mail to us keeps it and tries again."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one file."""

    file: str
    id: int | None
    error: str = ""
    temporary: bool = False


def ingest(
    context: typer.Context,
    paths: Annotated[list[Path] | None, typer.Argument(help="Files, folders, Maildirs; - is standard input.")] = None,
    recipient: Annotated[
        list[str] | None,
        typer.Option(
            "--recipient",
            envvar="ORIGINAL_RECIPIENT",
            help="The address it came to; else To and Cc tell.",
        ),
    ] = None,
    sender: Annotated[
        str | None, typer.Option("--sender", envvar="SENDER", help="The return path; else the mail's Return-Path.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Take mails in as if they had come by SMTP; 'gateway serve' works on them, now or when it runs.

    Exit status 75 says: not kept, try again; an MTA then keeps the mail.
    """
    try:
        settings = settings_of(context)
    except ConfigurationError as problem:
        complain(problem.mistakes)
        raise typer.Exit(EX_TEMPFAIL) from None  # the mail is not at fault, so nobody may bounce it
    files = [file for path in paths or [STANDARD_INPUT] for file in _files(path)]
    try:
        with store_of(context, create=True) as store:
            taken = [_take(store, settings, file, recipient or [], sender) for file in _progress(files)]
    except (GatewayError, OSError) as problem:
        complain([problem.private if isinstance(problem, GatewayError) else str(problem)])
        raise typer.Exit(EX_TEMPFAIL) from None
    _report(taken, as_json)
    if any(one.error for one in taken):
        raise typer.Exit(EX_TEMPFAIL if any(one.temporary for one in taken) else 1)


def _files(path: Path) -> Iterable[Path]:
    from gateway.inbound.files import mails_in

    return [path] if path == STANDARD_INPUT else mails_in(path)


def _progress(files: list[Path]) -> Iterable[Path]:
    """A bar for a person who waits, on standard error."""
    if len(files) < 2 or not err.is_terminal:
        return files
    from rich.progress import track

    return track(files, "taking in", console=err, transient=True)


def _take(store: Store, settings: Settings, file: Path, recipients: list[str], sender: str | None) -> Taken:
    from gateway import reading
    from gateway.inbound.files import as_received, envelope_of

    try:
        raw = as_received(read_bytes(file), settings)
        via = "pipe" if file == STANDARD_INPUT else "file"
        envelope = envelope_of(raw, reading.read(raw), settings, via=via, sender=sender, recipients=recipients)
        now = datetime.now(UTC)
        (id_,) = store.writer.run(lambda connection: store.mails.add(connection, [(envelope, raw)], now, mine=False))
    except GatewayError as problem:
        return Taken(str(file), None, problem.private, isinstance(problem, Temporary))
    return Taken(str(file), id_)


def _report(taken: list[Taken], as_json: bool) -> None:
    complain(f"{one.file}: {one.error}" for one in taken if one.error)
    if as_json:
        print_json([{"file": one.file, "id": one.id, "error": one.error or None} for one in taken])
        return
    ids = [one.id for one in taken if one.id is not None]
    if ids:
        which = f"mail {ids[0]}" if len(ids) == 1 else f"{len(ids)} mails, {ids[0]} to {ids[-1]}"
        out.print(text(f"kept {which}; what becomes of them: gateway mail list"))
