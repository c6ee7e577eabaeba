"""What the desk asks to know about a mail, and what it decides. Values only.

``lookups`` (pure) says what to load, the store loads it as ``Known``, ``decide`` (pure) turns it into a ``Decision``,
and the store applies that in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.desk.tokens import Token
from gateway.model import (
    Address,
    Category,
    MailState,
    MessageKind,
    Role,
    Severity,
    Status,
    Ticket,
    Verdict,
)
from gateway.settings import Mailbox


@dataclass(frozen=True, slots=True)
class Lookups:
    """What must be known before a mail can be decided."""

    mailbox: Mailbox
    """The mailbox that the mail came to."""
    sender: str
    """Lower-case strict From address, else the envelope's sender; empty where there is none."""
    tokens: tuple[Token, ...]
    """The genuine tokens that the mail was sent to (reply or bounce purpose), in order."""
    message_ids: tuple[str, ...]
    """In-Reply-To, then References from right to left; for a bounce, the id of what came back."""
    bounced: tuple[str, ...]
    """Folded addresses that a bounce says it could not reach."""
    tag: int
    """Ticket id from a ``[SUP-1042]`` in the subject with a prefix of ours; 0 where there is none."""
    copied: tuple[str, ...]
    """Folded addresses in To and Cc, without ours and the sender's."""
    dedupe: str
    """Key under which two copies of one mail are the same; never empty."""
    passing: bool = False
    """The key holds for minutes only: without Message-ID and Date, a monitor's next alert is the same to the letter."""
    says: str = ""
    """Key of who says what; empty where nothing is said."""
    own_loop: bool = False
    """Whether the mail carries a loop header that we signed: one of ours, come back."""
    own_attached: tuple[str, ...] = ()
    """Names of attached mails that are ours, or show an agent's reply address."""

    @property
    def token(self) -> Token | None:
        """The first one."""
        return self.tokens[0] if self.tokens else None


@dataclass(frozen=True, slots=True)
class Delivery:
    """An outgoing mail of ours that a bounce speaks of."""

    id: int
    ticket_id: int
    recipient: str


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of it."""

    duplicate_of: int = 0
    """Id of the mail that was the same one; 0 where this is the first."""
    duplicate_ticket: str = ""
    tickets: Mapping[int, Ticket] = field(default_factory=dict)
    """The tickets that token, ids and tag point to."""
    by_message_id: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Which of ``message_ids`` are known, and their tickets, the oldest first: anybody may write an id once more."""
    recent_from_sender: int = 0
    """Mails of this sender within the loop window, this one left out."""
    acknowledged: int = 0
    """Acknowledgements sent to this sender within the hour."""
    copied: Mapping[str, int] = field(default_factory=dict)
    """... and to the people in To and Cc, by ``Lookups.copied``."""
    repeats: bool = False
    """Within the hour this sender got a confirmation of a mail that says the same."""
    outdated: Mapping[str, int] = field(default_factory=dict)
    """Keys of this mail under which an older one stands, too long ago to count, and its id."""
    delivery: Delivery | None = None


@dataclass(frozen=True, slots=True)
class NewTicket:
    subject: str
    severity: Severity
    category: Category
    subcategory: str
    mailbox: str
    language: str
    requester: Address
    cc: tuple[Address, ...]
    refers_to: int = 0
    """An older ticket that this one follows; staff are told."""


@dataclass(frozen=True, slots=True)
class NewMessage:
    kind: MessageKind
    author: Address
    text: str
    """The new text, without commands; what customers may see of it."""
    html: str = ""
    """Sanitised, where the mail had HTML and its text was taken over whole."""
    full_text: str = ""
    """The whole body, quotation and all."""
    cut: str = ""
    """Of a mail that opens a ticket: what ``text`` leaves out as quotation or signature, for staff to see. Later mails
    quote what the ticket has."""
    by_agent: bool = False
    with_attachments: bool = True
    evidence: tuple[str, ...] = ()
    """How the ticket was found and who the sender was taken for, a line each."""
    doubts: tuple[str, ...] = ()
    """What staff are warned of, a ``Said`` each."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What changes in a ticket that stands; None leaves as is."""

    status: Status | None = None
    severity: Severity | None = None
    assignee: str | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A mail to write. One copy a recipient; the composer adds number, tokens and thread."""

    template: str
    """``confirmation``, ``answer``, ``notice``, ``page``, ``problem`` (what was wrong with an agent's mail) ..."""
    recipient: Address
    purpose: str
    """Whose token stands in Reply-To: ``participant``, ``agent``, ``internal`` (an agent's, too) or ``none``."""
    sender_name: str = ""
    """Shown in From; empty means the mailbox's display name."""
    automatic: bool = False
    """Marked as such (RFC 3834), with a null return path."""
    with_attachments: bool = False
    details: Mapping[str, str] = field(default_factory=dict)
    """What only this template shows, such as ``problem`` and ``remedy``; a ``Said`` in the reader's language."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one mail. Applied whole, in one transaction."""

    state: MailState
    reason: str
    """For the operator: why this state."""
    ticket_id: int = 0
    """The ticket that stands and is meant; 0 where none or a new one is."""
    opens: NewTicket | None = None
    message: NewMessage | None = None
    note: NewMessage | None = None
    """An internal message beside it: what an agent wrote above a mail that he forwarded."""
    changes: Changes = Changes()
    joins: tuple[tuple[Address, Role], ...] = ()
    """Participants to add."""
    mails: tuple[Outgoing, ...] = ()
    page: bool = False
    """Wake the on-call, now."""
    events: tuple[str, ...] = ()
    """Sentences for the ticket's history."""
    actor: str = ""
    """Who did it, for the history: an address, or ``gateway``."""
    undeliverable: str = ""
    """Participant address that a bounce proved dead."""
    reachable: str = ""
    """... and one that was taken for dead, of which a proved mail came."""
    failed_delivery: int = 0
    """Id of the outgoing mail that a bounce speaks of."""
    verdict: Verdict | None = None
