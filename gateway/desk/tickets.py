"""What a customer's mail does: it opens a ticket, or adds to one that stands."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from gateway.desk import mails, people
from gateway.desk.case import Case
from gateway.desk.decision import Changes, Decision, NewMessage, NewTicket
from gateway.desk.identity import Kind, is_usable
from gateway.desk.permission import Act
from gateway.model import Action, Address, MailState, MessageKind, Role, Severity, Status, Ticket

NO_SUBJECT = "(no subject)"
_LONGEST_SUBJECT = 250


def open_ticket(case: Case, why: str, refers_to: Ticket | None = None) -> Decision:
    """A new ticket of the sender's."""
    requester = people.requester(case)
    evidence = case.evidence
    if not case.sender.address:
        evidence += (f"requester taken from a header that proves nothing: {requester.address or 'no address found'}",)
    message = first_message(case, requester, case.new_text, evidence, case.doubts)
    return opened(case, requester, message, why, refers_to=refers_to)


def opened(
    case: Case,
    requester: Address,
    message: NewMessage,
    why: str,
    *,
    note: NewMessage | None = None,
    severity: Severity | None = None,
    refers_to: Ticket | None = None,
    language: str = "",
) -> Decision:
    """A new ticket of ``requester``. A ``severity`` that an agent commands overrides the verdict's; ``language`` is the
    requester's where that is not the mail's."""
    verdict = case.verdict
    new = _new(case, requester, severity, refers_to, language)
    agents = people.desk(case.settings, new.mailbox, "", without=case.sender.address)
    events = [f"opened: {why}"]
    if refers_to:
        events.append(f"refers to {refers_to.number}")
    return Decision(
        MailState.TICKET,
        why,
        opens=new,
        message=message,
        note=note,
        mails=(
            *mails.confirmations(case, (requester, *new.cc)),
            *mails.notices(agents, by=mails.shown_name(case)),
        ),
        # The policy says which severities page; an agent who names one herself pages with an S0.
        page=verdict.action is Action.PAGE if severity is None else severity is Severity.S0,
        events=tuple(events),
        actor=case.sender.address or "gateway",
        verdict=verdict,
    )


def _new(
    case: Case, requester: Address, severity: Severity | None, refers_to: Ticket | None, language: str
) -> NewTicket:
    mailbox = case.lookups.mailbox.name  # a number or an id that a stranger names moves his mail nowhere else
    return NewTicket(
        subject=_subject(case),
        severity=severity or case.verdict.severity,
        category=case.verdict.category,
        subcategory=case.verdict.subcategory,
        mailbox=mailbox,
        language=language or case.mail.language or case.settings.by_name[mailbox].language,
        requester=requester,
        cc=people.copied(case, (requester.address, case.sender.address)),
        refers_to=refers_to.id if refers_to else 0,
    )


def append(case: Case, ticket: Ticket) -> Decision:
    """A participant's answer: stored, shown to the desk, never confirmed."""
    if _closed_for_good(case, ticket):
        return open_ticket(case, f"{ticket.number} was solved too long ago to be reopened", refers_to=ticket)
    changes, page, events = _stir(case, ticket)
    joins, refused = _joins(case, ticket)
    events += [f"{person.address} joined, brought by {case.sender.address}" for person in joins]
    let_in = _let_in(case)
    events += [f"{person.address} joined, let through by an operator" for person in let_in]
    events += [f"{person.address} in Cc was not added: the sender is not proved" for person in refused]
    events += [f"sent to {number} as well, which did not get it" for number in case.found.besides]
    back = _back(case)
    events += [f"mail to {back} counts as deliverable again"] if back else []
    agents = people.desk(case.settings, ticket.mailbox, ticket.assignee, without=case.sender.address)
    return Decision(
        MailState.APPENDED,
        case.row.reason,
        ticket_id=ticket.id,
        message=customer_message(case, people.requester(case), case.new_text, case.evidence, case.doubts),
        changes=changes,
        joins=tuple((person, Role.CC) for person in (*joins, *let_in)),
        reachable=back,
        mails=mails.notices(agents, by=mails.shown_name(case)),
        page=page,
        events=tuple(events),
        actor=case.sender.address or "gateway",
        verdict=case.verdict,
    )


def _back(case: Case) -> str:
    """The sender's address, where mail to it came back once: who proves to read ours can be reached."""
    sender = case.found.participant
    return sender.address if sender and sender.undeliverable and case.row.act is Act.APPEND else ""


def _closed_for_good(case: Case, ticket: Ticket) -> bool:
    # What a robot adds reopens nothing, so there is nothing to be too late for.
    if case.sender.robot or ticket.status is not Status.SOLVED or ticket.solved_at is None:
        return False
    return case.now - ticket.solved_at > timedelta(days=case.settings.tickets.reopen_days)


def _stir(case: Case, ticket: Ticket) -> tuple[Changes, bool, list[str]]:
    """What an answer changes by itself: it wakes a ticket, and raises it to S0 but never lowers it."""
    woken = ticket.status is not Status.OPEN and not case.sender.robot
    raised = case.verdict.severity is Severity.S0 and ticket.severity is not Severity.S0
    again = case.critical and (raised or ticket.status is Status.SOLVED)
    changes = Changes(Status.OPEN if woken else None, Severity.S0 if raised else None)
    events = [f"{ticket.status.value} -> open, by an answer"] if woken else []
    events += [f"severity {ticket.severity.value} -> S0, by an answer"] if raised else []
    return changes, again, events


def _joins(case: Case, ticket: Ticket) -> tuple[tuple[Address, ...], tuple[Address, ...]]:
    """Who in Cc joins, and who does not because anyone could have written this mail."""
    newcomers = people.copied(case, (*(p.address for p in ticket.participants), case.sender.address))
    if case.sender.robot:
        return (), ()
    return (newcomers, ()) if case.row.act is Act.APPEND else ((), newcomers)


def _let_in(case: Case) -> tuple[Address, ...]:
    """Whom an operator let into a ticket: who answers the notice answers him, and he may write again."""
    stranger = case.sender.kind is Kind.CUSTOMER and case.found.participant is None
    return (case.author,) if case.released and stranger and is_usable(case.sender.address) else ()


def first_message(
    case: Case, author: Address, text: str, evidence: tuple[str, ...], doubts: tuple[str, ...] = ()
) -> NewMessage:
    """A customer's message, and what was cut from it: nothing else of the ticket holds that."""
    message = customer_message(case, author, text, evidence, doubts)
    return replace(message, cut=case.mail.reply.quoted) if text.strip() else message


def customer_message(
    case: Case, author: Address, text: str, evidence: tuple[str, ...], doubts: tuple[str, ...] = ()
) -> NewMessage:
    """The new text; the whole body where nothing else is left of it."""
    whole = not case.mail.reply.quoted.strip()
    return NewMessage(
        MessageKind.INBOUND,
        author,
        text if text.strip() else case.mail.text,
        html=case.mail.safe_html if whole else "",
        full_text=case.mail.text,
        evidence=evidence,
        doubts=doubts,
    )


def _subject(case: Case) -> str:
    tags = "|".join(re.escape(mailbox.prefix) for mailbox in case.settings.mailbox)
    without = re.sub(rf"\[(?:{tags})-[0-9]+\]", " ", case.mail.subject_base, flags=re.IGNORECASE)
    shown = without if without.isprintable() else "".join(c if c.isprintable() else " " for c in without)
    return " ".join(shown.split())[:_LONGEST_SUBJECT] or NO_SUBJECT
