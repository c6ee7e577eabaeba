"""What a report brings back of the mail that was not delivered."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.reading.bounce import codes, phrases, rfc3464
from gateway.reading.mime import Part

_TEXT_MAX = 32 * 1024
_ENCODED_MAX = 4 * _TEXT_MAX
STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
_RETURNED_TYPES = frozenset(
    {"message/rfc822", "message/global", "message/global-headers", "message/partial", "text/rfc822-headers"}
)
_MESSAGE_ID = re.compile(
    r"^[ \t>|]*+message-?id:?[ \t]*+(?:\n[ \t>|]*+)?<([^<>\s]{1,500})>", re.IGNORECASE | re.MULTILINE
)
_TO = re.compile(r"^[ \t>|]*to:[ \t]*([^\n]{3,500})", re.IGNORECASE | re.MULTILINE)
_SENDERS = re.compile(r"^[ \t>|]*(?:from|return-path|sender):[ \t]*([^\n]{3,500})", re.IGNORECASE | re.MULTILINE)
_ADDRESS = re.compile(r"(?<![\w.+=-])[\w.+=-]{1,64}@[\w.-]{1,253}")


@dataclass(frozen=True, slots=True)
class Report:
    """A report in its three pieces (RFC 6522 §3), each empty where it is missing."""

    notice: str
    """What it tells people."""
    status: str
    """The delivery-status fields."""
    returned: str
    """The head of the mail that comes back."""
    attached: bool
    """Whether that is a part of its own."""

    @property
    def is_complete(self) -> bool:
        """Whether there is more than prose: the fields, or the mail that comes back, as a part."""
        return self.attached or bool(self.status)

    @property
    def has_codes(self) -> bool:
        return bool(codes.status(self.notice) or codes.reply(self.notice))

    @property
    def message_id(self) -> str:
        """The id of the mail that comes back, else empty."""
        if told := rfc3464.message_id(self.status):
            return told
        match = _MESSAGE_ID.search(self.returned) or _MESSAGE_ID.search(self.notice)
        return match[1] if match else ""

    @property
    def addressed(self) -> list[str]:
        """Whom the mail that comes back was sent to."""
        return [address for line in _TO.findall(self.returned) for address in _ADDRESS.findall(line)]

    @property
    def senders(self) -> list[str]:
        """Whom the mail that comes back was from."""
        return [address for line in _SENDERS.findall(self.returned) for address in _ADDRESS.findall(line)]


def pieces(parts: Sequence[Part], body: str) -> Report:
    """Sort the parts of a report. ``body`` is its text as people see it, for reports of one part or of HTML."""
    plain: list[str] = []
    status: list[str] = []
    returned = ""
    attached = False
    for part in parts:
        if part.content_type in STATUS_TYPES:
            status.append(head(part))
        elif part.content_type in _RETURNED_TYPES:
            returned = returned or head(part)
            attached = True
        elif part.content_type == "text/plain" and not returned and not status:
            plain.append(head(part))
    notice = "\n".join(plain) if any(text.strip() for text in plain) else body[:_TEXT_MAX]
    cut = phrases.RETURNED.search(notice)
    if cut is not None and notice[: cut.start()].strip():
        notice, rest = notice[: cut.start()], notice[cut.start() :]
        returned = returned or rest
    return Report(notice, "\n\n".join(status), returned, attached)


def head(part: Part) -> str:
    """The start of a part as text, without decoding the rest of a long one."""
    return replace(part, end=min(part.end, part.start + _ENCODED_MAX)).text()[:_TEXT_MAX]
