"""``gateway demo``: the main job once, on this machine only, with the embedded configuration."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parseaddr
from pathlib import Path
from typing import TYPE_CHECKING

from rich.padding import Padding

from gateway.cli.console import facts, heading, out, text
from gateway.cli.parse import person
from gateway.errors import Temporary
from gateway.model import DeliveryState

if TYPE_CHECKING:
    from gateway.app import Addresses
    from gateway.db.queries import Queries
    from gateway.model import ReadMail
    from gateway.settings import Settings

SECONDS = 60.0
"""A machine that needs longer for three mails has another problem."""


def demo() -> None:
    """Try it: start a gateway, send it three mails by SMTP, and show tickets, confirmation and page.

    Nothing leaves this machine. On a terminal it stays up for mail of your own; Ctrl-C ends it.
    """
    from gateway import log

    folder = Path(tempfile.mkdtemp(prefix="gateway-demo-"))
    with (folder / "gateway.log").open("w", encoding="utf-8") as file:
        log.set_up("info", "json", file)
        asyncio.run(_demo(_settings(folder), folder))


def _settings(folder: Path) -> Settings:
    from gateway.cli.check_ports import bind
    from gateway.cli.context import EMBEDDED, default_text
    from gateway.settings import parse

    variables = {"GATEWAY_DATA_DIR": str(folder)}
    settings = parse(default_text("gateway.toml"), EMBEDDED, variables)
    if bind(settings.smtp.listen) is None:
        return settings
    return parse(default_text("gateway.toml"), EMBEDDED, {**variables, "GATEWAY_SMTP_LISTEN": "127.0.0.1:0"})


async def _demo(settings: Settings, folder: Path) -> None:
    from gateway import app

    stop, started = asyncio.Event(), asyncio.get_running_loop().create_future()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = asyncio.create_task(app.serve(settings, ready=started.set_result, stop=stop))
    await asyncio.wait((server, started), return_when=asyncio.FIRST_COMPLETED)
    if started.done():
        await _walk(settings, folder, started.result())
        if sys.stdin.isatty() and sys.stdout.isatty():
            await _stay(settings, started.result(), stop)
        stop.set()
    await server


async def _walk(settings: Settings, folder: Path, addresses: Addresses) -> None:
    """Send the mails, wait until all is done, and show what came of it."""
    from gateway import app

    out.print(text("A gateway listens on {}:{}, with the embedded configuration.".format(*addresses.smtp)))
    await _send(settings, addresses)
    store = app.open_store(settings)
    try:
        await asyncio.to_thread(_show, settings, folder, store.queries)
    finally:
        store.close()


async def _send(settings: Settings, addresses: Addresses) -> None:
    import aiosmtplib

    from gateway.cli.demo_mails import mails

    host, port = addresses.smtp
    for mail in mails(settings.mailbox[0].address):
        await aiosmtplib.send(mail, hostname=host, port=port, start_tls=False)
        name, _ = parseaddr(mail["From"])
        out.print(text(f"  250  {name or mail['From']}: {mail['Subject']}", "green"))


def _show(settings: Settings, folder: Path, queries: Queries) -> None:
    from gateway.cli.tickets import show_rows

    _wait_until(lambda: _is_done(queries))
    outgoing = _outgoing(folder / "outbox" / "new")
    heading("Tickets")
    rows = queries.tickets()
    show_rows(rows)
    _show_mail("The page, sent first, to", settings.oncall.notify[0].removeprefix("mailto:"), outgoing)
    _show_mail("The confirmation to", rows[-1].requester.address, outgoing)
    heading("All that went out, as a Maildir")
    out.print(text(f"{folder / 'outbox'}  ({len(outgoing)} recipients)"), soft_wrap=True)
    out.print(text(f"the log: {folder / 'gateway.log'}", "dim"), soft_wrap=True)


def _wait_until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise Temporary("", "the demo took too long; see its log")
        time.sleep(0.05)


def _is_done(queries: Queries) -> bool:
    """All mails were worked on, and everything they caused has left."""
    report = queries.status(datetime.now(UTC))
    if report.backlog or report.outbox_waiting:
        return False
    tickets = [queries.ticket(row.number) for row in queries.tickets()]
    return not any(page.state == DeliveryState.WAITING for ticket in tickets if ticket for page in ticket.pages)


def _outgoing(maildir: Path) -> dict[str, ReadMail]:
    """The mails in the Maildir by recipient."""
    from gateway import reading

    mails = [reading.read(path.read_bytes()) for path in sorted(maildir.iterdir())]
    return {mail.to[0].address: mail for mail in mails if mail.to}


def _show_mail(what: str, recipient: str, outgoing: dict[str, ReadMail]) -> None:
    mail = outgoing.get(recipient)
    if mail is None:
        raise Temporary("", f"the demo did not send what it should to {recipient}; see the log")
    heading(f"{what} {recipient}")
    facts((("From", person(mail.author) if mail.author else ""), ("Subject", mail.subject)))
    out.print(Padding(text(mail.text.strip()), (1, 0, 0, 2), expand=False))


async def _stay(settings: Settings, addresses: Addresses, stop: asyncio.Event) -> None:
    """Wait for mail of the user's own, and log what happens to it, until he ends it."""
    from gateway import log

    host, port = addresses.smtp
    heading("Now your own mail")
    out.print("The gateway stays up. From another terminal, for example:")
    out.print(
        text(f"  swaks --server {host}:{port} --from you@your.example --to {settings.mailbox[0].address}", "bold"),
        soft_wrap=True,
    )
    out.print("Ctrl-C ends it.\n")
    log.set_up("info", "console")
    await stop.wait()
