"""Several nodes of the gateway in this process, on one PostgreSQL."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.app import Addresses, serve
from gateway.model import NodeRole
from gateway.settings import Settings
from tests.canaries import BODY, KEY, canary

PATIENCE = 60
SECRET = f"1 {KEY}\n"


def settings_of(url: str, folder: Path, *, relay: str = "", **more: object) -> Settings:
    """The same for all nodes but the folder."""
    folder.mkdir(exist_ok=True)
    secret = folder.parent / "secret.key"
    secret.write_text(SECRET, encoding="ascii")
    return Settings.model_validate(
        {
            "gateway": {"data_dir": str(folder), "database": url, "secret_file": str(secret)},
            "smtp": {"listen": "127.0.0.1:0"},
            "outbound": {"relay": relay or f"maildir:{folder.parent / 'sent'}"},
            "mailbox": [{"name": "support", "addresses": ["support@example.com"]}],
            "agent": [{"name": "Ann", "address": "ann@example.com", "password": canary("password")}],
            "oncall": {"notify": ["mailto:oncall@example.com"]},
            **more,
        }
    )


@asynccontextmanager
async def node(settings: Settings, roles: Collection[NodeRole] = tuple(NodeRole)) -> AsyncIterator[Addresses]:
    """A node that runs for the length of a block."""
    stop, started = asyncio.Event(), asyncio.get_running_loop().create_future()
    running = asyncio.create_task(serve(settings, ready=started.set_result, stop=stop, roles=roles))
    await asyncio.wait((running, started), timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    if not started.done():
        await running
    try:
        yield started.result()
    finally:
        stop.set()
        await running


async def send(address: tuple[str, int], *mails: bytes, sender: str = "kim@example.net") -> None:
    """Mails over one connection."""

    def job() -> None:
        with smtplib.SMTP(*address, timeout=PATIENCE) as client:
            for mail in mails:
                client.sendmail(sender, ["support@example.com"], mail)

    await asyncio.to_thread(job)


def plain(number: int, text: str = "The export fails.", sender: str = "kim@example.net") -> bytes:
    return (
        f"From: {sender}\r\nTo: support@example.com\r\nMessage-ID: <{number}@example.net>\r\n"
        f"Subject: Mail {number}\r\n\r\n{text}\r\n-- \r\n{BODY}\r\n"
    ).encode()
