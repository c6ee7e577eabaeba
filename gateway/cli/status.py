"""``gateway status``: whether anything is stuck."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from gateway.cli.console import facts, out, print_json, text
from gateway.cli.context import Json, settings_of, store_of

if TYPE_CHECKING:
    from rich.text import Text

    from gateway.db.queries import FolderRow

SLOW_SECONDS = 60
"""A mail that waits longer than this to be read is worth a look."""
CHECK_SECONDS = 1.0
"""In which damage to the database is looked for; gateway check takes longer."""
LATE_SECONDS = 3600
"""So is an IMAP folder that nobody looked into for so long: polls are 25 minutes apart at most."""


def status(context: typer.Context, as_json: Json = False) -> None:
    """Show at a glance what came, what waits and what failed."""
    from gateway.db.damage import REMEDY, quick_check
    from gateway.db.queries import FolderRow

    with store_of(context) as store:
        now = datetime.now(UTC)
        report = store.queries.status(now)
        looked = {one.name: one for one in store.queries.folders()}
        damage = quick_check(store.file, CHECK_SECONDS) if store.file is not None else ""
    names = [one.name for one in settings_of(context).imap]
    folders = [looked.get(name, FolderRow(name, None, "", "")) for name in names]
    if as_json:
        print_json(asdict(report) | {"damage": damage or "", "imap": folders})
        return
    facts(
        (
            ("Mails accepted", report.accepted),
            ("Mails processed", report.processed),
            ("Tickets", report.tickets),
            ("To be read", text(f"{report.backlog}", "yellow" if report.backlog else "green")),
            ("Held", text(report.held, "yellow" if report.held else "green")),
            ("Failed", text(report.failed, "bold red" if report.failed else "green")),
            ("To be sent", text(report.outbox_waiting, "yellow" if report.outbox_waiting else "green")),
            ("Not delivered", text(report.outbox_failed, "bold red" if report.outbox_failed else "green")),
            *((one.name, _looked(one, now)) for one in folders),
        )
    )
    for stuck, hint in (
        (damage, f"the database is damaged ({damage}): {REMEDY}"),
        (
            report.oldest_seconds > SLOW_SECONDS,
            f"a mail waits since {report.oldest_seconds:.0f} s: is gateway serve running?",
        ),
        (report.held, "held mails: gateway mail list --state held, then gateway mail release ID"),
        (report.failed, "failed mails: gateway mail list --state failed, then gateway mail replay ID"),
        (report.outbox_failed, "mails not delivered: gateway outbox list --state failed, then gateway outbox retry ID"),
    ):
        if stuck:
            out.print(text(hint, "yellow"))


def _looked(folder: FolderRow, now: datetime) -> Text:
    if folder.trouble:
        return text(folder.trouble, "bold red")
    if folder.looked_at is None:
        return text("not looked into yet", "yellow")
    seconds = (now - folder.looked_at).total_seconds()
    return text(f"looked into {seconds:,.0f} s ago", "green" if seconds < LATE_SECONDS else "yellow")
