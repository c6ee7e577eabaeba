"""Join a stored mail and its attachments into what goes over the wire: the same bytes at every try."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable

import pybase64

from gateway.model import Attachment, Composed
from gateway.outbound import columns, frame, headers
from gateway.reading import content, parameters
from gateway.reading.structure import normalised

_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
_CONTENT_ID = re.compile(r"[\x21-\x3b\x3d\x3f-\x7e]{1,200}")
_STRAY = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_LONGEST_LINE = 998
_COLUMNS = 76
_KEPT = {
    "charset": re.compile(r"[a-z0-9][a-z0-9:_.+-]{0,39}", re.ASCII | re.IGNORECASE),
    "method": re.compile(r"[a-z-]{1,20}", re.ASCII | re.IGNORECASE),
}
"""Parameters without which an attachment is read wrongly (RFC 2046 §4.1.2), or not as what it is (RFC 5545 §8.1)."""
_SHOWN_IN_PLACE = {"image/png", "image/jpeg", "image/gif", "image/webp"}


def assemble(mail: Composed, parts: Iterable[tuple[Attachment, bytes]], *, seven_bit: bool = False) -> bytes:
    """The whole mail, CRLF throughout. ``parts`` come in the order of ``mail.attachments``, each with the raw mail that
    it is a part of. ``seven_bit`` is for a relay that does not offer 8BITMIME (RFC 6152)."""
    if not mail.boundary:
        return mail.content
    pieces = [mail.content]
    delimiter = f"--{mail.boundary}".encode()
    for attachment, raw in parts:
        pieces += (delimiter, b"\r\n", *_part(attachment, raw, seven_bit), b"\r\n")
    return b"".join([*pieces, delimiter, b"--\r\n"])


def without_attachments(mail: Composed, instead: str) -> bytes:
    """The mail with a few words in their place."""
    delimiter = f"--{mail.boundary}".encode()
    return b"".join((mail.content, delimiter, b"\r\n", frame.part(b"plain", instead.encode()), delimiter, b"--\r\n"))


def _part(attachment: Attachment, raw: bytes, seven_bit: bool) -> tuple[bytes, bytes]:
    content_type, encoding, body = _encoded(attachment, raw, seven_bit)
    inline = attachment.disposition == "inline" and content_type in _SHOWN_IN_PLACE
    lines = [
        f"Content-Type: {content_type}",
        _parameters(attachment, raw) if content_type == attachment.content_type.lower() else "",
        headers.parameter("name", attachment.name) if attachment.name else "",
        "\r\n",
        f"Content-Transfer-Encoding: {encoding}\r\n",
        f"Content-Disposition: {'inline' if inline else 'attachment'}",
        headers.parameter("filename", attachment.name) if attachment.name else "",
        "\r\n",
    ]
    if _CONTENT_ID.fullmatch(attachment.content_id):
        lines.append(f"Content-ID: <{attachment.content_id}>\r\n")
    return "".join([*lines, "\r\n"]).encode(), body


def _encoded(attachment: Attachment, raw: bytes, seven_bit: bool) -> tuple[str, str, bytes]:
    """Content type, transfer encoding and body. A message may not be encoded (RFC 2046 §5.2.1), so one that cannot be
    carried as it is goes as plain bytes."""
    content_type = _content_type(attachment)
    if content_type != "message/rfc822":
        return content_type, "base64", _as_it_came(attachment, raw) or _base64(content(raw, attachment))
    data = content(raw, attachment)
    too_long = max(map(len, data.splitlines()), default=0) > _LONGEST_LINE
    if too_long or b"\0" in data or (seven_bit and not data.isascii()):
        return "application/octet-stream", "base64", _base64(data)
    return content_type, "7bit" if data.isascii() else "8bit", _STRAY.sub(b"\r\n", data)


def _content_type(attachment: Attachment) -> str:
    """The declared type where it may stand here: a multipart would need its own boundary."""
    declared = attachment.content_type.lower()
    strange = not _TYPE.fullmatch(declared) or declared.startswith(("multipart/", "message/"))
    return "application/octet-stream" if strange and declared != "message/rfc822" else declared


def _parameters(attachment: Attachment, raw: bytes) -> str:
    declared = parameters(raw, attachment)
    kept = (name for name, form in _KEPT.items() if form.fullmatch(declared.get(name, "")))
    return "".join(headers.parameter(name, declared[name]) for name in kept)


def _as_it_came(attachment: Attachment, raw: bytes) -> bytes:
    """The part's own base64 where it can stand here as it is: in even lines of whole groups, with nothing in between;
    else empty. A look whether it can be decoded takes a tenth of the time of encoding it again.
    """
    if attachment.encoding != "base64" or attachment.member >= 0:
        return b""
    body = normalised(raw)[attachment.start : attachment.end].rstrip(b"\r\n")
    width = body.find(b"\r\n", 0, _COLUMNS + 2)
    lines = columns.joined(body) if width > 0 and width % 4 == 0 else None
    try:
        return body if lines and pybase64.b64decode(lines, validate=True) else b""
    except (binascii.Error, ValueError):
        return b""


def _base64(data: bytes) -> bytes:
    return pybase64.encodebytes(data).replace(b"\n", b"\r\n").removesuffix(b"\r\n")
