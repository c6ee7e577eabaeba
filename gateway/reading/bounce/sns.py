"""Bounces that Amazon SES tells as JSON through Amazon SNS, where an operator has them sent by mail.

The names of the members are those of the SES documentation ("Amazon SNS notification contents").
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.reading import charset
from gateway.reading.bounce import codes
from gateway.reading.bounce.rfc3464 import Recipient

HEADER = "x-amz-sns-message-id"
_FOLD = re.compile(r"!?\n ?")
_END = re.compile(r"^--", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Notification:
    recipients: list[Recipient]
    message_id: str
    """Of the returned mail, where its headers are included."""


def read(text: str) -> Notification | None:
    """Read the body of an SNS mail; ``None`` where it tells no bounce."""
    notification = _loaded(text)
    if isinstance(notification.get("Message"), str):
        notification = _loaded(notification["Message"])
    bounce = notification.get("bounce")
    if not isinstance(bounce, dict):
        return None
    return Notification(list(_recipients(bounce)), _message_id(notification))


def _loaded(text: str) -> dict[str, Any]:
    """The object at the start of ``text``; an empty one where there is none. Long lines come folded at `!`."""
    whole = _END.split(text, maxsplit=1)[0]
    try:
        found = json.loads(_FOLD.sub("", whole))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _recipients(bounce: dict[str, Any]) -> Iterator[Recipient]:
    listed = bounce.get("bouncedRecipients")
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict) and isinstance(each.get("emailAddress"), str):
            yield Recipient(
                address=_text(each["emailAddress"]).strip(" <>"),
                status=codes.status(_text(each.get("status", ""))),
                action=_text(each.get("action") or "failed").lower(),
                diagnostic=_text(each.get("diagnosticCode", "")),
            )


def _message_id(notification: dict[str, Any]) -> str:
    """The Message-ID header; ``mail.messageId`` is an id of SES, not of the mail."""
    mail = notification.get("mail")
    headers = mail.get("commonHeaders") if isinstance(mail, dict) else None
    return _text(headers.get("messageId", "")).strip(" <>") if isinstance(headers, dict) else ""


def _text(value: object) -> str:
    """JSON may escape what no text holds (RFC 8259, section 8.2)."""
    return charset.storable(str(value))
