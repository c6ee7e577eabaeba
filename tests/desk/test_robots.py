from dataclasses import replace

import pytest

from gateway.desk import loop
from gateway.desk.decision import Changes, Delivery
from gateway.desk.tokens import Purpose
from gateway.model import (
    Action,
    Bounce,
    BounceRecipient,
    MachineKind,
    MailState,
    MessageKind,
    ReadMail,
    Severity,
    Status,
)
from tests.desk.world import (
    ALICE,
    ALICE_ID,
    ANN,
    BEN,
    EVE,
    KEYS,
    NOW,
    OUTAGE,
    QUESTION,
    SETTINGS,
    TICKET_ID,
    decide,
    mail,
    robot,
    sent,
    spoken,
    ticket,
    to_customers,
    token_address,
)

ALICES = token_address(Purpose.PARTICIPANT, ALICE_ID)
DELIVERY = Delivery(31, TICKET_ID, ALICE)
RETURN_PATH = token_address(Purpose.DELIVERY, 31)
SILENT = (MachineKind.AUTO_REPLY, MachineKind.READ_RECEIPT, MachineKind.CHALLENGE, MachineKind.FEEDBACK_REPORT)


def bounce(permanent: bool = True, failed: bool = True, sender: str = "mailer-daemon@x.example") -> ReadMail:
    report = Bounce(failed, True, permanent, "ours@desk.example", (BounceRecipient(ALICE, "5.1.1", "failed", "550"),))
    return mail(sender, machine=robot(MachineKind.BOUNCE), bounce=report)


@pytest.mark.incident("Bounce storm")
def test_a_permanent_bounce_marks_the_participant_and_tells_the_desk() -> None:
    decision = decide(bounce(), to=RETURN_PATH, mail_from="", delivery=DELIVERY)
    assert (decision.state, decision.ticket_id) == (MailState.REFUSED, TICKET_ID)
    assert (decision.undeliverable, decision.failed_delivery) == (ALICE, 31)
    assert (decision.opens, decision.message, decision.changes) == (None, None, Changes())
    assert sent(decision, "undeliverable") == [ANN, BEN]
    assert {out.automatic for out in decision.mails} == {True}
    assert "5.1.1" in decision.reason


def test_the_assignee_alone_is_told_of_a_bounce() -> None:
    decision = decide(bounce(), to=RETURN_PATH, delivery=DELIVERY, standing=ticket(assignee=BEN))
    assert sent(decision, "undeliverable") == [BEN]


def test_a_bounce_of_a_notice_tells_the_other_agents() -> None:
    decision = decide(bounce(), to=RETURN_PATH, delivery=replace(DELIVERY, recipient=ANN))
    assert (sent(decision, "undeliverable"), decision.undeliverable) == ([BEN], "")


def test_a_bounce_of_a_notice_to_the_assignee_tells_the_other_agents() -> None:
    decision = decide(
        bounce(), to=RETURN_PATH, delivery=replace(DELIVERY, recipient=ANN), standing=ticket(assignee=ANN)
    )
    assert sent(decision, "undeliverable") == [BEN]


def test_a_bounce_of_a_notice_to_the_only_agent_is_told_to_her() -> None:
    alone = SETTINGS.model_copy(update={"agent": SETTINGS.agent[:1]})
    dead = replace(DELIVERY, recipient=alone.agent[0].address)
    decision = decide(bounce(), to=RETURN_PATH, delivery=dead, settings=alone)
    assert sent(decision, "undeliverable") == [alone.agent[0].address]


@pytest.mark.parametrize("report", [bounce(permanent=False), bounce(failed=False)])
def test_a_delay_is_only_noted(report: ReadMail) -> None:
    decision = decide(report, to=RETURN_PATH, delivery=DELIVERY)
    assert (decision.state, decision.mails, decision.undeliverable, decision.failed_delivery) == (
        MailState.REFUSED, (), "", 0,
    )  # fmt: skip
    assert decision.events


@pytest.mark.incident("Bounce storm")
def test_a_bounce_of_what_we_never_sent_changes_nothing() -> None:
    decision = decide(bounce())
    assert (decision.state, decision.mails, decision.events, decision.ticket_id) == (MailState.REFUSED, (), (), 0)


@pytest.mark.incident("Bounce storm")
def test_a_bounce_that_reports_an_outage_makes_no_ticket() -> None:
    decision = decide(bounce(), verdict=OUTAGE)
    assert (decision.opens, decision.page) == (None, False)


@pytest.mark.incident("Autoresponder ping-pong")
def test_our_own_mail_come_back_is_refused() -> None:
    decision = decide(mail(loop=loop.sign(KEYS, "x")), to=ALICES, verdict=OUTAGE)
    assert (decision.state, decision.mails, decision.page) == (MailState.REFUSED, (), False)


