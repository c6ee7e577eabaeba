"""Secrets and mail texts of the tests that can be told from anything else, and the search for them in all logs.

Whatever a gateway process writes, on either stream, and what the gateway's parts log inside a test, is searched when
the run ends. Under pytest-xdist each worker searches what it made itself.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

WORD = "Kanarienvogel"
BODY = f"The contract is {WORD}-body."
"""A line for the texts of mails."""
KEY = WORD.encode().ljust(32, b"-").hex()
"""A secret that signs reply addresses, as its file wants it."""
LOGS = ("gateway.log", "commands.log", "in-process.log")


def canary(what: str) -> str:
    """A password, say, that must not be logged."""
    return f"{WORD}-{what}"


def _encoded(word: bytes) -> Iterator[str]:
    """What base64 makes of it at each of the three places where it may begin."""
    for before in range(3):
        text = b64encode(b"\0" * before + word).decode()
        yield text[(before * 8 + 5) // 6 : (before + len(word)) * 8 // 6]


_LEAK = re.compile(
    rf"(?i:{WORD}|{WORD.encode().hex()})|{'|'.join(map(re.escape, _encoded(WORD.encode())))}"
    r"|\+[A-Za-z2-7]{30,}@"  # a reply address with its proof
)


def leaks(text: str) -> list[str]:
    """The lines that hold what they must not."""
    return [line for line in text.splitlines() if _LEAK.search(line)]


def leaks_below(folder: Path) -> list[str]:
    """In all logs there, each line with the name of its file."""
    return [
        f"{path.relative_to(folder)}: {line[:500]}"
        for name in LOGS
        for path in sorted(folder.rglob(name))
        for line in leaks(path.read_text(encoding="utf-8", errors="replace"))
    ]


@pytest.fixture(scope="session", autouse=True)
def in_process_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TextIO]:
    """Where the gateway's parts log when they run inside a test; and the search, when all tests have run."""
    folder = tmp_path_factory.getbasetemp()
    with (folder / "in-process.log").open("w", encoding="utf-8") as stream:
        yield stream
    found = leaks_below(folder)
    assert not found, "secrets or texts of mails in logs:\n" + "\n".join(found[:20])
