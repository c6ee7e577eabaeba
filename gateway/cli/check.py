"""``gateway check``: whether everything is right before, or while, the gateway runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.console import in_words, out, print_json, text
from gateway.cli.context import Json, config_path, settings_of
from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from gateway.settings import Settings


class Level(StrEnum):
    OK = "ok"
    NOTE = "note"
    FAIL = "fail"


STYLES = {Level.OK: "green", Level.NOTE: "yellow", Level.FAIL: "bold red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the check."""

    what: str
    level: Level
    says: str
    remedy: str = ""


def check(
    context: typer.Context,
    dns: Annotated[bool, typer.Option("--dns", help="Also look up what other mail servers will look up.")] = False,
    as_json: Json = False,
) -> None:
    """Check configuration, policy, templates, database, disk, ports, TLS, relay, IMAP; exit status 1 if any fails."""
    findings = list(_findings(context, dns))
    if as_json:
        print_json(findings)
    else:
        for one in findings:
            out.print(text(f"{one.level.value:5}", STYLES[one.level]) + text(f"{one.what}: {one.says}"), soft_wrap=True)
            if one.remedy:
                out.print(text(f"     -> {one.remedy}", "dim"), soft_wrap=True)
    if any(one.level is Level.FAIL for one in findings):
        raise typer.Exit(1)


def _findings(context: typer.Context, dns: bool) -> Iterator[Finding]:
    try:
        settings = settings_of(context)
    except ConfigurationError as problem:
        for mistake in problem.mistakes:
            yield Finding("configuration", Level.FAIL, mistake)
        return
    yield Finding("configuration", Level.OK, str(config_path(context)))
    yield from _samples(settings)
    from gateway.cli import checks

    for one in checks.EVERYWHERE:
        try:
            yield from one(settings)
        except OSError as problem:
            (says,) = in_words(problem)
            yield Finding(one.__name__.replace("_", " "), Level.FAIL, says, "let the gateway's user have it")
    if dns:
        from gateway.cli.check_dns import look_up

        yield from look_up(settings)


def _samples(settings: Settings) -> Iterator[Finding]:
    """Sample addresses that nobody has replaced yet."""
    addresses = [*settings.by_address, *settings.agents, *settings.oncall.notify]
    left = [address for address in addresses if address.endswith(("@example.com", "@example.org"))]
    if left:
        yield Finding(
            "addresses", Level.NOTE, f"{', '.join(left)} stand for nobody", "put your own into the configuration"
        )
