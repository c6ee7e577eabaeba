"""Whole tickets after the faults: each must look as if nothing had happened."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import sqlalchemy as sa

from gateway.db.schema import attachment, event, mail, message, outgoing, page, participant, ticket
from gateway.model import DeliveryState, Role
from tests.faults.audit import Books, Report, audit_in_and_out
from tests.faults.letters import ON_CALL, Letter
from tests.faults.sink import Arrival

_DUPLICATE = "the same mail as #%"


@dataclass(frozen=True, slots=True)
class Ticket:
    """All that is to be seen of a ticket, in order. Customers go by their part in it."""

    mails: tuple[str, ...]
    """What became of each mail that was taken in, but for second tries."""
    messages: tuple[str, ...]
    sent: tuple[str, ...]
    """Template and recipient of each mail that was written; with its state, where that is another than sent."""
    history: tuple[str, ...]
    status: str = "open"
    people: tuple[str, ...] = ("requester",)
    attachments: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    undeliverable: tuple[str, ...] = ()

    def then(
        self, mail: str, *messages: str, sent: tuple[str, ...] = (), history: tuple[str, ...] = (), status: str = "",
        undeliverable: tuple[str, ...] = (),
    ) -> Ticket:  # fmt: skip
        """With one more mail, and what came of it."""
        return replace(
            self,
            mails=(*self.mails, mail),
            messages=self.messages + messages,
            sent=self.sent + sent,
            history=self.history + history,
            status=status or self.status,
            undeliverable=self.undeliverable + undeliverable,
        )


@dataclass(slots=True)
class Case:
    """A ticket that stands, or should: who opened it, all that was sent for it, and how it must look."""

    name: str
    expected: Ticket
    letters: list[Letter]

    @property
    def customer(self) -> str:
        return self.letters[0].sender


def audit_tickets(
    cases: Sequence[Case], report: Report, books: Books, letters: Sequence[Letter], arrivals: Sequence[Arrival]
) -> None:
    """Each case is one ticket that is whole, and there is nothing beside them."""
    audit_in_and_out(report, books, letters, arrivals)
    report.counts["tickets"] += len(cases)
    for case in cases:
        for problem in _problems(case, books, arrivals):
            report.blame(f"{case.name}, {case.customer}: {problem}")
    if (number := books.count(ticket)) != len(cases):
        report.blame(f"there are {number} tickets instead of {len(cases)}")
    if strays := books.count(mail, mail.c.ticket_id.is_(None), mail.c.reason.notlike(_DUPLICATE)):
        report.blame(f"{strays} mails are in no ticket, and no second tries")


def _problems(case: Case, books: Books, arrivals: Sequence[Arrival]) -> list[str]:
    opened = sa.select(ticket.c.id, ticket.c.number).join(participant)
    rows = books.rows(opened.where(participant.c.role == Role.REQUESTER, participant.c.address == case.customer))
    if len(rows) != 1:
        return [f"{len(rows)} tickets; {books.fate(case.letters[0])}"]
    found = look(books, rows[0].id)
    problems = [
        f"{name} are {getattr(found, name)} instead of {getattr(case.expected, name)}"
        for name in (field.name for field in fields(Ticket))
        if getattr(found, name) != getattr(case.expected, name)
    ]
    taken = [raw for _, raw in books.raws(mail.c.ticket_id == rows[0].id)]
    if taken != [letter.data for letter in case.letters]:
        problems.append("what was taken in is not what was sent")
    about = re.compile(rf"\b{rows[0].number}\b")
    calls = {a.message_id for a in arrivals if a.recipient == ON_CALL and about.search(a.subject)}
    if len(calls) != len(case.expected.pages):
        problems.append(f"the on-call was called by {len(calls)} different mails")
    return problems


def look(books: Books, id_: int) -> Ticket:
    people = books.rows(sa.select(participant).where(participant.c.ticket_id == id_).order_by(participant.c.id))
    parts = {person.address: person.role for person in people}

    def rows(table: sa.Table, *columns: sa.Column[Any]) -> list[tuple[str, ...]]:
        found = books.rows(sa.select(*columns).where(table.c.ticket_id == id_).order_by(table.c.id))
        return [tuple(_named(parts, text) for text in row) for row in found]

    files = sa.select(attachment.c.name, attachment.c.size).join(message).where(message.c.ticket_id == id_)
    written = rows(outgoing, outgoing.c.template, outgoing.c.recipient, outgoing.c.state)
    return Ticket(
        mails=tuple(state for (state,) in rows(mail, mail.c.state)),
        messages=tuple(kind for (kind,) in rows(message, message.c.kind)),
        sent=tuple(
            f"{template} to {recipient}" + (f" ({state})" if state != DeliveryState.SENT else "")
            for template, recipient, state in written
        ),
        history=tuple(what for (what,) in rows(event, event.c.what)),
        status=books.rows(sa.select(ticket.c.status).where(ticket.c.id == id_))[0].status,
        people=tuple(person.role for person in people),
        attachments=tuple(f"{row.name}, {row.size} bytes" for row in books.rows(files.order_by(attachment.c.id))),
        pages=tuple(state for (state,) in rows(page, page.c.state)),
        undeliverable=tuple(person.role for person in people if person.undeliverable),
    )


def _named(parts: dict[str, str], text: str) -> str:
    for address, part in parts.items():
        text = text.replace(address, part)
    return text
