"""What commands and people ask the database: tickets, mails, outgoing mails and the state of the whole."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, func, select

from gateway.db.engine import reading
from gateway.db.schema import (
    attachment,
    event,
    fixed,
    from_moment,
    imap_folder,
    mail,
    message,
    outgoing,
    page,
    participant,
    ticket,
)
from gateway.model import DeliveryState, MailState, Role


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Member:
    name: str
    address: str
    role: str


@dataclass(frozen=True, slots=True)
class TicketRow:
    number: str
    subject: str
    status: str
    severity: str
    category: str
    mailbox: str
    requester: Person


@dataclass(frozen=True, slots=True)
class AttachmentRow:
    name: str
    content_type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class MessageRow:
    id: int
    kind: str
    author: str
    """Address."""
    text: str
    full_text: str
    """With quotation and signature; empty where nothing was cut."""
    created_at: datetime
    attachments: list[AttachmentRow]
    evidence: list[str]
    """Who its sender was taken for, and how its ticket was found."""


@dataclass(frozen=True, slots=True)
class OutgoingRow:
    id: int
    ticket: str
    template: str
    recipient: str
    state: str
    message_id: str
    attempts: int
    created_at: datetime
    due_at: datetime
    last_error: str


@dataclass(frozen=True, slots=True)
class PageRow:
    at: datetime
    target: str
    state: str


@dataclass(frozen=True, slots=True)
class EventRow:
    at: datetime
    actor: str
    what: str


@dataclass(frozen=True, slots=True)
class TicketPage:
    number: str
    subject: str
    status: str
    severity: str
    category: str
    mailbox: str
    requester: Person
    participants: list[Member]
    assignee: str
    messages: list[MessageRow]
    outgoing: list[OutgoingRow]
    pages: list[PageRow]
    events: list[EventRow]
    subcategory: str
    stated_severity: str
    language: str
    created_at: datetime
    updated_at: datetime
    evidence: list[list[Any]]
    """Signal, words and weight of each reason for severity and category."""


@dataclass(frozen=True, slots=True)
class FolderRow:
    name: str
    looked_at: datetime | None
    """When any node last looked into it with success."""
    trouble: str
    node: str
    """Who polls it."""


@dataclass(frozen=True, slots=True)
class MailRow:
    id: int
    received_at: datetime
    via: str
    mail_from: str
    recipients: list[str]
    subject: str
    state: str
    reason: str
    ticket: str
    size: int
    attempts: int
    peer: str


@dataclass(frozen=True, slots=True)
class StatusReport:
    accepted: int
    processed: int
    held: int
    failed: int
    backlog: int
    oldest_seconds: float
    """Age of the oldest mail that waits to be read; 0 where none does."""
    tickets: int
    outbox_waiting: int
    outbox_failed: int


_MAIL_COLUMNS = (
    mail.c.id, mail.c.received_at, mail.c.via, mail.c.mail_from, mail.c.recipients, mail.c.subject, mail.c.state,
    mail.c.reason, mail.c.size, mail.c.attempts, mail.c.peer,
)  # fmt: skip


class Queries:
    """Read-only; opens a connection for each question."""

    def __init__(self, engine: Engine) -> None:
        self._engine = reading(engine)

    def tickets(self, status: str | None = None, severity: str | None = None, limit: int = 100) -> list[TicketRow]:
        """The newest tickets first."""
        wanted = select(ticket)
        if status is not None:
            wanted = wanted.where(ticket.c.status == status)
        if severity is not None:
            wanted = wanted.where(ticket.c.severity == severity)
        newest = _newest(wanted, ticket.c.created_at, ticket.c.id).limit(limit).subquery()
        query = (
            select(newest, participant.c.name.label("requester_name"), participant.c.address.label("requester_address"))
            .join(participant, (participant.c.ticket_id == newest.c.id) & (participant.c.role == Role.REQUESTER))
        )  # fmt: skip
        return [_ticket_row(row) for row in self._all(_newest(query, newest.c.created_at, newest.c.id))]

    def ticket(self, number: str) -> TicketPage | None:
        """One ticket whole, by its number in any case; None where there is none."""
        with self._engine.connect() as connection:
            row = connection.execute(select(ticket).where(ticket.c.number == number.upper())).one_or_none()
            return _ticket_page(connection, row) if row is not None else None

    def mails(self, state: str | None = None, limit: int = 100) -> list[MailRow]:
        """The newest accepted mails first."""
        query = select(*_MAIL_COLUMNS, ticket.c.number).outerjoin(ticket, ticket.c.id == mail.c.ticket_id)
        if state is not None:
            query = query.where(mail.c.state == fixed(MailState(state)))
        newest = _newest(query, mail.c.received_at, mail.c.id, few=state == MailState.RECEIVED)
        return [_mail_row(row) for row in self._all(newest.limit(limit))]

    def folders(self) -> list[FolderRow]:
        """The IMAP folders that were ever polled."""
        return [_folder_row(row) for row in self._all(select(imap_folder).order_by(imap_folder.c.name))]

    def mail(self, id_: int) -> MailRow | None:
        """One accepted mail; None where there is none."""
        query = select(*_MAIL_COLUMNS, ticket.c.number).outerjoin(ticket, ticket.c.id == mail.c.ticket_id)
        rows = self._all(query.where(mail.c.id == id_))
        return _mail_row(rows[0]) if rows else None

    def raw(self, id_: int) -> Row[Any] | None:
        """The row of a mail as ``Mails.raw`` wants it."""
        rows = self._all(select(mail).where(mail.c.id == id_))
        return rows[0] if rows else None

    def outgoing(self, state: str | None = None, limit: int = 100) -> list[OutgoingRow]:
        """The newest outgoing mails first."""
        query = select(outgoing, ticket.c.number).outerjoin(ticket, ticket.c.id == outgoing.c.ticket_id)
        if state is not None:
            query = query.where(outgoing.c.state == fixed(DeliveryState(state)))
        newest = _newest(query, outgoing.c.created_at, outgoing.c.id, few=state == DeliveryState.WAITING)
        return [_outgoing_row(row) for row in self._all(newest.limit(limit))]

    def status(self, now: datetime) -> StatusReport:
        with self._engine.connect() as connection:
            states = _counts(connection, select(mail.c.state, func.count()).group_by(mail.c.state))
            sending = _counts(connection, select(outgoing.c.state, func.count()).group_by(outgoing.c.state))
            oldest = connection.execute(
                select(func.min(mail.c.received_at)).where(mail.c.state == fixed(MailState.RECEIVED))
            ).scalar()
            tickets = connection.execute(select(func.count()).select_from(ticket)).scalar_one()
        accepted = sum(states.values())
        backlog = states.get(MailState.RECEIVED, 0)
        return StatusReport(
            accepted=accepted,
            processed=accepted - backlog,
            held=states.get(MailState.HELD, 0),
            failed=states.get(MailState.FAILED, 0),
            backlog=backlog,
            oldest_seconds=max(0.0, (now - from_moment(oldest)).total_seconds()) if oldest is not None else 0.0,
            tickets=tickets,
            outbox_waiting=sending.get(DeliveryState.WAITING, 0),
            outbox_failed=sending.get(DeliveryState.FAILED, 0),
        )

    def _all(self, query: Select[Any]) -> Sequence[Row[Any]]:
        with self._engine.connect() as connection:
            return connection.execute(query).all()


def _newest(query: Select[Any], time: ColumnElement[int], id_: ColumnElement[int], *, few: bool = False) -> Select[Any]:
    """The newest first. ``few`` are found by what is asked for, and sorted: a sum keeps a database from going through
    all by time."""
    return query.order_by((time + 0 if few else time).desc(), id_.desc())


def _counts(connection: Connection, query: Select[Any]) -> dict[str, int]:
    return {state: int(number) for state, number in connection.execute(query)}


def _ticket_row(row: Row[Any]) -> TicketRow:
    return TicketRow(
        row.number, row.subject, row.status, row.severity, row.category, row.mailbox,
        Person(row.requester_name, row.requester_address),
    )  # fmt: skip


def _folder_row(row: Row[Any]) -> FolderRow:
    looked_at = from_moment(row.looked_at) if row.looked_at is not None else None
    return FolderRow(row.name, looked_at, row.trouble, row.node)


def _mail_row(row: Row[Any]) -> MailRow:
    return MailRow(
        row.id, from_moment(row.received_at), row.via, row.mail_from, json.loads(row.recipients), row.subject,
        row.state, row.reason, row.number or "", row.size, row.attempts, row.peer,
    )  # fmt: skip


def _outgoing_row(row: Row[Any]) -> OutgoingRow:
    return OutgoingRow(
        row.id, row.number or "", row.template, row.recipient, row.state, row.rfc_id, row.attempts,
        from_moment(row.created_at), from_moment(row.due_at), row.last_error,
    )  # fmt: skip


def _ticket_page(connection: Connection, row: Row[Any]) -> TicketPage:
    def of(table: Any, *order: Any) -> Sequence[Row[Any]]:
        return connection.execute(select(table).where(table.c.ticket_id == row.id).order_by(*order, table.c.id)).all()

    people = of(participant)
    requester = next(p for p in people if p.role == Role.REQUESTER)
    sent = select(outgoing, ticket.c.number).join(ticket, ticket.c.id == outgoing.c.ticket_id)
    of_ticket = sent.where(outgoing.c.ticket_id == row.id).order_by(outgoing.c.created_at, outgoing.c.id)
    return TicketPage(
        number=row.number,
        subject=row.subject,
        status=row.status,
        severity=row.severity,
        category=row.category,
        mailbox=row.mailbox,
        requester=Person(requester.name, requester.address),
        participants=[Member(p.name, p.address, p.role) for p in people],
        assignee=row.assignee,
        messages=_messages(connection, of(message, message.c.created_at)),
        outgoing=[_outgoing_row(o) for o in connection.execute(of_ticket)],
        pages=[PageRow(from_moment(p.created_at), p.target, p.state) for p in of(page, page.c.created_at)],
        events=[EventRow(from_moment(e.at), e.actor, e.what) for e in of(event, event.c.at)],
        subcategory=row.subcategory,
        stated_severity=row.stated_severity,
        language=row.language,
        created_at=from_moment(row.created_at),
        updated_at=from_moment(row.updated_at),
        evidence=json.loads(row.evidence),
    )


def _messages(connection: Connection, rows: Sequence[Row[Any]]) -> list[MessageRow]:
    files: dict[int, list[AttachmentRow]] = defaultdict(list)
    query = select(attachment).where(attachment.c.message_id.in_([row.id for row in rows])).order_by(attachment.c.id)
    for one in connection.execute(query):
        files[one.message_id].append(AttachmentRow(one.name, one.content_type, one.size, one.sha256))
    return [
        MessageRow(
            m.id, m.kind, m.author, m.text, m.full_text, from_moment(m.created_at), files[m.id], json.loads(m.evidence)
        )
        for m in rows
    ]  # fmt: skip
