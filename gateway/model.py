"""The domain: values that pass between the stages. No I/O, no clock, no behaviour beyond themselves.

All times are aware ``datetime`` in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from math import inf
from operator import attrgetter
from typing import Any, ClassVar, TypeVar, dataclass_transform

_Class = TypeVar("_Class")


class Severity(StrEnum):
    S0 = "S0"
    S1 = "S1"
    S2 = "S2"
    S3 = "S3"


class Category(StrEnum):
    CORE = "core"
    DATA = "data"
    ISEC = "isec"
    ESEC = "esec"
    NONE = "none"


class Action(StrEnum):
    """What a verdict asks of people: wake the on-call, have a human check, or wait in the queue."""

    PAGE = "page"
    CHECK = "check"
    QUEUE = "queue"


class Status(StrEnum):
    OPEN = "open"
    PENDING = "pending"
    SOLVED = "solved"


class Role(StrEnum):
    REQUESTER = "requester"
    CC = "cc"


class MessageKind(StrEnum):
    INBOUND = "inbound"
    REPLY = "reply"
    NOTE = "note"
    SYSTEM = "system"


class MailState(StrEnum):
    """Where an accepted mail stands. Every mail ends in one of the last five."""

    RECEIVED = "received"
    TICKET = "ticket"
    APPENDED = "appended"
    HELD = "held"
    REFUSED = "refused"
    FAILED = "failed"


class FetchState(StrEnum):
    """Where a mail in an IMAP folder stands, if it is not simply yet to come."""

    FETCH = "fetch"
    """Still to be fetched: it was there before us, or fetching it failed."""
    MARK = "mark"
    """Kept; not yet marked, moved or deleted on the server."""
    DONE = "done"
    GIVEN_UP = "given_up"
    """Could not be fetched in a day; staff were told."""


class DeliveryState(StrEnum):
    """Where an outgoing mail, or a page, stands."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


class NodeRole(StrEnum):
    """What a node does: takes mail in, fetches it from IMAP, works on it, sends what came of it, clears away what is
    old."""

    INTAKE = "intake"
    MAILBOX = "mailbox"
    WORKER = "worker"
    DELIVERY = "delivery"
    CLOCK = "clock"


class MachineKind(StrEnum):
    """Why a mail is taken for a robot's."""

    AUTO_REPLY = "auto_reply"
    AUTO_GENERATED = "auto_generated"
    LIST = "list"
    BULK = "bulk"
    BOUNCE = "bounce"
    OWN_LOOP = "own_loop"
    READ_RECEIPT = "read_receipt"
    FEEDBACK_REPORT = "feedback_report"
    CHALLENGE = "challenge"


