"""The tables. Times are whole microseconds since 1970 (UTC): both databases compare and index them alike.

What is claimed (mails to read, mails to send, pages) is found through partial indexes, so that a claim costs the same
whatever the history behind it. Lists go by time, for nodes take their ids in blocks. The states that few mails end in
have an index each, so that those are not looked for among all.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnClause,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    literal_column,
    text,
)

from gateway.model import DeliveryState, MailState

metadata = MetaData()

Id = BigInteger().with_variant(Integer, "sqlite")
Moment = BigInteger

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_moment(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND


def from_moment(moment: int) -> datetime:
    return _EPOCH + timedelta(microseconds=moment)


def fixed(value: StrEnum) -> ColumnClause[str]:
    """A value written into the statement itself: with a bound one SQLite cannot see that a partial index fits."""
    return literal_column(f"'{value.value}'", String)


def _id() -> Column[int]:
    return Column("id", Id, primary_key=True, autoincrement=True)


def _in_state(name: str, column: str, state: StrEnum) -> Index:
    """An index of the rows in one state, for a statement that says the same with ``fixed``: SQLite draws no conclusions
    from one condition to another."""
    only = text(f"state = '{state.value}'")
    return Index(name, column, sqlite_where=only, postgresql_where=only)


mail = Table(
    "mail",
    metadata,
    _id(),
    Column("received_at", Moment, nullable=False),
    Column("via", String(8), nullable=False),
    Column("peer", Text, nullable=False),
    Column("helo", Text, nullable=False),
    Column("mail_from", Text, nullable=False),
    Column("recipients", Text, nullable=False, comment="JSON array"),
    Column("auth", Text, nullable=False),
    Column("tls", Boolean, nullable=False),
    Column("size", Integer, nullable=False),
    Column("raw", LargeBinary, comment="null where raw_ref says where it lies"),
    Column("raw_ref", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("reason", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("ticket_id", Id),
    Column("released", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("node", String(40), nullable=False),
    Column("lease_until", Moment, nullable=False),
    Column("done_at", Moment),
    _in_state("ix_mail_waiting", "due_at", MailState.RECEIVED),
    _in_state("ix_mail_held", "received_at", MailState.HELD),
    _in_state("ix_mail_failed", "received_at", MailState.FAILED),
    _in_state("ix_mail_refused", "received_at", MailState.REFUSED),
    Index("ix_mail_received", "received_at"),
)
"""The journal: one row for every mail that was accepted, whatever became of it."""

imap_folder = Table(
    "imap_folder",
    metadata,
    _id(),
    Column("name", Text, nullable=False),
    Column("uid_validity", BigInteger, nullable=False, comment="0 before the first contact"),
    Column("uid_next", BigInteger, nullable=False, comment="mails below it are dealt with, or stand in imap_mail"),
    Column("looked_at", Moment, comment="when the last look into it succeeded"),
    Column("trouble", Text, nullable=False, comment="why none does since"),
    Column("node", String(40), nullable=False),
    Column("lease_until", Moment, nullable=False),
    Index("ix_imap_folder_name", "name", unique=True),
)

IMAP_OPEN = text("state IN ('fetch', 'mark')")
"""Mails of IMAP folders with which something is to be done."""

imap_mail = Table(
    "imap_mail",
    metadata,
    Column("folder_id", Id, ForeignKey("imap_folder.id"), primary_key=True),
    Column("uid_validity", BigInteger, primary_key=True),
    Column("uid", BigInteger, primary_key=True),
    Column("state", String(8), nullable=False),
    Column("mail_id", Id, ForeignKey("mail.id")),
    Column("digest", String(64), nullable=False, comment="SHA-256 of its header; empty until it is kept"),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("reason", Text, nullable=False),
    Index("ix_imap_mail_digest", "folder_id", "digest"),
    Index(
        "ix_imap_mail_open", "state", "folder_id", "due_at", sqlite_where=IMAP_OPEN, postgresql_where=IMAP_OPEN
    ),
    sqlite_with_rowid=False,
)
"""Mails of IMAP folders, by what the server calls them (RFC 9051 §2.3.1.1)."""

seen = Table(
    "seen",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("mail_id", Id, nullable=False),
    sqlite_with_rowid=False,
)
"""Which mails were taken already, by ``Lookups.dedupe``, and which were confirmed, by ``Lookups.says``."""

sender = Table(
    "sender",
    metadata,
    Column("address", Text, primary_key=True),
    Column("mails_since", Moment, nullable=False),
    Column("mails", Integer, nullable=False),
    Column("acks_since", Moment, nullable=False),
    Column("acks", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""How much an address sent, and got from us, in the window that began at ``..._since``."""

