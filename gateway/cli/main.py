"""``gateway``: the command line. Each group of commands has a file of its own; this one joins them.

Commands import what is heavy when they run, so that ``gateway --help`` and ``gateway parse`` start at once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway import __version__
from gateway.cli import (
    backup,
    check,
    classify,
    database,
    demo,
    ingest,
    init,
    mail,
    outbox,
    parse,
    serve,
    status,
    templates,
    tickets,
)
from gateway.cli.console import complain, in_words, silence
from gateway.cli.context import DEFAULT_CONFIG
from gateway.errors import GatewayError

EX_USAGE = 2
"""Of click. A mail that is piped into a command with a slip of the pen is not at fault."""

app = typer.Typer(
    help="The e-mail door of a support desk: mail in, ticket, confirmation and answers out.",
    epilog="A first look without any configuration: gateway demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    init.init, check.check, serve.serve, status.status, ingest.ingest, parse.parse, classify.classify, demo.demo,
    backup.backup,
):  # fmt: skip
    app.command()(command)
app.add_typer(tickets.app, name="tickets")
app.add_typer(mail.app, name="mail")
app.add_typer(outbox.app, name="outbox")
app.add_typer(templates.app, name="templates")
app.add_typer(database.app, name="db")


def _version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path, typer.Option("--config", "-c", envvar="GATEWAY_CONFIG", help="The configuration.")
    ] = DEFAULT_CONFIG,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    context.obj = config


def _fill_closed_streams() -> None:
    """Python has None for a stream that was closed (``2>&-``), and the next file that is opened gets its number: what
    anything below us says then would stand in the database."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def main() -> None:
    """Run the command line. What a user or his data did wrong is told in a line, without a traceback."""
    _fill_closed_streams()
    try:
        app()
    except BrokenPipeError:
        silence(sys.stdout)
        sys.exit(1)
    except (GatewayError, OSError) as problem:
        complain(in_words(problem))
        sys.exit(1)
    except SystemExit as end:
        if end.code == EX_USAGE and "ingest" in sys.argv:
            sys.exit(ingest.EX_TEMPFAIL)
        raise