@pytest.mark.incident("Out of office")
@pytest.mark.parametrize("kind", SILENT)
@pytest.mark.parametrize(("to", "sender"), [(ALICES, ALICE), (RETURN_PATH, "alias@customer.example")])
def test_the_answer_of_a_program_is_a_silent_note(kind: MachineKind, to: str, sender: str) -> None:
    solved = ticket(status=Status.SOLVED, solved_at=NOW)
    decision = decide(mail(sender, machine=robot(kind)), to=to, standing=solved, verdict=OUTAGE, delivery=DELIVERY)
    assert decision.message
    assert (decision.state, decision.message.kind) == (MailState.APPENDED, MessageKind.NOTE)
    assert (decision.mails, decision.changes, decision.page) == ((), Changes(), False)


@pytest.mark.parametrize("kind", SILENT)
def test_the_answer_of_a_program_to_nothing_is_refused(kind: MachineKind) -> None:
    decision = decide(mail(machine=robot(kind)), verdict=OUTAGE)
    assert (decision.state, decision.mails, decision.page) == (MailState.REFUSED, (), False)
    assert kind in decision.reason


@pytest.mark.incident("Out of office")
@pytest.mark.parametrize("kind", [MachineKind.AUTO_REPLY, MachineKind.AUTO_GENERATED])
def test_what_only_reads_like_a_programs_reaches_the_desk_and_pages_but_moves_no_status(kind: MachineKind) -> None:
    waiting = ticket(status=Status.PENDING)
    decision = decide(mail(machine=spoken(kind)), to=ALICES, standing=waiting, verdict=OUTAGE)
    assert (decision.state, sent(decision, "notice"), to_customers(decision)) == (MailState.APPENDED, [ANN, BEN], [])
    assert (decision.page, decision.changes) == (True, Changes(severity=Severity.S0))


def test_an_outage_that_reads_like_a_programs_answer_to_nothing_is_a_ticket() -> None:
    away = mail(machine=spoken(MachineKind.AUTO_REPLY))
    assert decide(away, verdict=OUTAGE).state is MailState.TICKET
    assert decide(away, verdict=QUESTION).state is MailState.REFUSED


def test_a_monitors_mail_is_a_ticket_that_nobody_confirms() -> None:
    decision = decide(mail(machine=robot(MachineKind.AUTO_GENERATED)), verdict=OUTAGE)
    assert (decision.state, decision.page) == (MailState.TICKET, True)
    assert not to_customers(decision)
    assert sent(decision, "notice") == [ANN, BEN]


@pytest.mark.parametrize("kind", [MachineKind.LIST, MachineKind.BULK])
def test_a_lists_mail_is_a_ticket_only_where_it_reports_something(kind: MachineKind) -> None:
    read = mail(machine=robot(kind))
    assert decide(read, verdict=QUESTION).state is MailState.REFUSED
    for verdict in (OUTAGE, replace(QUESTION, severity=Severity.S1), replace(QUESTION, action=Action.CHECK)):
        decision = decide(read, verdict=verdict)
        assert decision.state is MailState.TICKET
        assert not to_customers(decision)


def test_a_refused_robot_that_is_released_becomes_a_ticket() -> None:
    decision = decide(mail(machine=robot(MachineKind.LIST)), released=True)
    assert decision.state is MailState.TICKET
    assert not to_customers(decision)


@pytest.mark.parametrize("kind", [MachineKind.AUTO_GENERATED, MachineKind.LIST])
def test_a_participants_mail_through_a_program_is_shown_but_moves_nothing(kind: MachineKind) -> None:
    solved = ticket(status=Status.SOLVED, solved_at=NOW)
    decision = decide(mail(machine=robot(kind)), to=ALICES, standing=solved)
    assert decision.message
    assert (decision.message.kind, decision.changes) == (MessageKind.INBOUND, Changes())
    assert sent(decision, "notice") == [ANN, BEN]


@pytest.mark.incident("Ticket Trick")
def test_a_third_partys_robot_at_somebodys_reply_address_reaches_nobody_outside() -> None:
    decision = decide(mail("noreply@shop.example", machine=robot(MachineKind.AUTO_GENERATED)), to=ALICES)
    assert decision.opens
    assert decision.opens.requester.address == "noreply@shop.example"
    assert not to_customers(decision)


@pytest.mark.incident("Bounce storm")
def test_a_null_sender_is_not_answered() -> None:
    decision = decide(mail(EVE), mail_from="")
    assert decision.opens
    assert not to_customers(decision)
