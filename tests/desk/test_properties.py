"""What must hold for every mail whatever: any sender, proof, pointer, text, robot."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.desk import decide as desk
from gateway.desk import threading
from gateway.desk.decision import Decision, Delivery, Known
from gateway.desk.identity import is_own
from gateway.desk.tokens import Purpose
from gateway.model import (
    Address,
    Bounce,
    Envelope,
    Forward,
    MachineKind,
    MailState,
    MessageKind,
    ReadMail,
    Status,
)
from tests.desk.world import (
    ALICE,
    ALICE_ID,
    ANN,
    BEN,
    BOB,
    EVE,
    KEYS,
    NOW,
    OUTAGE,
    QUESTION,
    SALES,
    SETTINGS,
    SUPPORT,
    TICKET_ID,
    agent_address,
    decide,
    mail,
    robot,
    ticket,
    to_customers,
    token_address,
)

SECRET = "never for customers"
ALICES = token_address(Purpose.PARTICIPANT, ALICE_ID)
ADDRESSES = st.sampled_from([ALICE, BOB, EVE, ANN, BEN, SUPPORT, SALES, ALICES, "HILFE@desk.example", "", "no address"])
PEOPLE = st.lists(ADDRESSES.map(lambda a: Address("", a)), max_size=4).map(tuple)
RECIPIENTS = st.sampled_from(
    [
        SUPPORT, SALES, ALICES, agent_address(ANN), agent_address(ANN, Purpose.INTERNAL),
        token_address(Purpose.DELIVERY, 31), token_address(Purpose.AGENT, 5),
    ]
)  # fmt: skip
KINDS = st.lists(st.sampled_from(MachineKind), max_size=2, unique=True)
POINTERS: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{}, {"subject": "[SUP-7]"}, {"in_reply_to": ("first@customer.example",)}]
)
TEXTS = st.sampled_from(["Text.", "", "#solved", "#note\nx", "#nte\nx", "#sev S0\nx", "#assign ben@staff.example\nx"])
FORWARDS = st.sampled_from(
    [
        None,
        Forward(Address("", EVE), (), (), (), "", "", "Help", ""),
        Forward(Address("", SUPPORT), (), (), (), "", "", "", ""),
    ]
)
BOUNCES = st.sampled_from([None, Bounce(True, True, True, "ours", ()), Bounce(True, True, False, "", ())])


@st.composite
def mails(draw: st.DrawFn) -> ReadMail:
    kinds = draw(KINDS)
    return mail(
        draw(ADDRESSES),
        draw(TEXTS),
        to=draw(PEOPLE),
        cc=draw(PEOPLE),
        answer_to=draw(ADDRESSES),
        forward=draw(FORWARDS),
        bounce=draw(BOUNCES),
        **({"machine": robot(*kinds)} if kinds else {}),
        **draw(POINTERS),
    )


SITUATIONS = st.fixed_dictionaries(
    {
        "to": RECIPIENTS,
        "auth": st.sampled_from(["", ANN, BEN]),
        "mail_from": ADDRESSES,
        "verdict": st.sampled_from([QUESTION, OUTAGE]),
        "released": st.booleans(),
        "standing": st.builds(ticket, status=st.sampled_from(Status), assignee=st.sampled_from(["", ANN, BEN])),
        "delivery": st.sampled_from([None, Delivery(31, TICKET_ID, ALICE), Delivery(32, TICKET_ID, BEN)]),
        "recent_from_sender": st.sampled_from([0, 30]),
    }
)


def invisible(decision: Decision) -> bool:
    """Whether the message is for agents alone."""
    message = decision.message
    return message is not None and message.kind in (MessageKind.NOTE, MessageKind.SYSTEM)


@given(mails(), SITUATIONS)
def test_nothing_is_ever_sent_to_ourselves(read: ReadMail, situation: dict[str, Any]) -> None:
    assert not [out for out in decide(read, **situation).mails if is_own(out.recipient.address, SETTINGS)]


@given(mails(), SITUATIONS)
def test_only_agents_get_what_is_for_agents(read: ReadMail, situation: dict[str, Any]) -> None:
    decision = decide(read, **situation)
    assert {out.template for out in to_customers(decision)} <= {"confirmation", "answer"}
    assert not (invisible(decision) and to_customers(decision))


@pytest.mark.incident("Autoresponder ping-pong")
@given(mails(), SITUATIONS)
def test_a_robot_makes_no_mail_to_anyone_outside(read: ReadMail, situation: dict[str, Any]) -> None:
    if set(read.machine.kinds) - {MachineKind.OWN_LOOP} or not situation["mail_from"]:
        assert not to_customers(decide(read, **situation))


@given(mails(), SITUATIONS)
def test_an_answer_is_only_ever_a_proved_or_released_agents(read: ReadMail, situation: dict[str, Any]) -> None:
    decision = decide(read, **situation)
    if any(out.template == "answer" for out in decision.mails):
        proved = situation["auth"] in (ANN, BEN) or situation["to"] == agent_address(ANN) or situation["released"]
        assert proved
        assert decision.actor in (ANN, BEN)


@given(mails(), SITUATIONS)
def test_every_mail_ends_in_a_state_with_a_reason(read: ReadMail, situation: dict[str, Any]) -> None:
    decision = decide(read, **situation)
    assert decision.reason
    assert (decision.opens is not None) == (decision.state is MailState.TICKET)
    assert (decision.state is MailState.APPENDED) <= (decision.ticket_id == TICKET_ID and decision.message is not None)
    assert decision.message is not None or decision.state in (MailState.HELD, MailState.REFUSED)
    assert not (decision.page and decision.state in (MailState.HELD, MailState.REFUSED))


@given(
    st.sampled_from(["#note", "＃NOTE", "\u00a0#note ", "\u200b#note", "#note\n#sev S1", "\n\n#solved\n#note"]), PEOPLE
)
def test_an_internal_note_reaches_no_customer(command: str, cc: tuple[Address, ...]) -> None:
    decision = decide(mail(ANN, f"{command}\n{SECRET}", cc=cc, safe_html=SECRET), to=agent_address(ANN))
    assert decision.message
    assert SECRET in decision.message.text
    assert decision.message.kind is MessageKind.NOTE
    assert not to_customers(decision)
    assert not decision.joins


@given(ADDRESSES, ADDRESSES, RECIPIENTS, st.text(max_size=20))
def test_a_mail_that_cannot_be_read_is_a_ticket_that_nobody_outside_hears_of(
    sender: str, mail_from: str, to: str, subject: str
) -> None:
    envelope = Envelope("smtp", mail_from, (to,))
    lookups = threading.lookups(mail(sender, subject=subject, content_hash=""), envelope, SETTINGS, KEYS, NOW)
    known = Known(tickets={TICKET_ID: ticket()})
    decision = desk.unreadable(envelope, subject, sender, lookups, known, SETTINGS, NOW)
    assert not to_customers(decision)
    if decision.message is not None:
        assert desk.UNREADABLE in (decision.message.text, decision.message.full_text)
    else:
        assert decision.state in (MailState.HELD, MailState.REFUSED)


def test_a_strangers_mail_that_cannot_be_read_is_a_ticket() -> None:
    envelope = Envelope("smtp", EVE, (SUPPORT,))
    lookups = threading.lookups(mail(EVE), envelope, SETTINGS, KEYS, NOW)
    decision = desk.unreadable(envelope, "Portal down", EVE, lookups, Known(), SETTINGS, NOW)
    assert decision.opens
    assert (decision.opens.subject, decision.opens.requester.address) == ("Portal down", EVE)
    assert [out.template for out in decision.mails] == ["notice", "notice"]


def test_an_agents_mail_that_cannot_be_read_goes_nowhere() -> None:
    envelope = Envelope("smtp", ANN, (agent_address(ANN),), auth=ANN)
    lookups = threading.lookups(mail(ANN), envelope, SETTINGS, KEYS, NOW)
    known = Known(tickets={TICKET_ID: ticket()})
    assert desk.unreadable(envelope, "x", ANN, lookups, known, SETTINGS, NOW).state is MailState.HELD
