"""Where raw mails lie: small ones in their row, large ones, on SQLite, appended to segment files beside the database.

A large blob inside SQLite is written twice (log, then table). A segment is written and fsynced once, before the commit
of the row that points into it, so a row never points at nothing; what a failed transaction leaves behind is never read.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from gateway.disk import make_folder, sync_folder
from gateway.model import Carried

INLINE_BYTES = 16 * 1024
SEGMENT_BYTES = 256 * 1024 * 1024
EXPIRED = "expired"
"""Stands for a reference where the raw mail was deleted (``retention.raw_days``)."""
OBJECT = "object:"
"""Begins the reference of a raw mail that lies in the object store."""
_NAME = re.compile(r"[0-9]{8}\.seg")
_REFERENCE = re.compile(rf"({_NAME.pattern}):([0-9]+):([0-9]+)")


class Segments:
    """Append-only files ``NNNNNNNN.seg`` in one folder. Used by the writer thread; reading is safe from any."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file: BinaryIO | None = None
        self._name = ""

    def append(self, raws: Sequence[bytes]) -> list[str]:
        """Write and fsync; returns a reference for each. Raises OSError, and then none of them counts."""
        try:
            file = self._open()
            references = []
            for raw in raws:
                references.append(f"{self._name}:{file.tell()}:{len(raw)}")
                file.write(raw)
            file.flush()
            os.fdatasync(file.fileno())
        except OSError:
            # What reached the disk is unknown now; the next one starts a file of its own.
            self.close()
            raise
        return references

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError:
                pass

    def _open(self) -> BinaryIO:
        if self._file is None or self._file.tell() >= SEGMENT_BYTES:
            self.close()
            make_folder(self.folder)
            last = max((int(path.stem) for path in self._files()), default=0)
            self._name = f"{last + 1:08d}.seg"
            self._file = (self.folder / self._name).open("xb")
            sync_folder(self.folder)
        return self._file

    def _files(self) -> Iterator[Path]:
        """Those of ours: a person may have left another beside them, which is never read, counted or deleted."""
        from gateway import log  # 11 MB in each child that reads, which has this module as well and lists no folder

        for path in self.folder.iterdir():
            if _NAME.fullmatch(path.name):
                yield path
            else:
                log.stray_file(str(path))

    def sweep(self, in_use: Collection[str], before: datetime) -> None:
        """Delete the files that are not ``in_use`` and were last written before then. Not while a backup is made."""
        with self.held(exclusively=True) as free:
            for path in self._files() if free else ():
                old = path.stat().st_mtime < before.timestamp()
                if old and path.name not in in_use and path.name != self._name:
                    path.unlink()

    @contextmanager
    def held(self, *, exclusively: bool) -> Iterator[bool]:
        """Keep the files from being deleted, or others from keeping them; whether that succeeded. Does not wait."""
        if not self.folder.exists():
            yield False
            return
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(folder, (fcntl.LOCK_EX if exclusively else fcntl.LOCK_SH) | fcntl.LOCK_NB)
            held = True
        except BlockingIOError:
            held = False
        try:
            yield held
        finally:
            os.close(folder)

    def read(self, reference: str) -> bytes:
        """Raises FileNotFoundError or ValueError where the reference leads nowhere."""
        name, start, length = place(reference)
        with (self.folder / name).open("rb") as file:
            file.seek(start)
            raw = file.read(length)
        if len(raw) != length:
            raise ValueError(f"{reference!r}: the segment ends early")
        return raw


@dataclass(frozen=True, slots=True)
class Span(Carried):
    """A mail in a segment, as another process of this machine finds it."""

    folder: Path
    reference: str

    def read(self) -> bytes:
        """Raises OSError or ValueError where there is no such mail."""
        return Segments(self.folder).read(self.reference)


def place(reference: str) -> tuple[str, int, int]:
    """The file that a reference names, where the mail starts in it, and its length; ValueError where it is none."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise ValueError(f"{reference!r} is no reference to a raw mail")
    return match[1], int(match[2]), int(match[3])
