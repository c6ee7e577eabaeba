"""``gateway ingest``: mail out of files, folders or an MTA's pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.console import complain, err, in_words, out, print_json, silence, text
from gateway.cli.context import Json, settings_of, store_of
from gateway.cli.parse import STANDARD_INPUT
from gateway.errors import GatewayError

if TYPE_CHECKING:
    from gateway.db.store import Store
    from gateway.inbound.files import Source, Unreadable
    from gateway.settings import Settings

EX_TEMPFAIL = 75
"""sysexits.h: an MTA that pipes a mail to us keeps it and tries again."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one mail."""

    file: str
    id: int | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class NotKept(Taken):
    """Our failure, and not the mail's: it may be kept another time."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the caller says of the envelope."""

    sender: str | None
    recipients: list[str]


def ingest(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files, mboxes, folders, Maildirs; - is standard input.")
    ] = None,
    recipient: Annotated[
        list[str] | None,
        typer.Option("--recipient", envvar="ORIGINAL_RECIPIENT", help="The address it came to; else its headers tell."),
    ] = None,
    sender: Annotated[
        str | None, typer.Option("--sender", envvar="SENDER", help="The return path; else its headers tell.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Take mails in as if they had come by SMTP. A running 'gateway serve' works on them; without one, this does.

    Exit status 75 says: not kept, try again; an MTA then keeps the mail. 1 says that the mail itself is at fault: it is
    empty or too large.
    """
    from gateway.inbound.files import mails

    try:
        settings = settings_of(context)
        found = mails(paths or [STANDARD_INPUT], sys.stdin.buffer, settings.smtp.max_message_bytes)
        with store_of(context, create=True) as store:
            taken = [_tried(store, settings, one, Told(sender, recipient or [])) for one in _progress(found)]
    except Exception as problem:  # whatever it is, the mail is not at fault, so nobody may bounce it
        complain(in_words(problem))
        raise typer.Exit(EX_TEMPFAIL) from None
    if any(one.id is not None for one in taken):
        _work_off(settings)
    _report(taken, as_json)
    if any(one.error for one in taken):
        raise typer.Exit(EX_TEMPFAIL if any(isinstance(one, NotKept) for one in taken) else 1)


def _progress(found: Iterable[Source | Unreadable]) -> Iterable[Source | Unreadable]:
    """A bar for a person who waits, on standard error."""
    if not err.is_terminal:
        return found
    from rich.progress import track

    return track(found, "taking in", console=err, transient=True)


def _tried(store: Store, settings: Settings, one: Source | Unreadable, told: Told) -> Taken:
    """Keep one mail, if that can be; where it cannot, the others go on. Raises Temporary where none can be kept."""
    try:
        return _take(store, settings, one, told)
    except GatewayError:
        raise
    except Exception as problem:
        return NotKept(one.name, None, f"could not be kept: {type(problem).__name__}")


def _take(store: Store, settings: Settings, one: Source | Unreadable, told: Told) -> Taken:
    """Keep one mail; returns after the commit."""
    from gateway.desk.identity import is_own
    from gateway.inbound.files import STANDARD_INPUT_NAME, Unreadable, envelope

    if isinstance(one, Unreadable):
        return Taken(one.name, None, one.reason)
    kept = envelope(
        one,
        partial(is_own, settings=settings),
        settings.mailbox[0].address,
        via="pipe" if one.name == STANDARD_INPUT_NAME else "file",
        sender=told.sender,
        recipients=told.recipients,
    )
    now = datetime.now(UTC)
    (added,) = store.writer.run(lambda connection: store.mails.add(connection, [(kept, one.raw)], now, mine=False))
    return Taken(one.name, added.id)


def _work_off(settings: Settings) -> None:
    """The mails are kept already, so nothing that goes wrong here may make an MTA send them again."""
    import asyncio

    from gateway import app

    try:
        asyncio.run(app.work_off(settings))
    except Exception as problem:
        complain(f"kept, but not worked on yet: {line}" for line in in_words(problem))


def _report(taken: list[Taken], as_json: bool) -> None:
    """Whoever cannot hear it changes nothing either."""
    complain(f"{one.file}: {one.error}" for one in taken if one.error)
    try:
        _show(taken, as_json)
        sys.stdout.flush()
    except OSError:
        silence(sys.stdout)


def _show(taken: list[Taken], as_json: bool) -> None:
    if as_json:
        print_json(taken)
        return
    ids = [one.id for one in taken if one.id is not None]
    if ids:
        which = f"mail {ids[0]}" if len(ids) == 1 else f"{len(ids)} mails, {ids[0]} to {ids[-1]}"
        out.print(text(f"kept {which}; what becomes of them: gateway mail list"))
