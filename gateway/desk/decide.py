"""What becomes of a mail: the rules of the desk in the order in which they apply."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gateway.desk import mails, people, robots, staff, tickets
from gateway.desk.case import Case, consider
from gateway.desk.decision import Decision, Known, Lookups
from gateway.desk.identity import Kind, Level
from gateway.desk.permission import Act, Who
from gateway.desk.tokens import Purpose
from gateway.model import (
    Action,
    Address,
    Category,
    Envelope,
    Evidence,
    Identity,
    Machine,
    MachineKind,
    MailState,
    ReadMail,
    Said,
    Severity,
    Verdict,
)
from gateway.settings import Agent, Settings

_SOUNDS_AUTOMATIC = Said("it reads like an automatic answer, and those are never sent on")
_BY_AN_OPERATOR = Said("An operator can let it through: gateway mail release")
_WITH_PROOF = Said("Answer one of the notices, or send through the gateway with your login.")
_IN_OTHER_WORDS = Said("Say it in other words, or let an operator send it on: gateway mail release")
UNREADABLE = "The body could not be read. The mail is attached as it came."


def decide(
    mail: ReadMail,
    envelope: Envelope,
    verdict: Verdict,
    lookups: Lookups,
    known: Known,
    settings: Settings,
    now: datetime,
    *,
    released: bool = False,
) -> Decision:
    """Turn one mail into what is to be done. ``released``: an operator let a held mail through."""
    case = consider(mail, envelope, verdict, lookups, known, settings, now, released)
    if known.duplicate_of:
        ticket = f" ({known.duplicate_ticket})" if known.duplicate_ticket else ""
        return Decision(MailState.REFUSED, f"the same mail as #{known.duplicate_of}{ticket}")
    if lookups.own_loop:
        return Decision(MailState.REFUSED, "a mail of ours that came back: its loop mark is signed by us")
    decision = _act(case)
    sendable = mails.sendable(decision.mails, settings)
    return decision if sendable == decision.mails else replace(decision, mails=sendable)


def unreadable(
    envelope: Envelope, subject: str, sender: str, lookups: Lookups, known: Known, settings: Settings, now: datetime
) -> Decision:
    """For a mail whose reading failed for good: a ticket from what is safe. Never answered: it may be a robot's.

    ``subject`` and ``sender`` (an address) are what could be read strictly; either may be empty.
    """
    bounce = lookups.token is not None and lookups.token.purpose is Purpose.DELIVERY
    mail = ReadMail(
        subject=subject,
        subject_base=subject,
        author=Address("", sender),
        identity=Identity(sender),
        text=UNREADABLE,
        machine=Machine((MachineKind.BOUNCE,) if bounce else (), may_answer=False, reason="it could not be read"),
    )
    doubt = Verdict(
        Severity.S2, Category.NONE, "", Action.CHECK, evidence=(Evidence("unreadable", "a person must look"),)
    )
    case = consider(mail, envelope, doubt, lookups, known, settings, now, released=False)
    if case.who is Who.AGENT:
        # Its commands and its "#note" are unknown, so nothing of it may go anywhere.
        return _hold(case, Said("a mail in an agent's name could not be read"))
    return decide(mail, envelope, doubt, lookups, known, settings, now)


def _act(case: Case) -> Decision:
    act, ticket, agent = _allowed(case), case.ticket, case.sender.agent
    if act is Act.ROBOT:
        return robots.handle(case)
    if act is Act.WORK and agent is not None:
        return _hold(case, _SOUNDS_AUTOMATIC) if _sounds_automatic(case) else staff.work(case, agent)
    if act in (Act.APPEND, Act.APPEND_UNVERIFIED) and ticket is not None:
        return tickets.append(case, ticket)
    if act in (Act.OPEN, Act.OPEN_REFERRING):
        return tickets.open_ticket(case, case.row.reason, refers_to=ticket)
    if case.critical and case.who is not Who.AGENT:
        # Waiting for an operator would delay the page; a ticket of its own gives nothing away.
        return tickets.open_ticket(case, f"reports an S0; would be held else: {case.row.reason}", refers_to=ticket)
    return _hold(case, case.row.reason)


def _allowed(case: Case) -> Act:
    """What the table says; for a held mail that an operator released, what its sender could do when proved."""
    if case.row.act is not Act.HOLD or not case.released:
        return case.row.act
    if case.sender.agent is not None and case.who is Who.AGENT:
        return Act.WORK
    return Act.APPEND_UNVERIFIED if case.ticket else Act.OPEN


def _sounds_automatic(case: Case) -> bool:
    """Whether an absence notice of an agent's may be on its way to a customer: no program of hers has her login."""
    return bool(case.sender.robot) and case.level < Level.A4 and not case.released


def _hold(case: Case, why: str) -> Decision:
    """Kept for an operator. Agents are told, nobody outside is."""
    ticket = case.ticket
    told, remedy = _told(case)
    return Decision(
        MailState.HELD,
        f"{why}; {case.sender.why[0]}",
        ticket_id=ticket.id if ticket else 0,
        mails=mails.held(case, told, why, remedy),
        events=(f"a mail of {case.lookups.sender or 'somebody unnamed'} is held: {why}",),
    )


def _told(case: Case) -> tuple[tuple[Agent, ...], Said]:
    """Who hears of a held mail, and what is to be done. A name that is not proved is told once an hour, an address of
    ours once in the loop's window; what may be an S0 is always told, and to everybody."""
    claimed, known, ticket = case.sender.agent, case.known, case.ticket
    if known.recent_from_sender >= case.settings.loops.mails:
        return (), _BY_AN_OPERATOR
    if case.critical:
        return people.desk(case.settings, case.mailbox, ""), _BY_AN_OPERATOR
    if claimed is not None:
        remedy = _IN_OTHER_WORDS if case.row.act is Act.WORK else _WITH_PROOF
        return () if known.acknowledged else (claimed,), remedy
    if case.sender.kind is Kind.OWN and known.recent_from_sender:
        return (), _BY_AN_OPERATOR
    return people.desk(case.settings, case.mailbox, ticket.assignee if ticket else ""), _BY_AN_OPERATOR
