"""``gateway db``: the database's schema."""

from __future__ import annotations

import typer

from gateway.cli.console import out, text
from gateway.cli.context import settings_of

app = typer.Typer(help="The database.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keeps ``upgrade`` a command of a group while it is the only one."""


@app.command()
def upgrade(context: typer.Context) -> None:
    """Bring the schema to this program's version; safe to repeat. The embedded database does it when it is served."""
    from gateway.db.engine import answering
    from gateway.db.engine import upgrade as upgrade_schema

    revisions: list[str] = []
    with answering():
        upgrade_schema(settings_of(context).database_url, revisions.append)
    out.print(text(f"upgraded to revision {revisions[-1]}" if revisions else "the schema is this program's already"))
