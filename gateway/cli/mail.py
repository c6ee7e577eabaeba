"""``gateway mail``: what became of every mail that was accepted."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli import replay
from gateway.cli.console import brief, facts, out, print_json, table, text
from gateway.cli.context import Id, Ids, Json, Limit, store_of
from gateway.errors import Permanent
from gateway.model import MailState

if TYPE_CHECKING:
    from gateway.db.queries import MailRow
    from gateway.db.store import Store

app = typer.Typer(help="What became of every mail that was accepted.", no_args_is_help=True)


@app.command("list")
def list_(
    context: typer.Context,
    state: Annotated[MailState | None, typer.Option("--state", help="Only these.")] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List accepted mails, the newest first."""
    with store_of(context) as store:
        rows = store.queries.mails(state, limit)
    if as_json:
        print_json(rows)
        return
    table(
        ("id", "received", "from", "state", "ticket", "subject", "reason"),
        ((r.id, r.received_at, r.mail_from or "<>", r.state, r.ticket, brief(r.subject), r.reason) for r in rows),
        "no mails",
    )


@app.command()
def show(
    context: typer.Context,
    id_: Id,
    raw: Annotated[
        Path | None, typer.Option("--raw", metavar="OUT", help="Write the mail as it came into a file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show one mail: how it came, what became of it, what stands in it."""
    from gateway import reading
    from gateway.cli.parse import show as show_mail

    with store_of(context) as store:
        row = store.queries.mail(id_)
        if row is None:
            raise Permanent("", f"there is no mail {id_}; see: gateway mail list")
        if as_json:
            print_json(row)
        else:
            facts(_facts(row))
        content = _raw(store, id_)
    if raw is not None:
        _write(raw, content)
    if content and not as_json:
        out.rule(style="dim")
        show_mail(reading.read(content))


@app.command()
def release(context: typer.Context, ids: Ids) -> None:
    """Let held mails through: each is decided again as if its sender were known."""
    now = datetime.now(UTC)
    with store_of(context) as store:
        wrong = [str(id_) for id_ in ids if not _release(store, id_, now)]
    if wrong:
        kept = ", ".join(wrong)
        raise Permanent("", f"only held and failed mails can be released, not {kept}; see: gateway mail list")
    out.print(text(f"{len(ids)} on the way; the running gateway takes {'it' if len(ids) == 1 else 'them'} up at once"))


def _release(store: Store, id_: int, now: datetime) -> bool:
    return bool(store.writer.run(lambda connection: store.mails.again(connection, id_, now, released=True)))


app.command("replay")(replay.replay)


def _raw(store: Store, id_: int) -> bytes:
    """The mail as received; empty where its raw form was deleted after ``retention.raw_days``. Raises Permanent."""
    row = store.queries.raw(id_)
    try:
        return store.mails.raw(row) if row is not None else b""
    except (OSError, ValueError) as problem:
        raise Permanent("", f"mail {id_}: its raw form cannot be read: {problem}") from None


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as problem:
        raise Permanent("", f"{path}: cannot be written ({problem.strerror})") from None


def _facts(row: MailRow) -> list[tuple[str, object]]:
    return [
        ("Mail", row.id),
        ("Received", row.received_at),
        ("By", f"{row.via} from {row.peer}" if row.peer else row.via),
        ("Envelope", f"{row.mail_from or '<>'} to {', '.join(row.recipients)}"),
        ("Size", f"{row.size:,} bytes"),
        ("State", row.state),
        ("Reason", row.reason),
        ("Ticket", row.ticket),
        ("Failed tries", row.attempts or ""),
    ]
