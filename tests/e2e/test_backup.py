"""A restore that was never tried is no backup: a gateway runs on the copy."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from email import policy
from email.parser import BytesParser
from pathlib import Path

from tests.e2e.running import Gateway, free_port, mail, wait_for

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "backup.md"


def test_a_gateway_on_the_copy_knows_its_tickets_attachments_and_reply_addresses(
    gateway: Gateway, tmp_path: Path
) -> None:
    picture = os.urandom(200_000)
    first = mail("Export broken", "The export fails, see the picture.")
    first.add_attachment(picture, maintype="image", subtype="png", filename="screen.png")
    gateway.send(first)
    (confirmation,) = gateway.wait_for_mail("kim@example.net", "SUP-1")
    copy = tmp_path / "backup"
    done = gateway.run("backup", str(copy))
    assert done.returncode == 0, done.stderr.decode()
    before = gateway.ticket("SUP-1")
    gateway.kill()
    shutil.rmtree(gateway.folder / "var")

    (tmp_path / "elsewhere").mkdir()
    restored = Gateway(tmp_path / "elsewhere")
    shutil.copytree(copy / "var", restored.folder / "var")
    restored.start()
    try:
        after = restored.ticket("SUP-1")
        assert after["messages"] == before["messages"]
        answer = mail("Re: Export broken", "It works again, thanks.", to=str(confirmation["Reply-To"]))
        restored.send(answer, "kim@example.net", str(confirmation["Reply-To"]))
        wait_for(lambda: len(restored.ticket("SUP-1")["messages"]) == 2, "the answer is in its ticket")
        assert restored.run("mail", "show", "1", "--raw", str(tmp_path / "raw.eml")).returncode == 0
        raw = BytesParser(policy=policy.default).parsebytes((tmp_path / "raw.eml").read_bytes())
        assert [part.get_content() for part in raw.iter_attachments()] == [picture]
    finally:
        restored.kill()


def test_the_documented_look_into_a_backup_shows_its_tickets_and_calls_nobody(tmp_path: Path) -> None:
    relay, imap = free_port(), free_port()
    server = f'[[imap]]\nserver = "imap://127.0.0.1:{imap}"\nusername = "desk"\npassword = "x"\ntls = "none"\n'
    (tmp_path / "real").mkdir()
    real = Gateway(tmp_path / "real", relay=f"smtp://127.0.0.1:{relay}", extra=server)
    real.start()
    try:
        real.send(mail("Nobody can log in", "Since 9 nobody in our company can log in, error 500 for all 300 users."))
        wait_for(lambda: real.json("outbox", "list"), "a ticket whose mails and page wait, for there is no relay")
        assert real.run("backup", str(tmp_path / "copy")).returncode == 0
    finally:
        real.kill()
    with socket.create_server(("127.0.0.1", relay)) as relays, socket.create_server(("127.0.0.1", imap)) as mailboxes:
        script = documented_look(tmp_path)
        shown = subprocess.run(["sh", "-e"], input=script, capture_output=True, text=True, timeout=60, check=False)
        called = [server for server in (relays, mailboxes) if was_called(server)]
    assert shown.returncode == 0, shown.stderr
    assert "Nobody can log in" in shown.stdout
    assert called == []


def documented_look(folder: Path) -> str:
    """The commands of the document as a script, on the backup in ``folder``."""
    section = DOCUMENT.read_text(encoding="utf-8").partition("\n## Look into a backup\n")[2].partition("\n## ")[0]
    commands = "\n".join(re.findall(r"(?m)^\$ (.*)", section))
    there = commands.replace("/srv/backup/2026-03-02", f"{folder}/copy").replace("/tmp/1.eml", f"{folder}/1.eml")
    return f'gateway() {{ {sys.executable} -m gateway "$@"; }}\n{there}\n'


def was_called(server: socket.socket) -> bool:
    server.setblocking(False)
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True
