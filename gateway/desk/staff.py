"""What a genuine agent's mail does: answer, note, command, forward a customer's mail, or open a ticket."""

from __future__ import annotations

from dataclasses import replace

from gateway.desk import answer, commands, mails, people, tickets
from gateway.desk.case import Case
from gateway.desk.commands import Commands, Parsed
from gateway.desk.decision import Changes, Decision, NewMessage, Outgoing
from gateway.desk.identity import fold, is_own, is_usable
from gateway.desk.threading import Match
from gateway.model import Forward, MailState, MessageKind, Participant, Said, Severity, Status, Ticket
from gateway.settings import Agent

NEEDS_TICKET = Said(
    "there is no ticket yet that these commands could be about; only #sev goes with a mail that opens one"
)
NOTHING = Said("the mail holds no text, no command and no attachment; a picture inside the mail is none")


def work(case: Case, agent: Agent) -> Decision:
    """The mail of an agent who is proved to be one. Where it should have gone into several tickets, she is told."""
    decision, found = _work(case, agent), case.found
    if not found.besides or found.ticket is None:
        return decision
    others = ", ".join(found.besides)
    told = Said("it went to {} alone, and not to {}, whose reply address it names too", found.ticket.number, others)
    return replace(decision, mails=(*decision.mails, *mails.problem(case, agent, [told])))


def _work(case: Case, agent: Agent) -> Decision:
    forward = case.mail.forward
    # Clients quote what is answered in the shape of a forward; who answers one of our notices does not forward.
    if forward is not None and case.found.match is not Match.OWN_AGENT_TOKEN:
        return _forwarded(case, agent, forward)
    if case.ticket is None:
        return _own_ticket(case, agent)
    return _on_ticket(case, agent, case.ticket)


def _forwarded(case: Case, agent: Agent, forward: Forward) -> Decision:
    """The original sender becomes the requester; what the agent wrote above stays among agents."""
    parsed = commands.parse(forward.comment)
    problems = _problems_without_ticket(parsed)
    if problems and not case.released:
        return _hold(case, agent, problems)
    comment = forward.comment if problems else parsed.rest
    original = forward.sender
    if original is None or not is_usable(original.address) or is_own(original.address, case.settings):
        original = case.author
    message = NewMessage(
        MessageKind.INBOUND,
        original,
        forward.text if forward.text.strip() else case.mail.text,
        full_text=case.mail.text,
        evidence=(*case.evidence, f"forwarded by {agent.address}; the sender is who the forwarded mail names"),
    )
    return tickets.opened(
        case,
        original,
        message,
        f"a mail of {original.address}, forwarded by {agent.address}",
        note=replace(_note(case, comment), with_attachments=False) if comment.strip() else None,
        severity=None if problems else parsed.commands.severity,
        refers_to=case.ticket,
        language=forward.language,
    )


def _own_ticket(case: Case, agent: Agent) -> Decision:
    parsed = commands.parse(case.new_text)
    problems = _problems_without_ticket(parsed)
    if parsed.commands.note:
        problems = (NEEDS_TICKET,)
    if problems and not case.released:
        return _hold(case, agent, problems)
    text = case.new_text if problems else parsed.rest
    message = tickets.first_message(case, case.author, text, case.evidence)
    severity = None if problems else parsed.commands.severity
    return tickets.opened(case, case.author, message, f"a mail of the agent {agent.address}", severity=severity)


def _on_ticket(case: Case, agent: Agent, ticket: Ticket) -> Decision:
    parsed = commands.parse(case.new_text)
    answers = not parsed.commands.note and bool(parsed.rest.strip() or answer.files(case.mail))
    problems = parsed.problems + _unknown_assignee(case, parsed.commands)
    if answers:
        problems += answer.problems(case)
    elif not problems and parsed.commands == Commands():
        problems = (NOTHING,)
    if problems and not case.released:
        return _hold(case, agent, problems)
    if problems:
        # Released all the same: nobody knows what was meant, so it stays among agents.
        return _noted(case, agent, ticket, _note(case, case.new_text), Commands())
    if parsed.commands.note:
        return _noted(case, agent, ticket, _note(case, parsed.rest), parsed.commands)
    if not answers:
        return _commanded(case, agent, ticket, parsed.commands)
    return _answered(case, agent, ticket, parsed)


