"""``gateway demo``: the whole way once."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path


def demo(folder: Path) -> str:
    environment = {**os.environ, "TMPDIR": str(folder)}
    command = [sys.executable, "-m", "gateway", "demo"]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL, timeout=110, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_demo_shows_tickets_page_confirmation_and_maildir_and_ends(tmp_path: Path) -> None:
    out = demo(tmp_path)
    assert out.count("250  ") == 3
    assert re.search(r"SUP-\d+ +S0 .*Nobody can sign in", out)
    assert "S0 [SUP-" in out.partition("The page")[2]
    assert "Hello Maria Keller" in out.partition("The confirmation")[2]
    (maildir,) = tmp_path.glob("gateway-demo-*/outbox")
    assert str(maildir) in out
    assert b"juergen@werkstatt.example" in b"".join(path.read_bytes() for path in (maildir / "new").iterdir())


def test_the_demo_takes_another_port_where_the_default_is_taken(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.bind(("127.0.0.1", 8025))
            other.listen()
        except OSError:
            pass  # taken already, which serves as well
        assert "127.0.0.1:8025" not in demo(tmp_path)
