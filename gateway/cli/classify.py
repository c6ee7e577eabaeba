"""``gateway classify``: which severity and category a mail gets, and why."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.console import facts, heading, out, print_json, table, text
from gateway.cli.context import Json, settings_or_defaults
from gateway.cli.parse import STANDARD_INPUT, read_bytes
from gateway.errors import Permanent
from gateway.model import Action, ReadMail, Verdict

if TYPE_CHECKING:
    from gateway.triage.policy import Policy

ACTIONS = {
    Action.PAGE: "wake the on-call now",
    Action.CHECK: "a human looks at the severity",
    Action.QUEUE: "waits for its turn",
}


def classify(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A mail as a file; - is standard input.")] = STANDARD_INPUT,
    as_json: Json = False,
    jsonl: Annotated[
        bool,
        typer.Option("--jsonl", help="Mails as JSON on standard input, one a line; one JSON object a line out."),
    ] = False,
) -> None:
    """Show severity, category and what would be done about a mail, with the words that decided it."""
    from gateway.pipeline import open_policy

    settings = settings_or_defaults(context)
    policy = open_policy(settings)
    if jsonl:
        _classify_lines(policy)
        return
    from gateway.inbound.judge import judge

    mail, verdict = judge(read_bytes(file), settings.reading, policy)
    if as_json:
        print_json(verdict)
    else:
        show(mail, verdict)


def _classify_lines(policy: Policy) -> None:
    """One verdict a line; what is wrong with a line stands under ``error``, and the next one is read."""
    from gateway.cli.classify_jsonl import classify_json

    for line in sys.stdin:
        if line.strip():
            try:
                print(classify_json(line, policy), flush=True)
            except Permanent as problem:
                print_json({"error": problem.private}, indent=None)


def show(mail: ReadMail, verdict: Verdict) -> None:
    """Print a verdict as a page for a person."""
    category = verdict.subcategory or verdict.category.value
    stated = f" (its sender says {verdict.stated.value})" if verdict.stated else ""
    facts(
        (
            ("Subject", mail.subject),
            ("Severity", text(verdict.severity.value) + text(stated, "dim")),
            ("Category", category),
            ("Action", f"{verdict.action.value}: {ACTIONS[verdict.action]}"),
            ("Missing", ", ".join(verdict.missing)),
        )
    )
    heading("Why")
    table(
        ("signal", "weight", "words"),
        ((e.signal, f"{e.weight:+.2f}", e.text) for e in verdict.evidence),
        "nothing said",
    )
    heading("New text")
    out.print(text(mail.reply.text or mail.text), soft_wrap=True)
