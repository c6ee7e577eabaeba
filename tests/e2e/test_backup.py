"""A restore that was never tried is no backup: a gateway runs on the copy."""

from __future__ import annotations

import os
import shutil
from email import policy
from email.parser import BytesParser
from pathlib import Path

from tests.e2e.running import Gateway, mail, wait_for


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
