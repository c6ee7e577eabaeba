"""``python -m benchmarks``: measure the gateway on this machine. Run by hand; nothing leaves the loopback."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from benchmarks import servers, show

app = typer.Typer(add_completion=False, no_args_is_help=False, rich_markup_mode=None)
OWN_OPTIONS = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
Json = Annotated[bool, typer.Option("--json", help="Results as JSON instead of tables.")]
Folder = Annotated[Path | None, typer.Option(help="Where databases are put; the default is the temporary folder.")]
Rounds = Annotated[int, typer.Option(help="Rounds; medians are taken over them, ratios within one.")]


@app.callback(invoke_without_command=True)
def everything(context: typer.Context, folder: Folder = None) -> None:
    """Measure the gateway on this machine; without a command a short run of throughput, latency and where."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers that were started end, too
    if context.invoked_subcommand is None:
        throughput(rounds=3, share=0.3, folder=folder)
        latency(folder=folder)
        where()


def _show(results: Sequence[object], as_json: bool, table: Callable[[], None]) -> None:
    if as_json:
        show.as_json(results)
    else:
        table()


@app.command()
def throughput(
    rounds: Rounds = 3,
    share: Annotated[float, typer.Option(help="Share of the mails of a full run.")] = 1.0,
    folder: Folder = None,
    json: Json = False,
) -> None:
    """Mails a second end to end, memory and CPU a mail, against aiosmtpd that throws them away."""
    from benchmarks import throughput

    results = throughput.measure(rounds, share, folder)
    _show(results, json, lambda: throughput.table(results))


@app.command()
def latency(
    seconds: Annotated[int, typer.Option(help="How long, after two seconds to warm up.")] = 20,
    rate: Annotated[float, typer.Option(help="Mails a second.")] = 100.0,
    folder: Folder = None,
    json: Json = False,
) -> None:
    """From the 250 to the ticket, and to the answer at the relay, at a steady rate of small mails."""
    from benchmarks import latency

    results = latency.measure(seconds, rate, folder)
    _show(results, json, lambda: latency.table(results, rate))


@app.command()
def where(folder: Folder = None, json: Json = False) -> None:
    """CPU of one mail by stage, in one process."""
    from benchmarks import where

    results = where.measure(folder)
    _show(results, json, lambda: where.table(results))


@app.command()
def history(
    many: Annotated[int, typer.Option(help="Tickets of the long history.")] = 100_000,
    rounds: Rounds = 3,
    folder: Folder = None,
    json: Json = False,
) -> None:
    """Cost of a mail with 1,000 tickets behind it, and with many, on SQLite and PostgreSQL."""
    from benchmarks import history

    results = history.measure(many, rounds, folder)
    _show(results, json, lambda: history.table(results))


@app.command()
def nodes(
    rounds: Rounds = 3,
    share: Annotated[float, typer.Option(help="Share of the mails of a full run.")] = 1.0,
    folder: Folder = None,
    json: Json = False,
) -> None:
    """One, two and four gateways on one PostgreSQL, on this machine."""
    from benchmarks import nodes

    results = nodes.measure(rounds, share, folder)
    _show(results, json, lambda: nodes.table(results))


@app.command(context_settings=OWN_OPTIONS)
def reading(context: typer.Context) -> None:
    """Mails a second that are read, against the standard library."""
    _become("benchmarks.reading", context.args)


@app.command(context_settings=OWN_OPTIONS)
def identity(context: typer.Context) -> None:
    """Who a From header names, compared with other parsers."""
    _become("benchmarks.identity", context.args)


def _become(module: str, arguments: Sequence[str]) -> NoReturn:
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])


@app.command("serve-for")
def serve_for(port: int, folder: Path, sink: int) -> None:
    """Serve on PORT with an empty database beneath FOLDER and a relay on port SINK, for a loader from elsewhere."""
    folder.mkdir(parents=True, exist_ok=True)
    command = servers.gateway(Path(tempfile.mkdtemp(prefix="served-", dir=folder)), port, sink)
    os.execv(command[0], command)


if __name__ == "__main__":
    app()
