"""Join a stored mail and its attachments into what goes over the wire: the same bytes at every try."""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Iterable

from gateway.model import Attachment, Composed
from gateway.outbound import headers

_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
_CONTENT_ID = re.compile(r"[\x21-\x3b\x3d\x3f-\x7e]{1,200}")
_STRAY = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_LONGEST_LINE = 998
_COLUMNS = 76
_SHOWN_IN_PLACE = {"image/png", "image/jpeg", "image/gif", "image/webp"}


def assemble(mail: Composed, parts: Iterable[tuple[Attachment, bytes]]) -> bytes:
    """The whole mail, CRLF throughout. ``parts`` come in the order of ``mail.attachments``."""
    if not mail.boundary:
        return mail.content
    pieces = [mail.content]
    delimiter = f"--{mail.boundary}".encode()
    for attachment, data in parts:
        pieces += (delimiter, b"\r\n", *_part(attachment, data), b"\r\n")
    return b"".join([*pieces, delimiter, b"--\r\n"])


def _part(attachment: Attachment, data: bytes) -> tuple[bytes, bytes]:
    content_type = _content_type(attachment, data)
    if content_type == "message/rfc822":
        encoding, body = ("7bit" if data.isascii() else "8bit"), _STRAY.sub(b"\r\n", data)
    else:
        encoding, body = "base64", _base64(data)
    inline = attachment.disposition == "inline" and content_type in _SHOWN_IN_PLACE
    lines = [
        f"Content-Type: {content_type}{headers.parameter('name', attachment.name) if attachment.name else ''}\r\n",
        f"Content-Transfer-Encoding: {encoding}\r\n",
        f"Content-Disposition: {'inline' if inline else 'attachment'}",
        headers.parameter("filename", attachment.name) if attachment.name else "",
        "\r\n",
    ]
    if _CONTENT_ID.fullmatch(attachment.content_id):
        lines.append(f"Content-ID: <{attachment.content_id}>\r\n")
    return "".join([*lines, "\r\n"]).encode(), body


def _content_type(attachment: Attachment, data: bytes) -> str:
    """The declared type where it may stand here.

    A multipart would need its own boundary, and a message may neither be encoded (RFC 2046 §5.2.1) nor hold lines
    that no relay takes; such parts go as plain bytes.
    """
    declared = attachment.content_type.lower()
    if not _TYPE.fullmatch(declared) or declared.startswith("multipart/"):
        return "application/octet-stream"
    if declared == "message/rfc822":
        return (
            "application/octet-stream"
            if b"\0" in data or max(map(len, data.splitlines()), default=0) > _LONGEST_LINE
            else declared
        )
    return "application/octet-stream" if declared.startswith("message/") else declared


def _base64(data: bytes) -> bytes:
    encoded = b2a_base64(data, newline=False)
    return b"\r\n".join([encoded[at : at + _COLUMNS] for at in range(0, len(encoded), _COLUMNS)])
