"""The mails that a decision sends: to whom, and which."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.desk import commands, people
from gateway.desk.case import Case
from gateway.desk.decision import Outgoing
from gateway.desk.identity import Level, fold, is_answerable, is_own, is_usable
from gateway.model import Address, Participant, Said
from gateway.settings import Agent, Settings


def confirmations(case: Case, recipients: Iterable[Address]) -> tuple[Outgoing, ...]:
    """One each, where the mail may be answered by a machine at all (RFC 3834 §2), up to the limit of each address."""
    if not _may_answer(case):
        return ()
    most, had = case.settings.loops.acknowledgements_per_hour, case.known.copied
    answerable = (who for who in recipients if is_answerable(who.address) and had.get(fold(who.address), 0) < most)
    return tuple(Outgoing("confirmation", who, "participant", automatic=True) for who in answerable)


def _may_answer(case: Case) -> bool:
    loops, known = case.settings.loops, case.known
    return (
        not case.sender.robot
        and case.mail.machine.may_answer
        and case.level > Level.A1
        and known.recent_from_sender < loops.mails
        and known.acknowledged < loops.acknowledgements_per_hour
        # A vacation program without marks answers each confirmation with the same mail, as long as there is one.
        and not known.repeats
    )


def notices(agents: Iterable[Agent], *, by: str = "", internal: bool = False) -> tuple[Outgoing, ...]:
    """The message, to agents. ``internal``: nobody outside sees it."""
    purpose = "internal" if internal else "agent"
    return tuple(
        Outgoing("notice", _address(agent), purpose, sender_name=by, with_attachments=True) for agent in agents
    )


def answers(recipients: Iterable[Participant], agent: Agent) -> tuple[Outgoing, ...]:
    """An agent's answer, to customers."""
    return tuple(
        Outgoing(
            "answer", Address(p.name, p.address), "participant", sender_name=agent.name, with_attachments=True
        )
        for p in recipients
    )  # fmt: skip


def problem(case: Case, agent: Agent, problems: Sequence[str]) -> tuple[Outgoing, ...]:
    """To an agent: what was wrong with a mail of hers, and how to mend it."""
    if case.known.recent_from_sender >= case.settings.loops.mails:
        return ()
    details = {
        "problem": Said("\n".join(["{}"] * len(problems)), *problems),
        "remedy": Said(
            "Send it again. Commands stand above the text, each on a line of its own: {}.", commands.KNOWN
        ),
    }
    return (Outgoing("problem", _address(agent), _purpose(case), automatic=True, details=details),)


def held(case: Case, agents: Iterable[Agent], why: str, remedy: str) -> tuple[Outgoing, ...]:
    """To agents only: a mail waits for an operator. An answer to it is meant for none of the ticket's."""
    details = {"problem": why, "remedy": remedy, "sender": case.lookups.sender}
    return tuple(Outgoing("held", _address(a), "none", automatic=True, details=details) for a in agents)


def undeliverable(agents: Iterable[Agent], recipient: str, status: str) -> tuple[Outgoing, ...]:
    """To agents: a mail did not arrive. Automatic, so that it never bounces itself."""
    details = {"recipient": recipient, "status": status}
    return tuple(Outgoing("undeliverable", _address(a), "agent", automatic=True, details=details) for a in agents)


def sendable(mails: Iterable[Outgoing], settings: Settings) -> tuple[Outgoing, ...]:
    """What may leave: nothing to ourselves, nothing to what is no address, and no mail twice."""
    kept: dict[tuple[str, str], Outgoing] = {}
    for mail in mails:
        address = mail.recipient.address
        if is_usable(address) and not is_own(address, settings):
            kept.setdefault((mail.template, fold(address)), mail)
    return tuple(kept.values())


def shown_name(case: Case) -> str:
    """Who a notice seems to come from; empty where the name would deceive."""
    return "" if case.sender.posing else people.requester(case).name


def _address(agent: Agent) -> Address:
    return Address(agent.name, agent.address)


def _purpose(case: Case) -> str:
    return "agent" if case.ticket else "none"
