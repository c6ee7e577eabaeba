"""What every command starts from: the configuration that was named, and the store behind it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.errors import Permanent
from gateway.settings import Settings, load, parse

if TYPE_CHECKING:
    from gateway.db.store import Store

GREATEST_ID = (1 << 63) - 1
"""Of both databases."""


def row_id(written: str) -> int:
    """For the commands that name rows."""
    if not written.isdecimal() or int(written) > GREATEST_ID:
        raise typer.BadParameter(f"{written!r} is no ID; take one from the list")
    return int(written)


Id = Annotated[int, typer.Argument(metavar="ID", parser=row_id, help="As in the list.")]
Ids = Annotated[list[int], typer.Argument(metavar="ID...", parser=row_id, help="As in the list.")]
Json = Annotated[bool, typer.Option("--json", help="JSON for programs instead of a page for people.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1_000_000_000, help="At most so many, the newest first.")]

DEFAULT_CONFIG = Path("gateway.toml")
EMBEDDED = "the embedded configuration"


def default_text(name: str) -> str:
    """A file of the shipped defaults: ``gateway.toml`` or ``policy.toml``."""
    return files("gateway").joinpath("defaults", name).read_text(encoding="utf-8")


def config_path(context: typer.Context) -> Path:
    path: Path = context.find_root().obj
    return path


def settings_of(context: typer.Context) -> Settings:
    """The settings of ``--config``. Raises ConfigurationError."""
    return load(config_path(context))


def settings_or_defaults(context: typer.Context) -> Settings:
    """The same, and the embedded ones where no configuration is there and none was asked for."""
    path = config_path(context)
    if path != DEFAULT_CONFIG or path.exists():
        return load(path)
    return parse(default_text("gateway.toml"), EMBEDDED, os.environ)


@contextmanager
def store_of(context: typer.Context, *, create: bool = False) -> Iterator[Store]:
    """The store of the configuration, for a question or a change by hand; the gateway may run meanwhile.

    Raises Permanent where nothing was ever stored, Temporary where the database does not answer.
    """
    from gateway import app, log
    from gateway.db.engine import answering, sqlite_file

    settings = settings_of(context)
    log.set_up("warning")
    file = sqlite_file(settings.database_url)
    if file is not None and not (create or file.exists()):
        raise Permanent("", f"{file}: there is no database yet; start the gateway: gateway serve")
    with answering():
        store = app.open_store(settings)
        try:
            yield store
        finally:
            store.close()
