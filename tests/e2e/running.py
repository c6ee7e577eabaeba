"""The real program in a process of its own, seen from outside: over its sockets, its commands and its Maildir."""

from __future__ import annotations

import json
import mailbox
import os
import random
import signal
import smtplib
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import getaddresses
from pathlib import Path
from typing import Any, Protocol, TypeVar

from tests.canaries import BODY, KEY, canary

T = TypeVar("T")
PASSWORD = canary("password")
PATIENCE = 60.0
"""Seconds after which a condition that did not come true fails a test."""

CONFIGURATION = """
[gateway]
data_dir = "{folder}/var"
[smtp]
listen = "127.0.0.1:{port}"
[outbound]
relay = "{relay}"
[[mailbox]]
name = "support"
addresses = ["support@example.com"]
prefix = "SUP"
[[agent]]
name = "Ann Agent"
address = "ann@example.com"
password = "{password}"
[oncall]
notify = ["mailto:oncall@example.com"]
"""


_WAITING = """
SELECT (SELECT count(*) FROM mail WHERE state = 'received') + (SELECT count(*) FROM outgoing WHERE state = 'waiting')
"""


def wait_for(condition: Callable[[], T], what: str, patience: float = PATIENCE) -> T:
    """Ask until the answer is true; fails with ``what`` after the deadline."""
    deadline = time.monotonic() + patience
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < deadline, f"not within {patience:g} s: {what}"
        time.sleep(0.02)


def free_port() -> int:
    """Below those that the kernel gives to outgoing connections, so that it is still free after a restart."""
    for port in random.sample(range(10_000, 32_000), 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no free port below 32000")


class Process(Protocol):
    """What is needed of a process that was started."""

    pid: int
    returncode: Any

    def poll(self) -> int | None: ...
    def wait(self, timeout: float) -> int: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class Gateway:
    """``gateway serve`` in a folder of its own. Starts, is killed and starts again on the same files."""

    def __init__(
        self, folder: Path, *, relay: str = "", extra: str = "", environment: dict[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.config = folder / "gateway.toml"
        self.outbox = folder / "var" / "outbox"
        self.log = folder / "gateway.log"
        self.environment = {**os.environ, **(environment or {})}
        relay = relay or f"maildir:{self.outbox}"
        text = CONFIGURATION.format(folder=folder, port=self.port, relay=relay, password=PASSWORD)
        self.config.write_text(text + extra, encoding="utf-8")
        self.process: Process | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Start and wait until it answers."""
        self.launch()
        wait_for(self.answers, f"the gateway answers on port {self.port}; its log: {self.log.read_text()[-2000:]}")

    def launch(self) -> None:
        """Start, and do not wait."""
        self._make_secret()
        self.log.touch()
        self.process = self._begin(["--config", str(self.config), "serve"], self.log)

    def _begin(self, arguments: list[str], log: Path) -> Process:
        command = [sys.executable, "-m", "gateway", *arguments]
        with log.open("ab") as stream:
            return subprocess.Popen(
                command, stdout=stream, stderr=stream, stdin=subprocess.DEVNULL, env=self.environment,
                start_new_session=True,
            )  # fmt: skip

    def _make_secret(self) -> None:
        secret = self.folder / "var" / "secret.key"
        if not secret.exists():
            secret.parent.mkdir(exist_ok=True)
            secret.write_text(f"1 {KEY}\n", encoding="ascii")

    def answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the gateway ended: {self.log.read_text()[-2000:]}"
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as client:
                return client.recv(100).startswith(b"220")
        except OSError:
            return False

    def children(self) -> list[int]:
        """Processes that it started."""
        threads = Path(f"/proc/{self.pid}/task").glob("*/children")
        return [int(pid) for thread in threads for pid in thread.read_text().split()]

    def kill(self) -> None:
        """SIGKILL to the process and its children: the machine's plug, as far as a process can tell."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        if self.process is not None:
            self.process.wait(30)

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process is not None else 0
        self.process.terminate()
        try:
            return self.process.wait(60)
        finally:
            self.kill()

    def send(self, mail: EmailMessage | bytes, sender: str = "kim@example.net", *to: str) -> None:
        with smtplib.SMTP("127.0.0.1", self.port, timeout=60) as client:
            data = mail if isinstance(mail, bytes) else mail.as_bytes(policy=policy.SMTP)
            client.sendmail(sender, list(to or ("support@example.com",)), data)

    def run(self, *arguments: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "gateway", "--config", str(self.config), *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, env=self.environment, timeout=120, check=False)
        with (self.folder / "commands.log").open("ab") as log:
            log.write(done.stderr)
        return done

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    def ticket(self, number: str) -> dict[str, Any]:
        found: dict[str, Any] = self.json("tickets", "show", number)
        return found

    def sent(self, to: str = "", subject: str = "") -> list[EmailMessage]:
        """Mails in the Maildir, the oldest first."""
        if not all((self.outbox / part).exists() for part in ("cur", "new", "tmp")):
            return []
        box = mailbox.Maildir(str(self.outbox), create=False)
        mails = [BytesParser(policy=policy.default).parsebytes(box.get_bytes(key)) for key in box.iterkeys()]
        wanted = [m for m in mails if to in str(m["Delivered-To"] or m["To"]) and subject in str(m["Subject"])]
        return sorted(wanted, key=lambda m: str(m["Date"]))

    def wait_for_mail(self, to: str, subject: str = "", count: int = 1) -> list[EmailMessage]:
        def enough() -> list[EmailMessage]:
            found = self.sent(to, subject)
            return found if len(found) >= count else []

        return wait_for(enough, f"{count} mails to {to} with {subject!r}; sent: {[m['Subject'] for m in self.sent()]}")


def mail(subject: str, text: str, sender: str = "Kim <kim@example.net>", **headers: str) -> EmailMessage:
    """A plain mail to the support address."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = headers.pop("to", "support@example.com")
    message["Subject"] = subject
    message["Message-ID"] = headers.pop("message_id", f"<{time.time_ns()}@example.net>")
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(f"{text}\n-- \n{BODY}\n")
    return message


def reply(to: EmailMessage, text: str, sender: str, **more: str) -> EmailMessage:
    """What a mail client makes of "reply"."""
    answer = mail(f"Re: {to['Subject']}", text, sender, to=str(to["Reply-To"] or to["From"]), **more)
    answer["In-Reply-To"] = to["Message-ID"]
    answer["References"] = f"{to['References'] or ''} {to['Message-ID']}".strip()
    return answer


def send_reply(gateway: Gateway, answer: EmailMessage, sender: str) -> None:
    """To whom its To names."""
    gateway.send(answer, sender, *(address for _, address in getaddresses([str(answer["To"])])))


def settle(gateway: Gateway) -> None:
    """Wait until all that was taken is worked on, and all that follows from it is sent."""
    with closing(sqlite3.connect(f"file:{gateway.folder / 'var' / 'gateway.db'}?mode=ro", uri=True)) as database:
        wait_for(lambda: database.execute(_WAITING).fetchone() == (0,), "all is worked on and sent")
