"""Mail that does not come by SMTP: files, Maildirs, and an MTA's pipe."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from gateway.desk import tokens
from gateway.errors import Permanent
from gateway.model import Envelope, ReadMail
from gateway.settings import Settings

_MBOX_LINE = re.compile(rb"\AFrom [^\r\n]*\r?\n")
"""What local delivery agents write above a mail that they pipe into a command."""
_RETURN_PATH = re.compile(rb"^return-path:[ \t]*<?([^<>\s]*)", re.IGNORECASE | re.MULTILINE)
_HEADER_BYTES = 64 * 1024


def mails_in(path: Path) -> Iterator[Path]:
    """The file named, or those inside the folder named; a Maildir's are in ``new`` and ``cur``.

    Raises Permanent for a path that is not there.
    """
    if path.is_dir():
        inside = (p for p in sorted(path.rglob("*")) if p.is_file() and p.parent.name != "tmp")
        yield from (p for p in inside if not p.name.startswith("."))
    elif path.exists():
        yield path
    else:
        raise Permanent("", f"{path}: there is no such file or folder")


def as_received(raw: bytes, settings: Settings) -> bytes:
    """The mail without a line that its deliverer put above it. Raises Permanent where it is empty or too large."""
    raw = _MBOX_LINE.sub(b"", raw, count=1)
    if not raw.strip():
        raise Permanent("", "is empty; nothing to take in")
    if len(raw) > settings.smtp.max_message_bytes:
        raise Permanent(
            "", f"has {len(raw):,} bytes; smtp.max_message_bytes allows {settings.smtp.max_message_bytes:,}"
        )
    return raw


def envelope_of(
    raw: bytes, mail: ReadMail, settings: Settings, *, via: str, sender: str | None, recipients: Sequence[str]
) -> Envelope:
    """What SMTP would have said: from what the deliverer told, else from the mail itself.

    ``sender`` is None where it was not told, empty for the null sender. Recipients not told are the addresses in To
    and Cc at which we take mail, else the first mailbox.
    """
    if sender is None:
        found = _RETURN_PATH.search(_header(raw))
        sender = found[1].decode("utf-8", "replace") if found else mail.identity.address
    ours = tuple(a.address for a in (*mail.to, *mail.cc) if tokens.split(a.address.lower())[0] in settings.by_address)
    return Envelope(via, sender, tuple(recipients) or ours or (settings.mailbox[0].address,))


def _header(raw: bytes) -> bytes:
    head = raw[:_HEADER_BYTES]
    end = re.search(rb"\r?\n\r?\n", head)
    return head[: end.start()] if end else head
