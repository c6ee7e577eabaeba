"""A ticket, its people and a composer, for the tests of what goes out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pybase64

from gateway.desk.decision import NewMessage, Outgoing
from gateway.desk.tokens import Keys
from gateway.model import (
    Action,
    Address,
    Attachment,
    Category,
    Composed,
    Evidence,
    MessageKind,
    Participant,
    Role,
    Severity,
    Status,
    Ticket,
    Verdict,
)
from gateway.outbound.compose import Composer
from gateway.outbound.render import Renderer
from gateway.outbound.showing import Cause
from gateway.settings import Agent, Mailbox, Settings
from gateway.triage.policy import DEFAULT

NOW = datetime(2025, 11, 21, 18, 0, tzinfo=UTC)
"""A Friday, 10:00 in Los Angeles: in support hours."""
SATURDAY = datetime(2025, 11, 22, 18, 0, tzinfo=UTC)
KEYS = Keys({1: b"k" * 32})
ANN = Agent(name="Ann Agent", address="ann@example.com", password="")
SETTINGS = Settings(mailbox=(Mailbox(name="support", addresses=("support@example.com",)),), agent=(ANN,))
MAILBOX = SETTINGS.mailbox[0]
CARLA = Participant(11, "Carla Customer", "carla@customer.example", Role.REQUESTER)
COLIN = Participant(12, "Colin Copy", "colin@customer.example", Role.CC)
PICTURE = Attachment("empty page.png", "image/png", "attachment", "", 4, "", 0, 0, "base64")
MESSAGE = Attachment("old.eml", "message/rfc822", "attachment", "", 0, "", 0, 0, "7bit")
COMPOSER = Composer(SETTINGS, DEFAULT, Renderer(), KEYS)


def ticket(
    people: tuple[Participant, ...] = (CARLA, COLIN),
    subject: str = "Portal is down",
    severity: Severity = Severity.S1,
    language: str = "en",
    thread: tuple[str, ...] = ("first@customer.example",),
) -> Ticket:
    return Ticket(
        1042, "SUP-1042", subject, Status.OPEN, severity, Category.CORE, "support", language, "", NOW, None, people,
        thread,
    )  # fmt: skip


def verdict(stated: Severity | None = None, missing: tuple[str, ...] = (), action: Action = Action.QUEUE) -> Verdict:
    evidence = (Evidence("core", "“portal is down”: a core feature does not work"),)
    return Verdict(Severity.S1, Category.CORE, "core.login", action, stated, evidence, missing)


def message(text: str = "It does not load.", html: str = "", by_agent: bool = False) -> NewMessage:
    author = Address(ANN.name, ANN.address) if by_agent else Address(CARLA.name, CARLA.address)
    return NewMessage(MessageKind.REPLY if by_agent else MessageKind.INBOUND, author, text, html, by_agent=by_agent)


CONFIRMATION = Outgoing("confirmation", Address(CARLA.name, CARLA.address), "participant", automatic=True)
NOTICE = Outgoing(
    "notice", Address(ANN.name, ANN.address), "agent", sender_name=CARLA.name, with_attachments=True
)  # fmt: skip
ANSWER = Outgoing(
    "answer", Address(COLIN.name, COLIN.address), "participant", sender_name=ANN.name, with_attachments=True
)  # fmt: skip


def cause(**values: object) -> Cause:
    known = {"message_id": "first@customer.example", "message": message(), "verdict": verdict()}
    return Cause(**(known | values))  # type: ignore[arg-type]


def attached(attachment: Attachment, data: bytes) -> tuple[Attachment, bytes]:
    """That attachment with this content, and a raw mail that it is a part of; in odd lines, so that it is read."""
    encoded = pybase64.b64encode(data) if attachment.encoding == "base64" else data
    body = encoded[:1] + b"\r\n" + encoded[1:] if attachment.encoding == "base64" else data
    head = b"Subject: x\r\n\r\n"
    return replace(attachment, start=len(head), end=len(head) + len(body)), head + body + b"\r\n"


def compose(
    out: Outgoing, about: Ticket | None, why: Cause, now: datetime = NOW, unique: str = "1042.1.abc"
) -> Composed:
    return COMPOSER.compose(out, MAILBOX, about, why, now, unique)


def parsed(content: bytes) -> EmailMessage:
    found = message_from_bytes(content, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def body(mail: Composed, subtype: str) -> str:
    """The text or HTML of a mail without attachments."""
    part = parsed(mail.content).get_body((subtype,))
    assert part is not None
    text: str = part.get_content()
    return text.replace("\r\n", "\n")
