"""``gateway mail replay``: stored mail, read again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from difflib import unified_diff
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from gateway.cli.console import complain, err, out, print_json, text
from gateway.cli.context import Json, row_id, settings_of, store_of

if TYPE_CHECKING:
    from gateway.db.store import Store
    from gateway.replay import Difference, Replayed
    from gateway.settings import Settings


def _moment(written: str) -> datetime:
    """Left to typer, a bare number would be seconds since 1970, and the offset would be lost."""
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise typer.BadParameter(f"{written!r} is no time; write it as 2026-03-02 or 2026-03-02T14:30+01:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def replay(
    context: typer.Context,
    ids: Annotated[
        list[int] | None, typer.Argument(metavar="ID...", parser=row_id, help="As in the list.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option("--since", parser=_moment, metavar="TIME", help="All that came since; UTC without an offset."),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="All mails.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would differ and change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Read stored mail again, after an upgrade, a change of the rules, or what hindered it was mended.

    Held and failed mails go through once more as a whole. Of the others severity, category and text are brought up to
    date in their tickets. No mail is sent; a ticket that is not solved and becomes an S0 is paged.
    """
    if [bool(ids), since is not None, all_].count(True) != 1:
        raise typer.BadParameter("name mails, or give one of --since and --all")
    settings = settings_of(context)
    with store_of(context) as store:
        results = asyncio.run(_replay(settings, store, ids or [], since, dry_run))
    missing = sorted(set(ids or ()) - {one.id for one in results})
    if as_json:
        print_json([asdict(one) for one in results])
    else:
        _show(results, dry_run)
    complain(f"there is no mail {id_}; see: gateway mail list" for id_ in missing)
    if missing or any(one.problem for one in results):
        raise typer.Exit(1)


async def _replay(
    settings: Settings, store: Store, named: list[int], since: datetime | None, dry_run: bool
) -> list[Replayed]:
    from gateway.db.replay import Replays
    from gateway.inbound.reader import Reader
    from gateway.keyfile import load_or_make
    from gateway.pipeline import open_policy, secret_file
    from gateway.replay import Replay

    ids = named or Replays(store).ids(since)
    keys = load_or_make(secret_file(settings))
    reader = Reader(settings.reading, open_policy(settings))
    replaying = Replay(settings, store, reader, keys, lambda: datetime.now(UTC))
    results = []
    try:
        with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
            task = progress.add_task("reading", total=len(ids))
            async for one in replaying.run(ids, apply=not dry_run, named=bool(named)):
                results.append(one)
                progress.advance(task)
    finally:
        reader.close()
    return results


def _show(results: Sequence[Replayed], dry_run: bool) -> None:
    told = [one for one in results if one.differences or one.again or one.problem]
    for one in told:
        out.print(text(f"mail {one.id}  {one.ticket}".rstrip(), "bold"))
        for difference in one.differences:
            _show_difference(difference)
        for says, style, said in (
            ("goes through again", "green", one.again),
            ("pages the on-call", "bold red", one.page),
            (one.problem, "yellow", one.problem),
        ):
            if said:
                out.print(text(f"  {says}", style))
    changed = sum(any(d.changes for d in one.differences) or one.again for one in told)
    what = "would change; nothing was" if dry_run else "changed or on the way"
    out.print(text(f"{len(results)} read, {len(told)} to be told of, {changed} {what}"))


def _show_difference(one: Difference) -> None:
    left = "" if one.changes else "  (told only)"
    if one.what != "text":
        out.print(text(f"  {one.what}: {one.before} -> {one.after}{left}"))
        return
    out.print(text(f"  text{left}"))
    for line in list(unified_diff(one.before.splitlines(), one.after.splitlines(), lineterm="", n=1))[2:]:
        out.print(text(f"    {line}", {"+": "green", "-": "red"}.get(line[:1], "dim")))
