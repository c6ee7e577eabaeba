"""The file with the secrets that sign reply addresses and loop headers: a line ``GENERATION HEX`` for each."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from gateway.desk.tokens import Keys
from gateway.disk import make_folder, sync_folder
from gateway.errors import Permanent

_BYTES = 32


def load_or_make(path: Path) -> Keys:
    """The keys in ``path``; a new file with one key, readable by its owner only, where there is none.

    Raises Permanent where the file is damaged.
    """
    if not path.exists():
        make_folder(path.parent)
        _write(path, f"1 {secrets.token_hex(_BYTES)}\n")
    return _parse(path)


def _write(path: Path, text: str) -> None:
    """Whole or not at all: a half-written secret would make every reply address worthless at the next start."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
    sync_folder(path.parent)


def _parse(path: Path) -> Keys:
    keys: dict[int, bytes] = {}
    try:
        for line in path.read_text(encoding="ascii").splitlines():
            if line.strip():
                generation, _, key = line.partition(" ")
                keys[int(generation)] = bytes.fromhex(key)
        damaged = not keys or any(len(key) < _BYTES or not 0 < g < 256 for g, key in keys.items())
    except (OSError, ValueError):
        damaged = True
    if damaged:
        raise Permanent(
            "",
            f"{path}: is no readable secret file (lines of a generation from 1 to 255 and {_BYTES} bytes as hex); "
            "restore it from a backup, or remove it: then answers to mails sent so far become new tickets",
        )
    return Keys(keys)
