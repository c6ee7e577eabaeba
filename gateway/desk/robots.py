"""What a robot's mail does (RFC 3834, RFC 3464). No robot is ever answered, and none moves a ticket's status."""

from __future__ import annotations

from gateway.desk import mails, people, tickets
from gateway.desk.case import Case
from gateway.desk.decision import Decision, Delivery, NewMessage
from gateway.desk.identity import Kind, fold
from gateway.model import Action, Bounce, MachineKind, MailState, MessageKind, Severity, Ticket

_SILENT = frozenset(
    {MachineKind.AUTO_REPLY, MachineKind.READ_RECEIPT, MachineKind.CHALLENGE, MachineKind.FEEDBACK_REPORT}
)
"""Answers of a program to a mail of ours: worth a line in the ticket, not somebody's attention."""


def handle(case: Case) -> Decision:
    """Bounces first; then what belongs to a ticket; then what reports something."""
    robot = case.sender.robot
    if case.mail.bounce is not None or MachineKind.BOUNCE in robot:
        return _bounce(case, case.mail.bounce)
    if case.sender.kind is not Kind.CUSTOMER:
        return refuse(case, f"automatic mail of {case.sender.address}, which is never sent on")
    ticket = _own_ticket(case)
    # What a person may have written is shown to somebody: nothing is lost by a sentence that sounds like a program's.
    silent = robot & _SILENT and not case.sender.doubtful_robot
    if ticket is not None:
        return _noted(case, ticket) if silent else tickets.append(case, ticket)
    if case.released or (not silent and (MachineKind.AUTO_GENERATED in robot or _reports(case))):
        return tickets.open_ticket(
            case, f"a robot's report, not answered ({case.mail.machine.reason or 'null sender'})"
        )
    return refuse(case, f"automatic mail ({', '.join(sorted(robot))}): {case.mail.machine.reason}")


def refuse(case: Case, why: str) -> Decision:
    """Kept and listed, but it reaches nobody."""
    return Decision(MailState.REFUSED, why, ticket_id=case.ticket.id if case.ticket else 0)


def _own_ticket(case: Case) -> Ticket | None:
    """The ticket that the robot's owner is part of. Automatic answers go to the return path (RFC 3834 §4), which
    names a delivery of ours, whatever their From says."""
    if case.found.participant is not None:
        return case.ticket
    delivery = case.known.delivery
    answered = delivery is not None and case.ticket is not None and delivery.ticket_id == case.ticket.id
    return case.ticket if answered else None


def _reports(case: Case) -> bool:
    """Lists carry newsletters and monitors alike: what a monitor reports is a report like any other."""
    return case.verdict.severity in (Severity.S0, Severity.S1) or case.verdict.action is not Action.QUEUE


def _noted(case: Case, ticket: Ticket) -> Decision:
    message = NewMessage(
        MessageKind.NOTE, people.requester(case), case.new_text or case.mail.text, full_text=case.mail.text,
        evidence=case.evidence,
    )  # fmt: skip
    return Decision(
        MailState.APPENDED,
        f"an automatic answer, kept as a note ({case.mail.machine.reason})",
        ticket_id=ticket.id,
        message=message,
        events=(f"automatic answer of {case.sender.address or 'somebody unnamed'} kept",),
    )


def _bounce(case: Case, bounce: Bounce | None) -> Decision:
    delivery = case.known.delivery
    if delivery is None:
        return Decision(MailState.REFUSED, "a bounce of a mail that is not known here")
    status = next((r.status for r in bounce.recipients if r.status), "") if bounce else ""
    status = status or "no status given"
    spoken = f"{delivery.recipient} ({status})"
    if bounce is None or not (bounce.failed and bounce.permanent):
        why = f"a report on the mail to {spoken}: not delivered yet, or not to be read"
        return Decision(MailState.REFUSED, why, ticket_id=delivery.ticket_id, events=(why,))
    return _undeliverable(case, delivery, spoken, status)


def _undeliverable(case: Case, delivery: Delivery, spoken: str, status: str) -> Decision:
    ticket = case.known.tickets.get(delivery.ticket_id)
    assignee = ticket.assignee if ticket else ""
    mailbox = ticket.mailbox if ticket else case.mailbox
    dead = fold(delivery.recipient)
    participants = ticket.participants if ticket else ()
    told = people.desk(case.settings, mailbox, assignee, without=dead) or people.others(case.settings, mailbox, dead)
    return Decision(
        MailState.REFUSED,
        f"bounce of the mail to {spoken}",
        ticket_id=delivery.ticket_id,
        mails=mails.undeliverable(told, delivery.recipient, status),
        events=(f"the mail to {spoken} came back",),
        undeliverable=next((p.address for p in participants if fold(p.address) == dead), ""),
        failed_delivery=delivery.id,
    )
