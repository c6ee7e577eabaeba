"""The search for secrets in logs finds them, and the run then fails."""

import shutil
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest

from tests.canaries import BODY, KEY, canary, leaks

ROOT = Path(__file__).resolve().parents[1]
PROOF = "support+aeaqaaaaaeaaaaabbnbcym22octvshlfry4l4eq@example.com"


@pytest.mark.parametrize(
    "text",
    [
        canary("password"),
        f"AUTH {canary('x').upper()}",
        BODY,
        KEY.upper(),
        repr(bytes.fromhex(KEY)),
        *(b64encode(b"\0ann@example.com"[:n] + canary("password").encode()).decode() for n in (13, 14, 15)),
        PROOF,
        PROOF.upper(),
    ],
)
def test_a_secret_is_found_in_every_form(text: str) -> None:
    line = f'{{"event": "some_event", "problem": "before {text} after"}}'
    assert leaks(f"one\n{line}\nthree") == [line]


def test_what_is_no_secret_is_let_through() -> None:
    assert leaks("mail_accepted kim+tag@example.net support+...@example.com Kanarien vogel") == []


@pytest.mark.parametrize(
    ("statement", "status"),
    [
        ("(tmp_path / 'gateway.log').write_text(BODY)", 1),
        ("log.mail_refused('peer', BODY, '550')", 1),
        ("log.mail_refused('peer', 'kim@example.net', '550')", 0),
    ],
)
def test_a_run_that_logs_a_secret_fails(tmp_path: Path, statement: str, status: int) -> None:
    lines = ["from gateway import log", "from tests.canaries import BODY", "def test_it(tmp_path):", f"    {statement}"]
    (tmp_path / "test_it.py").write_text("\n".join(lines), encoding="utf-8")
    folders = [f"--rootdir={tmp_path}", f"--basetemp={tmp_path / 'base'}", str(tmp_path)]
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", *folders]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    shutil.rmtree(tmp_path / "base")  # the search of this run here shall not find it
    assert done.returncode == status, done.stdout
    assert ("texts of mails in logs" in done.stdout) == bool(status)
