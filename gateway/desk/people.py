"""Who belongs to a ticket: its requester, those in Cc, and the agents who are told."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.desk.case import Case
from gateway.desk.identity import Kind, fold, is_own, is_usable
from gateway.model import Address
from gateway.settings import Agent, Settings


def requester(case: Case) -> Address:
    """The sender by strict identity; else the best that the mail offers, possibly without an address."""
    if case.sender.address and case.sender.kind is not Kind.OWN:
        return case.author
    shown = case.mail.author or Address("", "")
    candidates = (case.mail.answer_to, shown.address, case.envelope.mail_from)
    usable = (a for a in candidates if is_usable(a) and not is_own(a, case.settings))
    return Address(shown.name, next(usable, ""))


def copied(case: Case, present: Iterable[str]) -> tuple[Address, ...]:
    """The people in To and Cc who may become participants: neither we, nor agents, nor those who are ``present``.

    Each address once, and no more than ``tickets.max_cc`` in the ticket.
    """
    taken = {fold(address) for address in present}
    room = max(0, case.settings.tickets.max_cc - max(0, len(taken) - 1))
    found: list[Address] = []
    for person in (*case.mail.to, *case.mail.cc):
        key = fold(person.address)
        if key in taken or not is_usable(key) or is_own(key, case.settings) or key in case.settings.agents:
            continue
        taken.add(key)
        found.append(person)
    return tuple(found[:room])


def desk(settings: Settings, mailbox: str, assignee: str, without: str = "") -> tuple[Agent, ...]:
    """The agents who are told about a ticket: the assignee, or all of the mailbox where nobody (listed) has it.

    An assignee of other mailboxes is told beside them: nobody of theirs is answerable for it then.
    """
    assigned = settings.agents.get(fold(assignee))
    own = assigned is not None and assigned.serves(mailbox)
    told = (*([assigned] if assigned else []), *([] if own else settings.agents_of(mailbox)))
    return tuple(agent for agent in told if fold(agent.address) != fold(without))


def others(settings: Settings, mailbox: str, unreached: str) -> tuple[Agent, ...]:
    """The agents of a mailbox who are told that a mail did not reach an address: not whose it is, unless she is alone,
    for another mail may reach her."""
    agents = settings.agents_of(mailbox)
    return tuple(agent for agent in agents if fold(agent.address) != fold(unreached)) or agents
