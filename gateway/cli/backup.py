"""``gateway backup``: everything that a restore needs, copied while the gateway runs."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from gateway.cli.console import err, out, text
from gateway.cli.context import config_path, settings_of
from gateway.errors import Permanent, Temporary

if TYPE_CHECKING:
    from gateway.settings import Settings


def backup(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder, or an empty one.")],
) -> None:
    """Copy database, raw mails, configuration and secret into a folder, and read the copy again to prove it whole.

    The gateway may run meanwhile. The folder holds secrets: only its owner may read it.
    """
    from gateway.db.backup import sync
    from gateway.db.engine import sqlite_file

    settings = settings_of(context)
    try:
        if folder.exists() and any(folder.iterdir()):
            raise Permanent("", f"{folder} is not empty; name a new folder for each backup")
        data = folder / "var"
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        file = sqlite_file(settings.database_url)
        says = _postgresql(settings, data) if file is None else _embedded(file, data)
        _configuration(config_path(context), settings, folder)
        sync(folder)
    except OSError as problem:
        raise Permanent("", f"{problem.filename}: {problem.strerror}; the backup is not complete") from None
    except sqlite3.Error as problem:
        raise Permanent("", f"the database cannot be copied ({problem}); the backup is not complete") from None
    out.print(text(f"{says}, whole, in {folder}", "green"))


def _embedded(source: Path, data: Path) -> str:
    from gateway.db.backup import copy_database, copy_segments, segments_of, verify
    from gateway.db.raw import Segments

    if not source.exists():
        raise Permanent("", f"{source}: there is no database yet; nothing to back up")
    target, raw = data / "gateway.db", data / "raw"
    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:

        def bar(name: str) -> Callable[[int, int], None]:
            task = progress.add_task(name)
            return lambda done, total: progress.update(task, completed=done, total=total)

        with Segments(source.parent / "raw").held(exclusively=False):
            copy_database(source, target, bar("database"))
            copy_segments(segments_of(target), source.parent / "raw", raw, bar("raw mails"))
        copied = verify(target, raw, bar("reading it again"))
    return f"{copied.mails:,} mails, {copied.tickets:,} tickets"


def _postgresql(settings: Settings, data: Path) -> str:
    """The password goes by the environment: arguments are for everybody to read."""
    from sqlalchemy import make_url

    url = make_url(settings.database_url)
    command = ["pg_dump", "--format=custom", f"--file={data / 'gateway.dump'}"]
    environment = {**os.environ, **({"PGPASSWORD": str(url.password)} if url.password else {})}
    address = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    try:
        done = subprocess.run([*command, address], env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise Permanent(
            "",
            "pg_dump is not installed here; install PostgreSQL's client programs, or back the server up by its own "
            "means (pg_basebackup, snapshots) and keep the secret file and the configuration beside it",
        ) from None
    if done.returncode:
        raise Temporary("", f"pg_dump: {done.stderr.strip()}")
    return "the PostgreSQL database"


def _configuration(config: Path, settings: Settings, folder: Path) -> None:
    from gateway.pipeline import secret_file

    shutil.copy(config, folder / "gateway.toml")
    shutil.copy(secret_file(settings), folder / "var" / "secret.key")
    if settings.gateway.policy is not None:
        shutil.copy(settings.gateway.policy, folder / "policy.toml")
    if settings.gateway.templates is not None:
        shutil.copytree(settings.gateway.templates, folder / "templates")