def _answered(case: Case, agent: Agent, ticket: Ticket, parsed: Parsed) -> Decision:
    """To every participant; HTML stays behind, since it may hold what the text was cut free of."""
    waits = Status.PENDING if ticket.status is Status.OPEN else None
    changes = _changes(agent, ticket, parsed.commands, waits)
    recipients = _recipients(case, ticket)
    message = NewMessage(
        MessageKind.REPLY, case.author, parsed.rest, full_text=case.mail.text, by_agent=True, evidence=case.evidence
    )
    told = people.desk(case.settings, ticket.mailbox, changes.assignee or ticket.assignee, without=agent.address)
    assigned = bool(changes.assignee or ticket.assignee)
    return _worked(
        case,
        agent,
        ticket,
        "an agent's answer",
        message,
        changes,
        (*mails.answers(recipients, agent), *mails.notices(told if assigned else (), by=agent.name)),
        [f"answered {', '.join(p.address for p in recipients) or 'nobody: all had it directly'}"],
    )


def _noted(case: Case, agent: Agent, ticket: Ticket, note: NewMessage, ordered: Commands) -> Decision:
    changes = _changes(agent, ticket, ordered)
    told = people.desk(case.settings, ticket.mailbox, changes.assignee or ticket.assignee, without=agent.address)
    notices = mails.notices(told, by=agent.name, internal=True)
    return _worked(case, agent, ticket, "an agent's note", note, changes, notices, ["noted"])


def _commanded(case: Case, agent: Agent, ticket: Ticket, ordered: Commands) -> Decision:
    """Commands alone. The message is for the history, and for the agent who gets the ticket assigned."""
    changes = _changes(agent, ticket, ordered)
    message = NewMessage(
        MessageKind.SYSTEM,
        case.author,
        "\n".join(_sentences(ticket, changes)),
        full_text=case.mail.text,
        by_agent=True,
        evidence=case.evidence,
    )
    told = (
        people.desk(case.settings, ticket.mailbox, changes.assignee, without=agent.address) if changes.assignee else ()
    )
    notices = mails.notices(told, by=agent.name, internal=True)
    return _worked(case, agent, ticket, "an agent's commands", message, changes, notices, [])


def _worked(
    case: Case,
    agent: Agent,
    ticket: Ticket,
    why: str,
    message: NewMessage,
    changes: Changes,
    outgoing: tuple[Outgoing, ...],
    events: list[str],
) -> Decision:
    return Decision(
        MailState.APPENDED,
        why,
        ticket_id=ticket.id,
        message=message,
        changes=changes,
        mails=outgoing,
        page=changes.severity is Severity.S0 and ticket.severity is not Severity.S0,
        events=(*events, *_sentences(ticket, changes)),
        actor=agent.address,
    )


def _recipients(case: Case, ticket: Ticket) -> list[Participant]:
    """The participants, without those who got the mail directly."""
    direct = {fold(a.address) for a in (*case.mail.to, *case.mail.cc)} | {case.sender.address}
    return [p for p in ticket.participants if fold(p.address) not in direct]


def _changes(agent: Agent, ticket: Ticket, ordered: Commands, status: Status | None = None) -> Changes:
    assignee = agent.address if ordered.assign == "me" else ordered.assign or None
    return Changes(ordered.status or status, ordered.severity, assignee)


def _sentences(ticket: Ticket, changes: Changes) -> list[str]:
    said = []
    if changes.status not in (None, ticket.status):
        said.append(f"{ticket.status.value} -> {changes.status}")
    if changes.severity not in (None, ticket.severity):
        said.append(f"severity {ticket.severity.value} -> {changes.severity}")
    if changes.assignee not in (None, ticket.assignee):
        said.append(f"assigned to {changes.assignee}")
    return said


def _note(case: Case, text: str) -> NewMessage:
    return NewMessage(
        MessageKind.NOTE, case.author, text, full_text=case.mail.text, by_agent=True, evidence=case.evidence
    )


def _unknown_assignee(case: Case, ordered: Commands) -> tuple[str, ...]:
    if ordered.assign in ("", "me") or fold(ordered.assign) in case.settings.agents:
        return ()
    return (Said("#assign: {} is no agent here", ordered.assign[:80]),)


def _problems_without_ticket(parsed: Parsed) -> tuple[str, ...]:
    needy = parsed.commands.status is not None or parsed.commands.assign
    return (*parsed.problems, NEEDS_TICKET) if needy else parsed.problems


def _hold(case: Case, agent: Agent, problems: tuple[str, ...]) -> Decision:
    return Decision(
        MailState.HELD,
        f"a mail of {agent.address} could not be carried out: {'; '.join(problems)}",
        ticket_id=case.ticket.id if case.ticket else 0,
        mails=mails.problem(case, agent, problems),
        events=("an agent's mail is held, since it could not be carried out",),
        actor=agent.address,
    )