ticket = Table(
    "ticket",
    metadata,
    _id(),
    Column("number", String(40), nullable=False),
    Column("subject", Text, nullable=False),
    Column("status", String(8), nullable=False),
    Column("severity", String(2), nullable=False),
    Column("stated_severity", String(2), nullable=False),
    Column("category", String(8), nullable=False),
    Column("subcategory", String(20), nullable=False),
    Column("evidence", Text, nullable=False, comment="JSON: why this severity and category"),
    Column("mailbox", Text, nullable=False),
    Column("language", String(8), nullable=False),
    Column("assignee", Text, nullable=False),
    Column("refers_to", Id),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("solved_at", Moment),
    Index("ix_ticket_number", "number", unique=True),
    Index("ix_ticket_created", "created_at"),
)

participant = Table(
    "participant",
    metadata,
    _id(),
    Column("ticket_id", Id, ForeignKey("ticket.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("role", String(10), nullable=False),
    Column("undeliverable", Boolean, nullable=False),
    Index("ix_participant_ticket", "ticket_id"),
)

message = Table(
    "message",
    metadata,
    _id(),
    Column("ticket_id", Id, ForeignKey("ticket.id"), nullable=False),
    Column("mail_id", Id, ForeignKey("mail.id")),
    Column("kind", String(8), nullable=False),
    Column("author_name", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("by_agent", Boolean, nullable=False),
    Column("text", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("full_text", Text, nullable=False, comment="empty where it is the text"),
    Column("rfc_id", Text, nullable=False),
    Column("evidence", Text, nullable=False, comment="JSON array: how ticket and sender were found"),
    Column("created_at", Moment, nullable=False),
    Index("ix_message_ticket", "ticket_id"),
    Index("ix_message_rfc_id", "rfc_id", sqlite_where=text("rfc_id <> ''"), postgresql_where=text("rfc_id <> ''")),
)

attachment = Table(
    "attachment",
    metadata,
    _id(),
    Column("message_id", Id, ForeignKey("message.id"), nullable=False),
    Column("mail_id", Id, ForeignKey("mail.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("disposition", Text, nullable=False),
    Column("content_id", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("start_at", Integer, nullable=False),
    Column("end_at", Integer, nullable=False),
    Column("encoding", Text, nullable=False),
    Column("member", Integer, nullable=False),
    Index("ix_attachment_message", "message_id"),
)
"""Attachments are spans of the raw mail, which is on disk before anything else: nothing is written twice."""

outgoing = Table(
    "outgoing",
    metadata,
    _id(),
    Column("ticket_id", Id, ForeignKey("ticket.id"), nullable=True),
    Column("template", Text, nullable=False),
    Column("mailbox", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("rfc_id", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("boundary", Text, nullable=False),
    Column("attachments", Text, nullable=False, comment="JSON array of attachment ids"),
    Column("automatic", Boolean, nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("sent_at", Moment),
    Column("node", String(40), nullable=False),
    Column("lease_until", Moment, nullable=False),
    _in_state("ix_outgoing_waiting", "due_at", DeliveryState.WAITING),
    _in_state("ix_outgoing_failed", "created_at", DeliveryState.FAILED),
    _in_state("ix_outgoing_cancelled", "created_at", DeliveryState.CANCELLED),
    Index("ix_outgoing_created", "created_at"),
    Index("ix_outgoing_ticket", "ticket_id"),
    Index("ix_outgoing_rfc_id", "rfc_id"),
)

page = Table(
    "page",
    metadata,
    _id(),
    Column("ticket_id", Id, ForeignKey("ticket.id"), nullable=False),
    Column("target", Text, nullable=False),
    Column("severity", String(2), nullable=False),
    Column("requester", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("evidence", Text, nullable=False, comment="JSON array"),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("sent_at", Moment),
    Column("node", String(40), nullable=False),
    Column("lease_until", Moment, nullable=False),
    _in_state("ix_page_waiting", "due_at", DeliveryState.WAITING),
    Index("ix_page_ticket", "ticket_id"),
)

event = Table(
    "event",
    metadata,
    _id(),
    Column("ticket_id", Id, ForeignKey("ticket.id"), nullable=False),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("what", Text, nullable=False),
    Index("ix_event_ticket", "ticket_id"),
)
