"""A file system in memory that forgets what was not synced, as a disk does when the power goes.

Run as a program it serves a mount point until it is unmounted, and answers on standard input and output: for each line
``SEED FOLDER`` it imagines that the power went this moment, and writes what a disk might then hold into the folder.

Data of a file survives where the file was synced after it was written; of what was not, each sector may or may not
have reached the disk, in any order. Names survive where their folder was synced; of later changes of names any number
of the first ones may have reached the journal of the file system, and none out of order.
"""

from __future__ import annotations

import errno
import random
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

import mfusepy as fuse

SECTOR = 512
_OLD_ENOUGH = 0.5
"""How likely a change that was not synced is on the disk all the same."""


@dataclass(slots=True)
class File:
    data: bytearray = field(default_factory=bytearray)
    mode: int = 0o644
    synced: bytes = b""
    written: list[tuple[int, bytes | None]] = field(default_factory=list)
    """Since the last sync: offset and data, or a length and None where it was cut or stretched."""

    def write(self, data: bytes, offset: int) -> None:
        if len(self.data) < offset:
            self.data.extend(bytes(offset - len(self.data)))
        self.data[offset : offset + len(data)] = data
        self.written.append((offset, data))

    def truncate(self, length: int) -> None:
        del self.data[length:]
        self.data.extend(bytes(length - len(self.data)))
        self.written.append((length, None))

    def sync(self) -> None:
        self.synced = bytes(self.data)
        self.written.clear()

    def survivor(self, chance: random.Random) -> bytes:
        """What the disk may hold of it."""
        disk = bytearray(self.synced)
        for offset, data in self.written:
            if data is None:
                if chance.random() < _OLD_ENOUGH:
                    del disk[offset:]
                    disk.extend(bytes(offset - len(disk)))
                continue
            for start, sector in _sectors(offset, data):
                if chance.random() < _OLD_ENOUGH:
                    disk.extend(bytes(max(0, start - len(disk))))
                    disk[start : start + len(sector)] = sector
        return bytes(disk)


