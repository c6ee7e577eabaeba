"""``gateway tickets``: look at tickets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.console import brief, facts, heading, out, print_json, table, text
from gateway.cli.context import Json, Limit, store_of
from gateway.errors import Permanent
from gateway.model import Severity, Status

if TYPE_CHECKING:
    from gateway.db.queries import MessageRow, TicketPage, TicketRow

app = typer.Typer(help="Look at tickets.", no_args_is_help=True)


@app.command("list")
def list_(
    context: typer.Context,
    status: Annotated[Status | None, typer.Option("--status", help="Only these.")] = None,
    severity: Annotated[Severity | None, typer.Option("--severity", help="Only these.")] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List tickets, the newest first."""
    with store_of(context) as store:
        rows = store.queries.tickets(status, severity, limit)
    if as_json:
        print_json(rows)
    else:
        show_rows(rows)


def show_rows(rows: Iterable[TicketRow]) -> None:
    """Print tickets as a table."""
    table(
        ("number", "severity", "status", "category", "mailbox", "requester", "subject"),
        ((r.number, r.severity, r.status, r.category, r.mailbox, r.requester.address, brief(r.subject)) for r in rows),
        "no tickets",
    )


@app.command()
def show(
    context: typer.Context,
    number: Annotated[str, typer.Argument(help="Such as SUP-1042.")],
    as_json: Json = False,
) -> None:
    """Show a ticket with its messages, what was sent, who was paged, and what happened."""
    with store_of(context) as store:
        ticket = store.queries.ticket(number)
    if ticket is None:
        raise Permanent("", f"there is no ticket {number}; see: gateway tickets list")
    if as_json:
        print_json(ticket)
    else:
        show_ticket(ticket)


def show_ticket(ticket: TicketPage) -> None:
    """Print a ticket as a page for a person."""
    heading(f"{ticket.number}  {ticket.subject}")
    facts(_facts(ticket))
    for index, message in enumerate(ticket.messages):
        _show_message(message, whole=index == 0)
    heading("Sent")
    table(
        ("id", "template", "recipient", "state", "tries", "last error"),
        ((o.id, o.template, o.recipient, o.state, o.attempts, o.last_error) for o in ticket.outgoing),
        "nothing",
    )
    if ticket.pages:
        heading("Paged")
        table(("at", "target", "state"), ((p.at, p.target, p.state) for p in ticket.pages), "")
    heading("History")
    table(("at", "by", "what"), ((e.at, e.actor, e.what) for e in ticket.events), "nothing")


def _facts(ticket: TicketPage) -> list[tuple[str, object]]:
    stated = f" (its sender says {ticket.stated_severity})" if ticket.stated_severity else ""
    category = ticket.subcategory or ticket.category
    return [
        ("Severity", text(ticket.severity) + text(stated, "dim")),
        ("Category", category),
        ("Why", "\n".join(f"{signal}: {words}" for signal, words, _ in ticket.evidence)),
        ("Status", ticket.status),
        ("Assignee", ticket.assignee),
        ("Mailbox", ticket.mailbox),
        (
            "People",
            "\n".join(f"{p.role}: {f'{p.name} <{p.address}>' if p.name else p.address}" for p in ticket.participants),
        ),
        ("Language", ticket.language),
        ("Opened", ticket.created_at),
    ]


def _show_message(message: MessageRow, whole: bool) -> None:
    """``whole`` shows the mail with what was cut as well; of later ones the ticket has that already."""
    heading(f"{message.created_at:%Y-%m-%d %H:%M}  {message.kind}  {message.author}")
    out.print(text(message.text.strip()), soft_wrap=True)
    if whole and message.full_text.strip():
        out.print(text("\nThe whole mail, with quotation and signature:\n", "dim"))
        out.print(text(message.full_text.strip("\n"), "dim"), soft_wrap=True)
    for file in message.attachments:
        out.print(text(f"  attached: {file.name}  {file.content_type}  {file.size:,} bytes", "dim"))
    for line in message.evidence:
        out.print(text(f"  {line}", "dim"))
