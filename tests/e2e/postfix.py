"""A Postfix of our own: private folders, one port on the loopback, no service of the machine touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.running import free_port, wait_for

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
myhostname = mx.example.com
mydestination = example.com
alias_maps =
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
virtual_mailbox_domains = customer.example
virtual_mailbox_maps = static:mail/
virtual_mailbox_base = {folder}
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
default_transport = error:nothing leaves this machine
smtp_dns_support_level = disabled
"""
USABLE = bool(shutil.which("postfix")) and os.geteuid() == 0
"""Postfix starts as root only."""


class Postfix:
    """Takes mail for example.com and customer.example; the latter's goes into ``mailbox``."""

    def __init__(self, folder: Path, extra: str) -> None:
        self.port = free_port()
        self.folder = folder
        self.mailbox = folder / "mail" / "new"
        self._etc = folder / "etc"
        for name, owner in (("etc", "root"), ("queue", "root"), ("data", "postfix"), ("mail", "nobody")):
            (folder / name).mkdir()
            shutil.chown(folder / name, owner)
        (self._etc / "main.cf").write_text(_MAIN.format(folder=folder) + extra, encoding="utf-8")
        (self._etc / "master.cf").write_text(self._master(), encoding="utf-8")

    def _master(self) -> str:
        """The services of the installed one, none of them in a chroot, listening on our port only."""
        found = [line for line in Path("/etc/postfix/master.cf").read_text().splitlines() if line[:1].isalpha()]
        services = [line.split(None, 7) for line in found]
        listening = [f"127.0.0.1:{self.port}", "inet", "n", "-", "n", "-", "-", "smtpd"]
        kept = [[*s[:4], "n", *s[5:]] for s in services if s[1] != "inet" and s[7].split()[0] != "pipe"]
        return "\n".join(" ".join(service) for service in [listening, *kept]) + "\n"

    def postmap(self, table: Path) -> None:
        subprocess.run(["postmap", "-c", str(self._etc), f"hash:{table}"], check=True)

    def start(self) -> None:
        self._command("start")
        wait_for(lambda: (self.folder / "queue" / "pid" / "master.pid").exists(), "Postfix runs")

    def flush(self) -> None:
        """Try everything in the queue now."""
        self._command("flush")

    def stop(self) -> None:
        self._command("stop")

    def _command(self, what: str) -> None:
        subprocess.run(["postfix", "-c", str(self._etc), what], check=True, capture_output=True, timeout=60)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")


@contextmanager
def private_folder() -> Iterator[Path]:
    """A folder that Postfix's user may walk through, as pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="postfix-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
