"""A Dovecot of our own: a private folder, ports on the loopback, no service of the machine touched."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from imapclient import IMAPClient

from tests.canaries import canary
from tests.e2e.running import free_port, wait_for

USABLE = bool(shutil.which("dovecot")) and os.geteuid() == 0
"""It starts as root only."""
PASSWORD = canary("imap")
USER = "support@example.com"
_CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = {ssl}
disable_plaintext_auth = no
auth_mechanisms = {mechanisms}
auth_failure_delay = 0
default_internal_user = dovecot
default_login_user = dovenull
first_valid_uid = 0
mail_location = maildir:{folder}/mail/%u
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=dovecot gid=dovecot home={folder}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
{more}
"""


class Dovecot:
    """Any user, one password. Maildirs, so that a test may take away what Dovecot knows of them."""

    def __init__(self, folder: Path, more: str, certificate: Path | None, mechanisms: str) -> None:
        self.folder = folder
        self.log = folder / "dovecot.log"
        self.port = free_port()
        self.tls_port = free_port() if certificate else 0
        tls = f"ssl_cert = <{certificate}\nssl_key = <{certificate}\n" if certificate else ""
        (folder / "mail").mkdir()
        shutil.chown(folder / "mail", "dovecot", "dovecot")
        text = _CONFIGURATION.format(
            folder=folder, port=self.port, tls_port=self.tls_port, ssl="yes" if certificate else "no",
            password=PASSWORD, mechanisms=mechanisms, more=tls + more,
        )  # fmt: skip
        (folder / "dovecot.conf").write_text(text, encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        # In a session of its own: when it ends, Dovecot signals its whole group.
        self._process = subprocess.Popen(
            ["dovecot", "-F", "-c", str(self.folder / "dovecot.conf")], start_new_session=True
        )
        wait_for(self._answers, "Dovecot answers")

    def _answers(self) -> bool:
        try:
            with self.client():
                return True
        except OSError:
            return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(30)
            self._process = None

    def client(self, user: str = USER) -> IMAPClient:
        client = IMAPClient("127.0.0.1", self.port, ssl=False, timeout=30)
        client.login(user, PASSWORD)
        return client

    def put(self, *mails: bytes, folder: str = "INBOX", flags: Sequence[bytes] = (), user: str = USER) -> None:
        with self.client(user) as client:
            for mail in mails:
                client.append(folder, mail, flags)

    def flags(self, folder: str = "INBOX") -> dict[int, tuple[bytes, ...]]:
        """Of each mail, by its number."""
        with self.client() as client:
            client.select_folder(folder, readonly=True)
            return {uid: one[b"FLAGS"] for uid, one in client.fetch(client.search(), ["FLAGS"]).items()}

    def renumber(self) -> None:
        """Forget all numbers of the inbox: the next who looks gets others, under another UIDVALIDITY."""
        for path in (self.folder / "mail" / USER).glob("dovecot*"):
            path.unlink()

    def settings(self, **more: object) -> Mapping[str, object]:
        """For ``[[imap]]``."""
        server = {"server": f"imap://127.0.0.1:{self.port}", "tls": "none"}
        return server | {"username": USER, "password": PASSWORD} | more


@contextmanager
def dovecot(*, more: str = "", certificate: Path | None = None, mechanisms: str = "plain login") -> Iterator[Dovecot]:
    with tempfile.TemporaryDirectory(prefix="dovecot-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # its users walk through it
        server = Dovecot(folder, more, certificate, mechanisms)
        server.start()
        try:
            yield server
        finally:
            server.stop()
