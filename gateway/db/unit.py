"""A unit of work: the decisions on a batch of mails, gathered as rows and written together.

Nothing touches the database before ``flush``, so a decision that cannot be composed harms no other.
"""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, Protocol

from sqlalchemy import Connection, Table, bindparam, case, insert, literal_column, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.db.ids import Ids
from gateway.db.mails import Mails, Outcome
from gateway.db.prepared import Prepared
from gateway.db.rows import outgoing_row, page_row, verdict_evidence
from gateway.db.schema import attachment, event, message, outgoing, page, participant, seen, sender, ticket, to_moment
from gateway.db.wake import Channel, wake
from gateway.desk.decision import Decision, Known, Lookups, NewMessage, NewTicket, Outgoing
from gateway.desk.identity import fold
from gateway.model import (
    Address,
    Attachment,
    Composed,
    DeliveryState,
    Due,
    MailState,
    Participant,
    ReadMail,
    Role,
    Status,
    Ticket,
)
from gateway.settings import Settings

_ORDER: tuple[Table, ...] = (ticket, participant, message, attachment, outgoing, page, event)
_INSERTS = {table.name: Prepared.of(insert(table)) for table in _ORDER}
_CHANGE = Prepared.of(
    update(ticket)
    .where(ticket.c.id == bindparam("id_"))
    .values({name: bindparam(name) for name in ("status", "severity", "assignee", "solved_at", "updated_at")})
)


def _see(insert_: Any) -> Any:
    """A key that another mail has stays with it, unless that one is known to be outdated."""
    outdated = seen.c.mail_id == bindparam("outdated", type_=seen.c.mail_id.type)
    return insert_.on_conflict_do_update(
        index_elements=[seen.c.key], set_={"mail_id": insert_.excluded.mail_id}, where=outdated
    )


_SEE = Prepared(sqlite=_see(sqlite.insert(seen)), postgresql=_see(postgresql.insert(seen)))


def _count(insert_: Any) -> Any:
    """Windows start with the first mail after the last one ended."""
    new, values = insert_.excluded, {}
    for count, since, limit in (("mails", "mails_since", "loop_start"), ("acks", "acks_since", "hour_start")):
        going = sender.c[since] > bindparam(limit, type_=sender.c[since].type)
        values[count] = new[count] + case((going, sender.c[count]), else_=literal_column("0"))
        values[since] = case((going, sender.c[since]), else_=new[since])
    return insert_.on_conflict_do_update(index_elements=[sender.c.address], set_=values)


_COUNT = Prepared(sqlite=_count(sqlite.insert(sender)), postgresql=_count(postgresql.insert(sender)))


class Raced(Exception):
    """Another node took in the same mail at the same time: decide again, and it is a duplicate."""


@dataclass(frozen=True, slots=True)
class Case:
    """One mail on its way from being read to being ended."""

    mail_id: int
    read: ReadMail
    lookups: Lookups
    known: Known
    decision: Decision


