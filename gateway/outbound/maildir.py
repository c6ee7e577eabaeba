"""Outgoing mail into a Maildir: for trying out, for tests, and for programs that collect mail from a folder."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from gateway.disk import make_folder, sync_folder
from gateway.errors import Temporary
from gateway.outbound.conversation import always


class Maildir:
    """Writes each mail as a file named after Message-ID and recipient, so that a second try replaces the first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.name = f"maildir:{folder}"

    async def send(
        self, mail_from: str, recipient: str, data: bytes, message_id: str, ours: Callable[[], bool] = always
    ) -> str:
        """Write one mail; see ``Transport``. It is written in one go, so nobody is asked in between."""
        await asyncio.to_thread(self._write, mail_from, recipient, data, message_id)
        return self.name

    async def close(self) -> None:
        """Nothing is held open."""

    def _write(self, mail_from: str, recipient: str, data: bytes, message_id: str) -> None:
        name = hashlib.sha256(f"{message_id}\0{recipient}".encode()).hexdigest()[:40]
        head = f"Return-Path: <{mail_from}>\nDelivered-To: {recipient}\n".encode()
        try:
            self._store(name, head + data.replace(b"\r\n", b"\n"))
        except OSError as problem:
            raise Temporary("The mail could not be written.", f"{self._folder}: {problem}", "4.3.0") from problem

    def _store(self, name: str, data: bytes) -> None:
        """Complete or not at all: written aside, synced, renamed, and the folder synced."""
        for part in ("tmp", "new", "cur"):
            make_folder(self._folder / part)
        aside = self._folder / "tmp" / f"{name}.{os.getpid()}"
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.rename(self._folder / "new" / name)
        sync_folder(self._folder / "new")
