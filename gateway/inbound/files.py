"""Mail that does not come by SMTP: single files, mboxes, Maildirs, folders of these, and an MTA's pipe."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gateway.model import Envelope
from gateway.reading import addresses, mime
from gateway.reading import headers as fields
from gateway.reading.charset import storable

STANDARD_INPUT = Path("-")
STANDARD_INPUT_NAME = "standard input"
_SUFFIXES = {".eml", ".mbox", ""}
"""What is a mail in a folder: MH and Thunderbird give their files no suffix."""
_FROM_LINE = re.compile(rb"From (\S*).*\b\d{1,2}:\d\d\b.*\b\d{4}\b")
"""What stands above each mail in an mbox: sender and time. A time is asked for, because prose may begin so as well."""
_QUOTED_FROM = re.compile(rb">+From ")
_BLANK = (b"\n", b"\r\n")
_HEADER_BYTES = 100 * 1024
_PIECE = 1 << 20
_LONGEST_ADDRESS = 1000
"""Octets, as in SMTP."""
_TELL_RECIPIENTS = (("x-original-to",), ("delivered-to",), ("envelope-to",), ("to", "cc"))
"""Header fields that name whom a mail came to, the ones that deliverers write first."""


@dataclass(frozen=True, slots=True)
class Source:
    """A mail as it lay there."""

    name: str
    """Its file; in an mbox also which mail of it, such as ``inbox.mbox#3``."""
    raw: bytes
    sender: str | None = None
    """Who sent it by the line above it (mbox, an MTA's pipe), empty for a bounce; None where there is no line."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that is no mail, or too large a one."""

    name: str
    reason: str


def mails(paths: Sequence[Path], stdin: BinaryIO | None, largest: int) -> Iterator[Source | Unreadable]:
    """Every mail in the files and folders, one in memory at a time, none larger than ``largest`` octets.

    ``-`` stands for ``stdin``, which holds one mail: splitting what an MTA pipes in would let a sender forge a second.
    What cannot be read comes as Unreadable; only ``stdin`` itself raises OSError.
    """
    for path in paths:
        if path == STANDARD_INPUT and stdin is not None:
            yield from _read(STANDARD_INPUT_NAME, stdin, largest, single=True)
        elif path.is_dir():
            for file, single in _inside(path):
                yield from _file(file, largest, single)
        else:
            yield from _file(path, largest, path.suffix == ".eml")


def envelope(
    source: Source,
    knows: Callable[[str], bool],
    fallback: str,
    *,
    via: str,
    sender: str | None = None,
    recipients: Sequence[str] = (),
) -> Envelope:
    """What SMTP would have said: as the caller tells it, else from the mail and what its deliverer wrote into it.

    ``sender`` is None where nobody told it, empty for the null sender. Recipients found in the mail count if ``knows``
    says that they are ours; without any it goes to ``fallback``.
    """
    headers = mime.parse_headers(fields.block(source.raw, _HEADER_BYTES))
    sender = storable(_sender(source, headers) if sender is None else sender)
    if not recipients:
        for names in _TELL_RECIPIENTS:
            values = [value for name in names for value in headers.raws(name)]
            told = (one.address for value in values for one in addresses.parse(value))
            recipients = list({address.lower(): address for address in told if knows(address)}.values())
            if recipients:
                break
    ours = tuple(map(storable, recipients)) or (fallback,)
    return Envelope(via, sender if len(sender.encode()) <= _LONGEST_ADDRESS else "", ours)


def _sender(source: Source, headers: mime.Headers) -> str:
    """The return path; a mail that tells none came from its author, for without one it would count as a bounce."""
    if source.sender is not None and "return-path" not in headers:
        return source.sender
    found = addresses.first(headers.raw("return-path") if "return-path" in headers else headers.raw("from"))
    return found.address if found else ""


def _inside(folder: Path) -> Iterator[tuple[Path, bool]]:
    """The files of a folder and those below it, and whether each is one mail; of a Maildir what is in new and cur."""
    if (folder / "cur").is_dir() and (folder / "new").is_dir():
        for part in (folder / "new", folder / "cur"):
            yield from ((file, True) for file in _listed(part) if file.is_file())
        return
    for path in _listed(folder):
        if path.is_dir() and not path.is_symlink():
            yield from _inside(path)
        elif path.is_file() and path.suffix in _SUFFIXES:
            yield path, path.suffix == ".eml"


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return [folder]  # read as a file it tells what is wrong


def _file(path: Path, largest: int, single: bool) -> Iterator[Source | Unreadable]:
    name = str(path)
    try:
        with path.open("rb") as file:
            yield from _read(name, file, largest, single)
    except OSError as problem:
        yield Unreadable(name, f"cannot be read: {problem.strerror}")


def _read(name: str, file: BinaryIO, largest: int, single: bool) -> Iterator[Source | Unreadable]:
    """One mail, or those of an mbox if the file may be one and begins like one."""
    first = file.readline(_PIECE)
    above = _FROM_LINE.match(first)
    if single or above is None:
        raw = (b"" if above else first) + file.read(largest + 1)
        yield _checked(name, raw, len(raw), above, largest)
        return
    for number, (line, raw, size) in enumerate(_split(file, above, largest), 1):
        yield _checked(f"{name}#{number}", raw, size, line, largest)


def _split(file: BinaryIO, above: re.Match[bytes], largest: int) -> Iterator[tuple[re.Match[bytes], bytes, int]]:
    """The line above each mail, the mail (empty beyond ``largest``) and its size. Takes mboxo and mboxrd."""
    pieces: list[bytes] = []
    size, whole, blank = 0, True, False
    while piece := file.readline(_PIECE):
        line = _FROM_LINE.match(piece) if blank and piece.startswith(b"From ") else None
        if line:
            yield above, _joined(pieces), size
            above, pieces, size, whole, blank = line, [], 0, True, False
            continue
        size += len(piece)
        if size > largest:
            pieces.clear()
        else:
            pieces.append(piece[1:] if whole and _QUOTED_FROM.match(piece) else piece)
        blank = whole and piece in _BLANK
        whole = piece.endswith(b"\n")  # a piece of an endless line begins no line
    yield above, _joined(pieces), size


def _joined(pieces: list[bytes]) -> bytes:
    """One mail, without the empty line that sets it off from the next."""
    if len(pieces) > 1 and pieces[-1] in _BLANK:
        del pieces[-1]
    return b"".join(pieces)


def _checked(name: str, raw: bytes, size: int, above: re.Match[bytes] | None, largest: int) -> Source | Unreadable:
    if size > largest:
        return Unreadable(name, f"is larger than the {largest:,} bytes that are allowed")
    if not raw.strip():
        return Unreadable(name, "is empty")
    sender = above[1].decode("utf-8", "replace") if above else None
    return Source(name, raw, "" if sender == "MAILER-DAEMON" else sender)
