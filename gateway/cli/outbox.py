"""``gateway outbox``: mails on their way out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from gateway.cli.console import out, print_json, table, text
from gateway.cli.context import Ids, Json, Limit, store_of
from gateway.errors import Permanent
from gateway.model import DeliveryState

app = typer.Typer(help="Mails on their way out.", no_args_is_help=True)


@app.command("list")
def list_(
    context: typer.Context,
    state: Annotated[DeliveryState | None, typer.Option("--state", help="Only these.")] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List outgoing mails, the newest first."""
    with store_of(context) as store:
        rows = store.queries.outgoing(state, limit)
    if as_json:
        print_json(rows)
        return
    table(
        ("id", "written", "template", "recipient", "ticket", "state", "tries", "next", "last error"),
        (
            (r.id, r.created_at, r.template, r.recipient, r.ticket, r.state, r.attempts,
             r.due_at if r.state == DeliveryState.WAITING else "", r.last_error)
            for r in rows
        ),
        "nothing was sent",
    )  # fmt: skip


@app.command()
def retry(context: typer.Context, ids: Ids) -> None:
    """Send mails now that wait for their next try, were given up, came back, or were cancelled."""
    _change(context, ids, DeliveryState.WAITING, set(DeliveryState) - {DeliveryState.SENT}, "sent again")


@app.command()
def cancel(context: typer.Context, ids: Ids) -> None:
    """Take back mails that wait."""
    _change(context, ids, DeliveryState.CANCELLED, {DeliveryState.WAITING}, "cancelled")


def _change(
    context: typer.Context, ids: list[int], state: DeliveryState, allowed: set[DeliveryState], verb: str
) -> None:
    now = datetime.now(UTC)
    with store_of(context) as store:
        wrong = [str(id_) for id_ in ids if not store.outbox.change(id_, state, sorted(allowed), now)]
    if wrong:
        states = " or ".join(sorted(allowed))
        raise Permanent("", f"only {states} mails can be {verb}, not {', '.join(wrong)}; see: gateway outbox list")
    out.print(text(f"{len(ids)} {state.value}"))
