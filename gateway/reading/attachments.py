"""What is attached to a mail, and the bytes of one attachment."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from itertools import islice

from gateway.model import Attachment
from gateway.reading import encoded, tnef
from gateway.reading import headers as fields
from gateway.reading.limits import Limits
from gateway.reading.mime import Part, parse_headers
from gateway.reading.structure import normalised

_LONGEST_HEADER = Limits().header_bytes
_SEPARATORS = re.compile(r"[/\\]+")
_TNEF_TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_MAIL_TYPES = frozenset({"message/rfc822", "message/global", "application/vnd.ms-outlook"})
_MARKS = (re.compile(rb"X-Gateway-Loop:\s*([!-~]{1,300})"), re.compile(rb"\+([A-Za-z0-9]{20,64})@"))
_MOST_MARKS = 20


def of(parts: Iterable[Part], limits: Limits) -> Iterator[Attachment]:
    """The attachments in order; in the place of a winmail.dat stands what it holds."""
    for part in parts:
        data = part.content()
        packed = tnef.read(data) if is_tnef(part) else tnef.Container()
        for index, member in enumerate(packed.members):
            yield _attachment(part, member.name, member.content_type, member.content_id, member.data, limits, index)
        if not packed.readable:
            yield _attachment(part, part.filename, part.content_type, part.content_id, data, limits)


def _attachment(
    part: Part, name: str, content_type: str, content_id: str, data: bytes, limits: Limits, member: int = -1
) -> Attachment:
    return Attachment(
        name=safe_name(name, limits.name_chars),
        content_type=content_type,
        disposition=part.disposition,
        content_id=content_id,
        size=len(data),
        sha256=sha256(data).hexdigest(),
        start=part.start,
        end=part.end,
        encoding=part.encoding,
        member=member,
        marks=_marks(data) if content_type in _MAIL_TYPES or name.lower().endswith((".eml", ".msg")) else (),
    )


def _marks(data: bytes) -> tuple[str, ...]:
    """What may show a mail to be one of ours. Outlook's own format holds header fields in UTF-16 (MS-OXMSG)."""
    data = data.replace(b"\0", b"")
    return tuple(found[1].decode() for mark in _MARKS for found in islice(mark.finditer(data), _MOST_MARKS))


def whole(raw: bytes) -> Attachment:
    """The (normalised) mail itself as an attachment, for one that could not be read."""
    digest = sha256(raw).hexdigest()
    return Attachment("message.eml", "message/rfc822", "attachment", "", len(raw), digest, 0, len(raw), "8bit")


def is_tnef(part: Part) -> bool:
    """Whether a part says that it is a winmail.dat."""
    return part.content_type in _TNEF_TYPES or part.filename.lower() == "winmail.dat"


def content(raw: bytes, attachment: Attachment) -> bytes:
    """The bytes of an attachment that ``read`` found in the same ``raw``."""
    data = encoded.decode(memoryview(normalised(raw))[attachment.start : attachment.end], attachment.encoding)
    return data if attachment.member < 0 else tnef.read(data).members[attachment.member].data


def parameters(raw: bytes, attachment: Attachment) -> Mapping[str, str]:
    """The parameters of its type as its part declares them, by names in lower case; none of what was packed in another.

    The header of a part is what lies between its delimiter and its body.
    """
    if attachment.member >= 0:
        return {}
    raw, body = normalised(raw), attachment.start
    delimiter = raw.rfind(b"\n--", max(0, body - _LONGEST_HEADER), body)
    header = raw[raw.find(b"\n", delimiter + 1) + 1 if delimiter >= 0 else 0 : body]
    return fields.parameters(parse_headers(header[:_LONGEST_HEADER]).raw("content-type"))[1]


def safe_name(name: str, longest: int) -> str:
    """A name that is fit to be shown and to be saved under: no path, no control or direction characters.

    The extension survives shortening. A name that consists of nothing else is empty.
    """
    name = _SEPARATORS.split(name.rstrip("/\\ "))[-1]
    if not (name.isascii() and name.isprintable()):
        name = "".join(c for c in name if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Zl", "Zp"})
    name = name.strip().rstrip(". ")
    if len(name) > longest:
        stem, dot, extension = name.rpartition(".")
        extension = dot + extension if stem and len(extension) <= 16 else ""
        name = name[: longest - len(extension)] + extension
    return name