class SpanKind(StrEnum):
    """What a stretch of a body is. Only NEW counts for severity and is shown unfolded."""

    NEW = "new"
    QUOTE = "quote"
    SIGNATURE = "signature"
    FORWARD = "forward"


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[_Class]) -> type[_Class]:
    """A dataclass with slots that the type checker holds for frozen, for what is made many times a mail.

    With ``frozen=True`` each field is set by a call of its own: the hundred fields of a mail took 7 % of its reading,
    and more than half of the way from the child to the parent.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)


class Said(str):
    """A sentence in English, which mails may say in another language: ``form`` filled with ``values``."""

    __slots__ = ("form", "values")
    form: str
    """As ``str.format`` takes it."""
    values: tuple[str, ...]
    """Sentences themselves, some of them."""

    def __new__(cls, form: str, *values: str) -> Said:
        said = super().__new__(cls, form.format(*values))
        said.form, said.values = form, values
        return said


class Carried:
    """Pickled as its constructor's arguments, in half the time: these go from the children that read to the parent.
    For two fields or more."""

    __slots__: tuple[str, ...] = ()
    _values: ClassVar[attrgetter[tuple[Any, ...]]]

    def __init_subclass__(cls) -> None:
        if cls.__slots__:  # not yet in the class that a dataclass with slots is made from
            cls._values = attrgetter(*cls.__slots__)

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        return type(self), self._values(self)


@record
class Address(Carried):
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """How a mail reached us; what SMTP, LMTP, a file or IMAP said outside the mail itself."""

    via: str
    """``smtp``, ``lmtp``, ``file``, ``pipe`` or ``imap``."""
    mail_from: str
    """Return path without brackets; empty for the null sender."""
    recipients: tuple[str, ...]
    peer: str = ""
    helo: str = ""
    auth: str = ""
    """The address that SMTP AUTH proved; empty where there was none."""
    tls: bool = False


@record
class Attachment(Carried):
    """One attachment, found again in the raw mail by ``reading.content(raw, attachment)``."""

    name: str
    content_type: str
    disposition: str
    content_id: str
    size: int
    """Bytes, decoded."""
    sha256: str
    start: int
    """Span of the encoded body in the normalised raw mail."""
    end: int
    encoding: str
    """Content-Transfer-Encoding, lower case."""
    member: int = -1
    """Index inside a winmail.dat or a uuencoded text; -1 for an ordinary part."""
    marks: tuple[str, ...] = ()
    """Of an attached mail, unverified: values of X-Gateway-Loop, and what stands behind a "+" in addresses."""


@record
class Span(Carried):
    kind: SpanKind
    text: str


@record
class Reply(Carried):
    """The body in pieces. ``spans`` together give the whole text."""

    text: str = ""
    """New text, without quotation and signature."""
    quoted: str = ""
    """All that was cut, in order: quotations with their headings, and the signature."""
    signature: str = ""
    """The signature alone."""
    quoted_from: Address | None = None
    quoted_date_raw: str = ""
    spans: tuple[Span, ...] = ()
    interleaved: bool = False
    """Quoted text stands in ``text``, for the writer answers it line by line, or put it there."""


@record
class Forward(Carried):
    """A mail forwarded inline or as message/rfc822."""

    sender: Address | None
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    subject: str
    date_raw: str
    text: str
    comment: str
    """What the forwarder wrote above."""
    language: str = ""
    """Of ``text``, as ISO 639-1; empty where unsure."""


@record
class Machine(Carried):
    """Whether a robot sent it. Empty ``kinds`` means a person."""

    kinds: tuple[MachineKind, ...] = ()
    may_answer: bool = True
    reason: str = ""
    """The header or phrase that decided, for the operator."""
    doubtful: bool = False
    """Only its text says so, and a person may have written that."""


@record
class BounceRecipient(Carried):
    address: str
    status: str
    """RFC 3463, such as ``5.1.1``; empty where none was found."""
    action: str
    reply_code: str


@record
class Bounce(Carried):
    failed: bool
    dsn: bool
    permanent: bool
    original_message_id: str
    recipients: tuple[BounceRecipient, ...]


@record
class Identity(Carried):
    """Who the From header names, read strictly (RFC 5322 §3.6.2: one field; here also one mailbox).

    ``address`` is empty where the header is missing, repeated, holds several mailboxes or does not parse.
    """

    address: str
    flags: tuple[str, ...] = ()


@record
class ReadMail(Carried):
    """Everything that was read in a mail. Ids stand without angle brackets; absent texts are empty."""

    subject: str = ""
    subject_base: str = ""
    author: Address | None = None
    """From, read leniently, for showing."""
    identity: Identity = Identity("")
    sender: Address | None = None
    answer_to: str = ""
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    date: datetime | None = None
    message_id: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    text: str = ""
    """The body as text, made from the HTML where that has no text beside it."""
    has_text: bool = False
    html: str = ""
    """The HTML body as sent, with texts that stand before or behind it; never show this one."""
    safe_html: str = ""
    """The HTML body sanitised, without remote content; empty where ``reply`` leaves out a part of it."""
    attachments: tuple[Attachment, ...] = ()
    reply: Reply = Reply()
    forward: Forward | None = None
    machine: Machine = Machine()
    bounce: Bounce | None = None
    language: str = ""
    """ISO 639-1 where it could be told, else empty."""
    content_hash: str = ""
    """SHA-256 (hex) over what two copies of one mail share, whatever road they took."""
    loop: str = ""
    """Value of the X-Gateway-Loop header, unverified."""
    defects: tuple[str, ...] = ()


@record
class Evidence(Carried):
    """One reason of a verdict: which rule, which words."""

    signal: str
    text: str
    weight: float = 0.0


@record
class Verdict(Carried):
    severity: Severity
    category: Category
    subcategory: str
    action: Action
    stated: Severity | None = None
    """What the sender stated; a hint."""
    evidence: tuple[Evidence, ...] = ()
    missing: tuple[str, ...] = ()
    """What would help and is not there: ``workaround``, ``others``, ``browser``, ``errors``."""


@dataclass(frozen=True, slots=True)
class Participant:
    id: int
    name: str
    address: str
    role: Role
    undeliverable: bool = False


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as it stands."""

    id: int
    number: str
    subject: str
    status: Status
    severity: Severity
    category: Category
    mailbox: str
    """Name of the mailbox in the settings."""
    language: str
    assignee: str
    """Address of an agent, or empty."""
    created_at: datetime
    solved_at: datetime | None
    participants: tuple[Participant, ...]
    thread: tuple[str, ...] = ()
    """Message-IDs of the thread that customers saw, oldest first."""

    @property
    def requester(self) -> Participant:
        return next(p for p in self.participants if p.role is Role.REQUESTER)


@dataclass(frozen=True, slots=True)
class Composed:
    """An outgoing mail as it is stored: its bytes never change again."""

    template: str
    mailbox: str
    recipient: str
    message_id: str
    content: bytes
    """Headers and body with CRLF. Where ``attachments`` follow, it ends inside an open multipart/mixed."""
    boundary: str
    """Of that multipart/mixed; empty where there are no attachments."""
    attachments: tuple[int, ...]
    """Ids of stored attachments, joined when it is sent."""
    automatic: bool
    """Sent with a null return path (RFC 3834 §3.3)."""


@dataclass(frozen=True, slots=True)
class Due:
    """An outgoing mail whose turn it is."""

    id: int
    ticket_id: int
    mail: Composed
    attempts: int
    """How often it was tried before."""
    created_at: datetime
    held_until: float = inf
    """``time.monotonic()`` until which this node has it alone."""


@dataclass(frozen=True, slots=True)
class Page:
    """One call of the on-call for a ticket, to one target."""

    id: int
    ticket_id: int
    ticket_number: str
    target: str
    """``mailto:ADDRESS`` or an http(s) URL."""
    severity: Severity
    subject: str
    requester: str
    text: str
    """The first lines of the new text."""
    evidence: tuple[str, ...]
    attempts: int
    created_at: datetime
    received_at: datetime | None = None
    """When the mail came that set it off; None where no mail did."""
    held_until: float = inf
    """``time.monotonic()`` until which this node has it alone."""
