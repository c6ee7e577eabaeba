"""``gateway parse``: what the gateway reads in a mail."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from gateway.cli.console import PIPED_COLUMNS, facts, heading, out, print_json, table, text
from gateway.cli.context import Json
from gateway.errors import Permanent
from gateway.model import Address, Bounce, Forward, Machine, ReadMail, Span, SpanKind

STANDARD_INPUT = Path("-")


def parse(
    file: Annotated[Path, typer.Argument(help="A mail as a file; - is standard input.")] = STANDARD_INPUT,
    as_json: Json = False,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Paths on standard input, one a line; one JSON object a line out.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="OUT", help="Also write the mail as a safe HTML page.")
    ] = None,
) -> None:
    """Show what stands in a mail: people, new text, what was cut from it, attachments, robot or person."""
    if jsonl:
        for line in sys.stdin:
            print_json(_read_one(line.rstrip("\r\n")), indent=None)
        return
    from gateway import reading

    raw = read_bytes(file)
    mail = reading.read(raw)
    if html is not None:
        from gateway.cli.page import write_page

        write_page(html, raw, mail)
    if as_json:
        print_json(reading.as_json(mail))
    else:
        show(mail)


def read_bytes(file: Path) -> bytes:
    """A file, or standard input for ``-``. Raises Permanent."""
    try:
        return sys.stdin.buffer.read() if file == STANDARD_INPUT else file.read_bytes()
    except OSError as problem:
        raise Permanent("", f"{file}: cannot be read ({problem.strerror})") from None


def _read_one(path: str) -> dict[str, Any]:
    """One mail as JSON; whatever is wrong with it stands under ``error``, and the next one is read."""
    from gateway import reading

    try:
        return {"file": path, **reading.as_json(reading.read(Path(path).read_bytes()))}
    except Exception as problem:
        return {"file": path, "error": f"{type(problem).__name__}: {problem}"}


def show(mail: ReadMail) -> None:
    """Print a mail as a page for a person."""
    facts(_headers(mail))
    heading("New text")
    out.print(text(mail.reply.text) if mail.reply.text.strip() else text("none", "dim"))
    _show_folded(mail.reply.spans)
    if mail.forward is not None:
        _show_forward(mail.forward)
    if mail.attachments:
        heading("Attachments")
        table(
            ("name", "type", "size", "SHA-256"),
            ((a.name or "(no name)", a.content_type, decimal(a.size), a.sha256[:16]) for a in mail.attachments),
            "",
        )
    heading("Robot or person")
    out.print(text(_machine(mail.machine)))
    if mail.bounce is not None:
        _show_bounce(mail.bounce)
    if mail.defects:
        heading("Defects")
        out.print(text(", ".join(mail.defects)))


def _headers(mail: ReadMail) -> Iterable[tuple[str, object]]:
    yield "Subject", mail.subject or "(none)"
    yield "From", person(mail.author) if mail.author else Text("(none)", "red")
    identity = mail.identity.address or "cannot be told: not exactly one address in From"
    flags = f" ({', '.join(mail.identity.flags)})" if mail.identity.flags else ""
    yield "Identity", text(identity + flags, "" if mail.identity.address and not flags else "yellow")
    yield "Sender", person(mail.sender) if mail.sender else ""
    yield "To", people(mail.to)
    yield "Cc", people(mail.cc)
    yield "Reply-To", people(mail.reply_to)
    yield "Answer to", mail.answer_to
    yield "Date", mail.date
    yield "Language", mail.language
    yield "Message-ID", mail.message_id
    yield "In-Reply-To", " ".join(mail.in_reply_to)
    yield "References", " ".join(mail.references)


def person(one: Address) -> str:
    return f"{one.name} <{one.address}>" if one.name else one.address


def people(many: Iterable[Address]) -> str:
    return ", ".join(person(one) for one in many)


def _show_folded(spans: Iterable[Span]) -> None:
    """What was cut from the new text: how much, and how it begins."""
    folded = [span for span in spans if span.kind is not SpanKind.NEW and span.text.strip()]
    if not folded:
        return
    heading("Folded")
    rows = Table.grid(padding=(0, 2, 0, 0))
    for span in folded:
        lines = span.text.strip().splitlines()
        count = f"{len(lines)} line{'s' if len(lines) != 1 else ''}"
        begins = " / ".join(line.strip() for line in lines if line.strip())[:PIPED_COLUMNS]
        rows.add_row(text(span.kind.value, "yellow"), text(count), text(begins, "dim"))
    out.print(rows)


def _show_forward(forward: Forward) -> None:
    heading("Forwarded mail")
    facts(
        (
            ("From", person(forward.sender) if forward.sender else "(unknown)"),
            ("To", people(forward.to)),
            ("Cc", people(forward.cc)),
            ("Date", forward.date_raw),
            ("Subject", forward.subject),
        )
    )
    out.print(text(forward.text, "dim"))


def _show_bounce(bounce: Bounce) -> None:
    heading("Delivery report")
    kind = "failed" if bounce.failed else "delayed or delivered"
    lasts = ("for good" if bounce.permanent else "for now") if bounce.failed else ""
    facts((("Says", f"{kind} {lasts}".strip()), ("Of our mail", bounce.original_message_id)))
    table(
        ("recipient", "action", "status", "reply code"),
        ((r.address, r.action, r.status, r.reply_code) for r in bounce.recipients),
        "no recipient named",
    )


def _machine(machine: Machine) -> str:
    if not machine.kinds and machine.may_answer:
        return "a person's mail"
    kinds = ", ".join(kind.value for kind in machine.kinds) or "a person's mail"
    reason = f" ({machine.reason})" if machine.reason else ""
    return f"{kinds}{reason}; {'may be' if machine.may_answer else 'is never'} answered"