@dataclass(frozen=True, slots=True)
class Stored:
    """An attachment with its row id."""

    id: int
    attachment: Attachment


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of one mail; to be acted on after the commit."""

    mail_id: int
    decision: Decision
    ticket: Ticket | None
    outgoing: tuple[Due, ...]
    paged: bool


class Compose(Protocol):
    """Writes the outgoing mails of one decision; ``ticket`` is None for mails about a mail that made none."""

    def __call__(
        self, outs: Sequence[Outgoing], ticket: Ticket | None, case: Case, attachments: Sequence[Stored], now: datetime
    ) -> list[Composed]: ...


class Unit:
    def __init__(
        self,
        connection: Connection,
        ids: Ids,
        mails: Mails,
        settings: Settings,
        compose: Compose,
        node: str,
        now: datetime,
    ) -> None:
        """``node`` gets the outgoing mails leased; where it is empty, whoever sends mails takes them up."""
        self._connection = connection
        self._ids = ids
        self._mails = mails
        self._settings = settings
        self._compose = compose
        self._node = node
        self._now = now
        self._moment = to_moment(now)
        self._rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._changes: list[dict[str, Any]] = []
        self._outcomes: list[Outcome] = []
        self._sent: Counter[str] = Counter()
        """Mails, by who sent them."""
        self._answered: Counter[str] = Counter()
        """Mails by which the gateway itself answers, by who gets them."""
        self._undeliverable: list[tuple[int, str, bool]] = []
        self._bounced: list[tuple[int, str]] = []
        self._held_until = time.monotonic() + mails.lease_seconds
        self._lease = mails.lease_until(connection, now)

    def add(self, case: Case) -> Applied:
        """Gather the rows of one decision. Raises what composing raises, and then leaves nothing behind."""
        kept = {name: len(rows) for name, rows in self._rows.items()}
        changes = len(self._changes)
        try:
            return self._add(case)
        except Exception:
            for name, rows in self._rows.items():
                del rows[kept.get(name, 0) :]
            del self._changes[changes:]
            raise

    def _add(self, case: Case) -> Applied:
        decision = case.decision
        subject = self._ticket(case)
        attachments = self._messages(case, subject) if subject is not None else []
        composed = self._compose(decision.mails, subject, case, attachments, self._now)
        sent = tuple(self._outgoing(subject, mail) for mail in composed)
        if subject is not None:
            self._events(case, subject)
            if decision.page:
                self._pages(case, subject)
        self._end(case, subject)
        if not case.known.duplicate_of:
            self._tally(case)
        return Applied(case.mail_id, decision, subject, sent, decision.page)

    def _ticket(self, case: Case) -> Ticket | None:
        decision = case.decision
        if decision.opens is not None:
            return self._open(decision.opens, case)
        standing = case.known.tickets.get(decision.ticket_id)
        return self._change(standing, decision) if standing is not None else None

    def _open(self, new: NewTicket, case: Case) -> Ticket:
        id_ = self._ids.take(self._connection, ticket)
        number = f"{self._settings.by_name[new.mailbox].prefix}-{id_}"
        verdict = case.decision.verdict
        self._rows["ticket"].append(
            {
                "id": id_, "number": number, "subject": new.subject, "status": Status.OPEN.value,
                "severity": new.severity.value, "category": new.category.value, "subcategory": new.subcategory,
                "stated_severity": verdict.stated.value if verdict and verdict.stated else "",
                "evidence": verdict_evidence(verdict.evidence if verdict else ()),
                "mailbox": new.mailbox, "language": new.language, "assignee": "", "refers_to": new.refers_to or None,
                "created_at": self._moment, "updated_at": self._moment, "solved_at": None,
            }
        )  # fmt: skip
        people = [self._join(id_, new.requester, Role.REQUESTER), *(self._join(id_, cc, Role.CC) for cc in new.cc)]
        thread = (case.read.message_id,) if case.read.message_id else ()
        return Ticket(
            id_, number, new.subject, Status.OPEN, new.severity, new.category, new.mailbox, new.language, "", self._now,
            None, tuple(people), thread,
        )  # fmt: skip

    def _join(self, ticket_id: int, who: Address, role: Role) -> Participant:
        id_ = self._ids.take(self._connection, participant)
        self._rows["participant"].append(
            {
                "id": id_, "ticket_id": ticket_id, "name": who.name, "address": who.address, "role": role.value,
                "undeliverable": False,
            }
        )  # fmt: skip
        return Participant(id_, who.name, who.address, role)

    def _change(self, standing: Ticket, decision: Decision) -> Ticket:
        wanted = decision.changes
        people = standing.participants + tuple(self._join(standing.id, who, role) for who, role in decision.joins)
        status = wanted.status or standing.status
        solved_at = standing.solved_at if status is Status.SOLVED and standing.solved_at else None
        changed = replace(
            standing,
            status=status,
            severity=wanted.severity or standing.severity,
            assignee=standing.assignee if wanted.assignee is None else wanted.assignee,
            solved_at=(solved_at or self._now) if status is Status.SOLVED else None,
            participants=people,
        )
        if decision.message is not None or changed != standing:
            self._changes.append(
                {
                    "id_": changed.id, "status": changed.status.value, "severity": changed.severity.value,
                    "assignee": changed.assignee, "updated_at": self._moment,
                    "solved_at": to_moment(changed.solved_at) if changed.solved_at else None,
                }
            )  # fmt: skip
        marks = ((decision.undeliverable, True), (decision.reachable, False))
        self._undeliverable += [(standing.id, address, dead) for address, dead in marks if address]
        return changed

    def _messages(self, case: Case, subject: Ticket) -> list[Stored]:
        new, note = case.decision.message, case.decision.note
        stored: list[Stored] = []
        if new is not None:
            id_ = self._message(case.mail_id, subject, new, case.read.message_id)
            files = case.read.attachments if new.with_attachments else ()
            stored = [self._attachment(case.mail_id, id_, found) for found in files]
        if note is not None:
            self._message(case.mail_id, subject, note, "")
        return stored

    def _message(self, mail_id: int, subject: Ticket, new: NewMessage, rfc_id: str) -> int:
        id_ = self._ids.take(self._connection, message)
        self._rows["message"].append(
            {
                "id": id_, "ticket_id": subject.id, "mail_id": mail_id, "kind": new.kind.value,
                "author_name": new.author.name, "author": new.author.address, "by_agent": new.by_agent,
                "text": new.text, "html": new.html, "full_text": new.full_text if new.full_text != new.text else "",
                "rfc_id": rfc_id, "evidence": json.dumps(new.evidence), "created_at": self._moment,
            }
        )  # fmt: skip
        return id_

    def _attachment(self, mail_id: int, message_id: int, found: Attachment) -> Stored:
        id_ = self._ids.take(self._connection, attachment)
        self._rows["attachment"].append(
            {
                "id": id_, "message_id": message_id, "mail_id": mail_id, "name": found.name,
                "content_type": found.content_type, "disposition": found.disposition, "content_id": found.content_id,
                "size": found.size, "sha256": found.sha256, "start_at": found.start, "end_at": found.end,
                "encoding": found.encoding, "member": found.member,
            }
        )  # fmt: skip
        return Stored(id_, found)

    def _outgoing(self, subject: Ticket | None, mail: Composed) -> Due:
        id_ = self._ids.take(self._connection, outgoing)
        ticket_id = subject.id if subject is not None else None
        self._rows["outgoing"].append(
            outgoing_row(id_, ticket_id, mail, self._moment) | {"node": self._node, "lease_until": self._lease}
        )
        return Due(id_, ticket_id or 0, mail, 0, self._now, self._held_until)

    def _events(self, case: Case, subject: Ticket) -> None:
        actor = case.decision.actor or "gateway"
        self._rows["event"] += [
            {
                "id": self._ids.take(self._connection, event),
                "ticket_id": subject.id,
                "at": self._moment,
                "actor": actor,
                "what": what,
            }
            for what in case.decision.events
        ]

    def _pages(self, case: Case, subject: Ticket) -> None:
        verdict, new = case.decision.verdict, case.decision.message
        evidence = verdict.evidence if verdict else ()
        text = new.text if new else ""
        self._rows["page"] += [
            page_row(
                self._ids.take(self._connection, page), subject.id, target, subject.severity,
                subject.requester.address, text, evidence, self._moment,
            )
            for target in self._settings.oncall.notify
        ]  # fmt: skip

    def _end(self, case: Case, subject: Ticket | None) -> None:
        decision = case.decision
        if decision.failed_delivery:
            self._bounced.append((decision.failed_delivery, decision.reason))
        self._outcomes.append(
            Outcome(case.mail_id, decision.state, decision.reason, case.read.subject, subject.id if subject else None)
        )
        # A held mail is not seen yet: released, or sent again by its author, it must go through.
        if case.lookups.dedupe and not case.known.duplicate_of and decision.state is not MailState.HELD:
            self._keep_key(case, case.lookups.dedupe)

    def _keep_key(self, case: Case, key: str) -> None:
        self._rows["seen"].append({"key": key, "mail_id": case.mail_id, "outdated": case.known.outdated.get(key, 0)})

    def _tally(self, case: Case) -> None:
        author, copied = case.lookups.sender, case.lookups.copied
        told = {(out.template, fold(out.recipient.address)) for out in case.decision.mails}
        if author:
            # What an agent gets on other mails of hers is no word on one that is held.
            limited = "held" if author in self._settings.agents else "confirmation"
            self._sent[author] += 1
            self._answered[author] += (limited, author) in told
        confirmed = {address for template, address in told if template == "confirmation"}
        if case.lookups.says and author in confirmed:
            self._keep_key(case, case.lookups.says)
        self._answered.update(confirmed.intersection(copied))

    def flush(self) -> None:
        """Write everything. Raises Raced, LeaseLost, or what the database raises; then all is to be done again."""
        if self._rows["seen"]:
            self._see(sorted(self._rows["seen"], key=itemgetter("key")))
        if self._outcomes:
            self._mails.finish(self._connection, self._outcomes, self._now)
        for table in _ORDER:
            if self._rows[table.name]:
                _INSERTS[table.name].many(self._connection, self._rows[table.name])
        if self._rows["page"]:
            wake(self._connection, Channel.PAGE)
        if self._rows["outgoing"] and not self._node:
            wake(self._connection, Channel.OUTGOING)
        if self._changes:
            _CHANGE.many(self._connection, self._changes)
        if self._sent or self._answered:
            self._count_senders()
        for ticket_id, address, dead in self._undeliverable:
            self._connection.execute(
                update(participant)
                .where(participant.c.ticket_id == ticket_id, participant.c.address == address)
                .values(undeliverable=dead)
            )
        for outgoing_id, why in self._bounced:
            self._connection.execute(
                update(outgoing)
                .where(outgoing.c.id == outgoing_id, outgoing.c.state == DeliveryState.SENT)
                .values(state=DeliveryState.FAILED.value, last_error=why)
            )

    def _see(self, rows: list[dict[str, Any]]) -> None:
        """In the order of the keys, so that two nodes with the same mails wait for each other only one way."""
        if _SEE.many(self._connection, rows) != len(rows):
            raise Raced

    def _count_senders(self) -> None:
        starts = {
            "loop_start": to_moment(self._now - timedelta(minutes=self._settings.loops.minutes)),
            "hour_start": to_moment(self._now - timedelta(hours=1)),
            "mails_since": self._moment,
            "acks_since": self._moment,
        }
        rows = [
            {"address": address, "mails": self._sent[address], "acks": self._answered[address], **starts}
            for address in sorted(self._sent | self._answered)
        ]
        _COUNT.many(self._connection, rows)