def _sectors(offset: int, data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        length = SECTOR - (offset + at) % SECTOR
        yield offset + at, data[at : at + length]
        at += length


class Disk:
    """The tree as programs see it, and what of it is safe. Paths are absolute inside the mount."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.files: dict[str, File] = {}
        self.folders = {"/"}
        self._safe_names: dict[str, File | None] = {}
        """Path to its file, or to None for a folder."""
        self._changes: list[tuple[str, File | None, bool]] = []
        """Of names, since the last sync: path, what it names, and whether it was made or removed."""

    def add(self, path: str, file: File | None) -> None:
        if file is None:
            self.folders.add(path)
        else:
            self.files[path] = file
        self._changes.append((path, file, True))

    def remove(self, path: str) -> None:
        file = self.files.pop(path, None)
        self.folders.discard(path)
        self._changes.append((path, file, False))

    def sync_folder(self, folder: str) -> None:
        """Its names are safe now."""
        rest = []
        for path, file, made in self._changes:
            if _parent(path) == folder:
                self._apply(self._safe_names, path, file, made)
            else:
                rest.append((path, file, made))
        self._changes = rest

    def survivors(self, chance: random.Random) -> dict[str, bytes | None]:
        """Paths to contents, None for folders, as a disk may hold them after a cut at this moment."""
        names = dict(self._safe_names)
        for path, file, made in self._changes[: chance.randint(0, len(self._changes))]:
            self._apply(names, path, file, made)
        reachable = (path for path in names if _reachable(path, names))
        return {path: None if (file := names[path]) is None else file.survivor(chance) for path in reachable}

    @staticmethod
    def _apply(names: dict[str, File | None], path: str, file: File | None, made: bool) -> None:
        if made:
            names[path] = file
        else:
            names.pop(path, None)


def _parent(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def _reachable(path: str, names: dict[str, File | None]) -> bool:
    parent = _parent(path)
    return parent == "/" or (parent in names and names[parent] is None and _reachable(parent, names))


def _alone(method: Callable[..., Any]) -> Callable[..., Any]:
    """Not while the survivors are looked for."""

    @wraps(method)
    def locked(self: CutFS, *arguments: Any) -> Any:
        with self._disk.lock:
            return method(self, *arguments)

    return locked


class CutFS(fuse.Operations):  # type: ignore[misc]  # mfusepy comes without types
    """The disk as the kernel asks for it. File handles are numbers of open files: an unlinked one stays open."""

    use_ns = True

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._open: dict[int, File] = {}
        self._handles = 0

    def _file(self, path: str) -> File:
        if path not in self._disk.files:
            raise fuse.FuseOSError(errno.ENOENT)
        return self._disk.files[path]

    def _handle(self, file: File) -> int:
        self._handles += 1
        self._open[self._handles] = file
        return self._handles

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        disk = self._disk
        if path in disk.folders:
            return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2, "st_size": 0}
        file = self._open[fh] if fh in self._open else self._file(path)
        return {"st_mode": stat.S_IFREG | file.mode, "st_nlink": 1, "st_size": len(file.data), "st_ino": id(file) >> 4}

    def readdir(self, path: str, fh: int) -> list[str]:
        names = [*self._disk.files, *self._disk.folders]
        return [".", "..", *(name.rpartition("/")[2] for name in names if name != "/" and _parent(name) == path)]

    @_alone
    def create(self, path: str, mode: int, fi: Any = None) -> int:
        file = File(mode=stat.S_IMODE(mode))
        self._disk.add(path, file)
        return self._handle(file)

    def open(self, path: str, flags: int) -> int:
        return self._handle(self._file(path))

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        return bytes(self._open[fh].data[offset : offset + size])

    @_alone
    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        self._open[fh].write(data, offset)
        return len(data)

    @_alone
    def truncate(self, path: str, length: int, fh: int | None = None) -> None:
        (self._open[fh] if fh in self._open else self._file(path)).truncate(length)

    @_alone
    def fsync(self, path: str, datasync: int, fh: int) -> None:
        self._open[fh].sync()

    @_alone
    def fsyncdir(self, path: str, datasync: int, fh: int) -> None:
        self._disk.sync_folder(path)

    def release(self, path: str, fh: int) -> None:
        self._open.pop(fh, None)

    @_alone
    def mkdir(self, path: str, mode: int) -> None:
        self._disk.add(path, None)

    @_alone
    def unlink(self, path: str) -> None:
        self._file(path)
        self._disk.remove(path)

    @_alone
    def rmdir(self, path: str) -> None:
        self._disk.remove(path)

    @_alone
    def rename(self, old: str, new: str) -> None:
        file = self._file(old)
        self._disk.remove(old)
        self._disk.add(new, file)

    def chmod(self, path: str, mode: int) -> None:
        self._file(path).mode = stat.S_IMODE(mode)

    def chown(self, path: str, uid: int, gid: int) -> None:
        pass

    def utimens(self, path: str, times: Any = None) -> None:
        pass

    def statfs(self, path: str) -> dict[str, int]:
        return {"f_bsize": 4096, "f_frsize": 4096, "f_blocks": 1 << 20, "f_bfree": 1 << 20, "f_bavail": 1 << 20}


def _write(survivors: dict[str, bytes | None], folder: Path) -> None:
    for path in sorted(survivors):
        content = survivors[path]
        target = folder / path.lstrip("/")
        if content is None:
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


def _answer(disk: Disk) -> None:
    for line in sys.stdin:
        seed, _, folder = line.strip().partition(" ")
        with disk.lock:
            survivors = disk.survivors(random.Random(int(seed)))
        _write(survivors, Path(folder))
        print(len(survivors), flush=True)


def main(mount: str) -> None:
    disk = Disk()
    threading.Thread(target=_answer, args=[disk], daemon=True).start()
    fuse.FUSE(CutFS(disk), mount, foreground=True, nothreads=True, fsname="cutfs")


if __name__ == "__main__":
    main(sys.argv[1])
