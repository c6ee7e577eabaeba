from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.desk.decision import Changes
from gateway.desk.tokens import Purpose
from gateway.model import (
    Action,
    Address,
    Attachment,
    Identity,
    Machine,
    MachineKind,
    MailState,
    MessageKind,
    ReadMail,
    Reply,
    Role,
    Severity,
    Status,
    Verdict,
)
from tests.desk.world import (
    ALICE,
    ALICE_ID,
    ANN,
    BEN,
    BOB,
    BOB_ID,
    EVE,
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
    sent,
    spoken,
    ticket,
    to_customers,
    token_address,
)

ALICES = token_address(Purpose.PARTICIPANT, ALICE_ID)
BOBS = token_address(Purpose.PARTICIPANT, BOB_ID)


def test_a_first_mail_opens_a_ticket_and_tells_everyone() -> None:
    decision = decide(mail(author=Address("Alice", "Alice@Customer.example"), cc=(Address("Bob", BOB),)))
    assert decision.state is MailState.TICKET
    assert decision.opens is not None
    assert decision.opens.requester == Address("Alice", "Alice@Customer.example")
    assert decision.opens.cc == (Address("Bob", BOB),)
    assert (decision.opens.subject, decision.opens.mailbox, decision.opens.language) == (
        "Export fails",
        "support",
        "en",
    )
    assert sent(decision, "confirmation") == ["Alice@Customer.example", BOB]
    assert sent(decision, "notice") == [ANN, BEN]
    assert all(out.automatic for out in to_customers(decision))
    assert decision.message is not None
    assert decision.message.evidence


def test_only_the_agents_of_the_mailbox_are_told() -> None:
    decision = decide(mail(to=(Address("", SALES),)), to=SALES)
    assert sent(decision, "notice") == [ANN]
    assert decision.opens
    assert decision.opens.language == "de"


def test_the_language_of_the_mail_goes_before_the_mailboxs() -> None:
    opens = decide(mail(language="fr")).opens
    assert opens
    assert opens.language == "fr"


def test_cc_holds_neither_us_nor_agents_nor_anyone_twice() -> None:
    people = (
        SUPPORT,
        "support+abc@desk.example",
        "HILFE@desk.example",
        ANN,
        ALICE,
        BOB,
        BOB.upper(),
        "no address",
        EVE,
    )
    opens = decide(mail(to=tuple(Address("", a) for a in people))).opens
    assert opens
    assert [p.address for p in opens.cc] == [BOB, EVE]


@pytest.mark.incident("People of a ticket")
def test_cc_is_capped() -> None:
    crowd = tuple(Address("", f"p{n}@x.example") for n in range(80))
    opens = decide(mail(cc=crowd)).opens
    assert opens
    assert len(opens.cc) == SETTINGS.tickets.max_cc


def test_the_description_is_the_new_text_and_the_whole_body_where_there_is_none() -> None:
    signed = decide(mail(text="Help!\n-- \nAlice", reply=Reply(text="Help!", signature="Alice"))).message
    assert signed
    assert (signed.text, signed.full_text) == ("Help!", "Help!\n-- \nAlice")
    quoted = decide(mail(text="> Help!", reply=Reply(quoted="> Help!"))).message
    assert quoted
    assert quoted.text == "> Help!"


def test_what_was_cut_goes_with_the_first_message_alone() -> None:
    parts = Reply(text="Help!", quoted="> old\n-- \nAlice")
    first = decide(mail(text="Help!\n> old\n-- \nAlice", reply=parts)).message
    later = decide(mail(BOB, reply=parts), to=BOBS).message
    whole = decide(mail(text="> old", reply=Reply(quoted="> old"))).message
    assert first
    assert later
    assert whole
    assert (first.cut, later.cut, whole.cut) == ("> old\n-- \nAlice", "", "")


def test_html_is_taken_over_only_where_nothing_was_cut() -> None:
    whole = decide(mail(safe_html="<p>Help!</p>")).message
    cut = decide(mail(safe_html="<p>Help!</p>", reply=Reply(text="Help!", quoted="> old"))).message
    assert whole
    assert cut
    assert (whole.html, cut.html) == ("<p>Help!</p>", "")


@pytest.mark.incident("Look-alike names")
@pytest.mark.parametrize(
    ("base", "shown"),
    [
        ("", "(no subject)"),
        ("[SUP-3] [sup-4]", "(no subject)"),
        ("  a\tb\x07\u202ec ", "a b c"),
        ("x" * 999, "x" * 250),
    ],
)
def test_the_subject_is_cleaned(base: str, shown: str) -> None:
    opens = decide(mail(subject_base=base)).opens
    assert opens
    assert opens.subject == shown


@pytest.mark.incident("Two From fields")
def test_an_ambiguous_from_makes_a_ticket_that_is_not_confirmed() -> None:
    decision = decide(mail("", identity=Identity("", ("two From fields",)), author=Address("A", EVE), answer_to=EVE))
    assert decision.opens
    assert decision.opens.requester == Address("A", EVE)
    assert not to_customers(decision)
    assert decision.message
    assert any("proves nothing" in line for line in decision.message.evidence)


def test_without_any_sender_there_is_still_a_ticket() -> None:
    decision = decide(mail("", author=None, answer_to=""), mail_from=SUPPORT)
    assert decision.opens
    assert decision.opens.requester == Address("", "")


def test_a_first_mail_pages_as_its_verdict_says() -> None:
    assert decide(mail(), verdict=OUTAGE).page
    assert not decide(mail(), verdict=replace(OUTAGE, action=Action.CHECK)).page
    assert decide(mail(), verdict=replace(OUTAGE, severity=Severity.S1)).page


@pytest.mark.incident("Relay spam")
@pytest.mark.parametrize(
    "known",
    [{"recent_from_sender": SETTINGS.loops.mails}, {"acknowledged": SETTINGS.loops.acknowledgements_per_hour}],
)
def test_beyond_the_limits_a_mail_is_kept_but_not_answered(known: dict[str, Any]) -> None:
    decision = decide(mail(cc=(Address("", BOB),)), **known)
    assert decision.opens
    assert not to_customers(decision)
    assert sent(decision, "notice") == [ANN, BEN]


@pytest.mark.incident("Autoresponder ping-pong")
def test_who_says_again_what_was_confirmed_within_the_hour_gets_a_ticket_and_no_confirmation() -> None:
    decision = decide(mail(cc=(Address("", BOB),)), repeats=True)
    assert decision.opens
    assert not to_customers(decision)
    assert sent(decision, "notice") == [ANN, BEN]


@pytest.mark.incident("Relay spam")
def test_the_limit_of_confirmations_is_each_persons_own() -> None:
    had = {BOB: SETTINGS.loops.acknowledgements_per_hour, EVE: 19}
    decision = decide(mail(cc=(Address("", BOB.upper()), Address("", EVE))), copied=had)
    assert sent(decision, "confirmation") == [ALICE, EVE]
    assert decision.opens
    assert len(decision.opens.cc) == 2


def test_below_the_limits_it_is_answered() -> None:
    assert to_customers(decide(mail(), recent_from_sender=29, acknowledged=19))


@pytest.mark.parametrize("sender", ["noreply@x.example", "MAILER-DAEMON@x.example", "abuse@x.example"])
def test_an_address_that_is_no_persons_is_not_confirmed(sender: str) -> None:
    decision = decide(mail(sender, cc=(Address("", "postmaster@x.example"), Address("", BOB))))
    assert sent(decision, "confirmation") == [BOB]


def test_who_asks_for_no_automatic_answer_gets_none() -> None:
    assert not to_customers(decide(mail(machine=Machine(may_answer=False))))


def test_a_participant_with_his_token_appends() -> None:
    decision = decide(mail(BOB), to=BOBS)
    assert (decision.state, decision.ticket_id, decision.opens) == (MailState.APPENDED, TICKET_ID, None)
    assert decision.message
    assert decision.message.kind is MessageKind.INBOUND
    assert [out.template for out in decision.mails] == ["notice", "notice"]
    assert decision.changes == Changes()


def test_where_a_customers_mail_went_into_one_of_several_tickets_its_history_says_so() -> None:
    both = (Address("", ALICES), Address("", token_address(Purpose.PARTICIPANT, ALICE_ID, 8)))
    decision = decide(mail(to=both), tickets={TICKET_ID: ticket(), 8: ticket(id=8, number="SUP-8")})
    assert decision.ticket_id == TICKET_ID
    assert "sent to SUP-8 as well, which did not get it" in decision.events


@pytest.mark.parametrize("pointer", [{"subject": "Re: [SUP-7] Export"}, {"in_reply_to": ("first@customer.example",)}])
def test_a_participant_is_known_by_id_or_tag(pointer: dict[str, str]) -> None:
    decision = decide(mail(BOB, **pointer))
    assert (decision.state, decision.ticket_id) == (MailState.APPENDED, TICKET_ID)


def test_the_assignee_alone_is_told() -> None:
    assert sent(decide(mail(), to=ALICES, standing=ticket(assignee=BEN)), "notice") == [BEN]


def test_the_agents_of_a_mailbox_are_told_beside_an_assignee_of_another() -> None:
    lent = ticket(mailbox="sales", number="SAL-7", assignee=BEN)
    assert sent(decide(mail(), to=ALICES, standing=lent), "notice") == [BEN, ANN]


def test_all_are_told_where_the_assignee_is_no_agent_any_more() -> None:
    assert sent(decide(mail(), to=ALICES, standing=ticket(assignee="left@staff.example")), "notice") == [ANN, BEN]


@pytest.mark.parametrize(("status", "becomes"), [(Status.OPEN, None), (Status.PENDING, Status.OPEN)])
def test_an_answer_wakes_a_ticket(status: Status, becomes: Status | None) -> None:
    assert decide(mail(), to=ALICES, standing=ticket(status=status)).changes.status is becomes


def test_an_answer_reopens_a_solved_ticket_for_some_days_and_then_starts_a_new_one() -> None:
    days = SETTINGS.tickets.reopen_days
    solved = ticket(status=Status.SOLVED, solved_at=NOW - timedelta(days=days))
    assert decide(mail(), to=ALICES, standing=solved).changes.status is Status.OPEN
    older = replace(solved, solved_at=NOW - timedelta(days=days, seconds=1))
    decision = decide(mail(), to=ALICES, standing=older)
    assert decision.opens
    assert decision.opens.refers_to == TICKET_ID
    assert decision.ticket_id == 0


def test_an_answer_raises_to_s0_and_pages_but_never_lowers() -> None:
    decision = decide(mail(), to=ALICES, verdict=OUTAGE)
    assert (decision.changes.severity, decision.page) == (Severity.S0, True)
    calmer = decide(mail(), to=ALICES, standing=ticket(severity=Severity.S0))
    assert (calmer.changes.severity, calmer.page) == (None, False)


@pytest.mark.incident("Paging in other hands")
def test_an_outage_that_is_known_pages_once_and_one_that_is_back_pages_again() -> None:
    assert not decide(mail(), to=ALICES, verdict=OUTAGE, standing=ticket(severity=Severity.S0)).page
    back = ticket(severity=Severity.S0, status=Status.SOLVED, solved_at=NOW)
    assert decide(mail(), to=ALICES, verdict=OUTAGE, standing=back).page


def test_people_in_cc_join_where_the_sender_has_his_own_token() -> None:
    decision = decide(mail(cc=(Address("Eve", EVE), Address("", BOB), Address("", ANN))), to=ALICES)
    assert decision.joins == ((Address("Eve", EVE), Role.CC),)
    assert not to_customers(decision)


@pytest.mark.parametrize(("to", "back"), [(ALICES, ALICE), (SUPPORT, "")])
def test_who_was_taken_for_dead_is_reachable_again_by_a_mail_with_his_own_token(to: str, back: str) -> None:
    alice, bob = ticket().participants
    bounced = ticket(participants=(replace(alice, undeliverable=True), bob))
    assert decide(mail(subject="[SUP-7]"), to=to, standing=bounced).reachable == back
    assert not decide(mail(subject="[SUP-7]"), to=to).reachable


@pytest.mark.incident("CVE-2024-49193")
@pytest.mark.parametrize("to", [SUPPORT, BOBS])
def test_nobody_joins_by_a_mail_that_anyone_could_have_written(to: str) -> None:
    decision = decide(mail(subject="[SUP-7]", cc=(Address("", EVE),)), to=to)
    assert decision.state is MailState.APPENDED
    assert not decision.joins
    assert any(EVE in event for event in decision.events)


@pytest.mark.incident("People of a ticket")
def test_those_who_join_are_capped_with_those_who_are_there() -> None:
    crowd = tuple(Address("", f"p{n}@x.example") for n in range(80))
    assert len(decide(mail(cc=crowd), to=ALICES).joins) == SETTINGS.tickets.max_cc - 1


@pytest.mark.incident("Ticket Trick", "Token in other hands")
def test_a_stranger_with_somebodys_token_is_held_and_only_agents_are_told() -> None:
    decision = decide(mail(EVE), to=ALICES)
    assert (decision.state, decision.ticket_id, decision.message) == (MailState.HELD, TICKET_ID, None)
    assert sent(decision, "held") == [ANN, BEN]
    assert not to_customers(decision)


def test_who_is_let_through_joins_and_is_answered_and_brings_nobody() -> None:
    decision = decide(mail(EVE, cc=(Address("", "friend@elsewhere.example"),)), to=ALICES, released=True)
    assert (decision.state, decision.ticket_id) == (MailState.APPENDED, TICKET_ID)
    assert decision.joins == ((Address("", EVE), Role.CC),)
    assert f"{EVE} joined, let through by an operator" in decision.events


def test_an_outage_told_by_a_stranger_with_a_token_is_not_held_but_paged() -> None:
    decision = decide(mail(EVE), to=ALICES, verdict=OUTAGE)
    assert (decision.state, decision.page) == (MailState.TICKET, True)
    assert decision.opens
    assert decision.opens.refers_to == TICKET_ID


@pytest.mark.incident("GHSA-j49f")
@pytest.mark.parametrize("pointer", [{"subject": "Re: [SUP-7] Export"}, {"in_reply_to": ("first@customer.example",)}])
def test_a_stranger_with_id_or_tag_gets_a_ticket_of_his_own(pointer: dict[str, str]) -> None:
    decision = decide(mail(EVE, **pointer))
    assert decision.opens
    assert (decision.opens.requester.address, decision.opens.refers_to) == (EVE, TICKET_ID)
    assert [out.recipient.address for out in to_customers(decision)] == [EVE]


@pytest.mark.incident("GHSA-j49f")
@pytest.mark.parametrize("pointer", [{"subject": "[SAL-7] Export"}, {"in_reply_to": ("first@customer.example",)}])
def test_a_stranger_moves_his_mail_into_no_other_mailbox(pointer: dict[str, str]) -> None:
    decision = decide(mail(EVE, **pointer), standing=ticket(number="SAL-7", mailbox="sales"))
    assert decision.opens
    assert (decision.opens.mailbox, decision.opens.refers_to) == ("support", TICKET_ID)
    assert sent(decision, "notice") == [ANN, BEN]


@pytest.mark.incident("CVE-2026-47123")
@pytest.mark.parametrize("holder", [ALICE, EVE, "former@staff.example"])
def test_an_agents_reply_address_in_other_hands_is_held(holder: str) -> None:
    assert decide(mail(holder), to=agent_address(ANN)).state is MailState.HELD


def test_mail_from_our_own_address_is_held_and_the_desk_is_told_of_the_first() -> None:
    decision = decide(mail("Support+x@desk.example"))
    assert (decision.state, sent(decision, "held"), to_customers(decision)) == (MailState.HELD, [ANN, BEN], [])
    assert not decide(mail("Support+x@desk.example"), recent_from_sender=1).mails


def test_an_outage_by_a_web_form_that_writes_from_our_address_is_paged_and_its_visitor_answered() -> None:
    decision = decide(mail(SUPPORT, answer_to=ALICE), verdict=OUTAGE)
    assert decision.opens
    assert (decision.state, decision.page, decision.opens.requester.address) == (MailState.TICKET, True, ALICE)


def test_who_logs_nobody_in_from_our_address_and_is_let_through_is_no_participant() -> None:
    decision = decide(mail(SUPPORT, subject="[SUP-7]"), released=True)
    assert (decision.state, decision.joins) == (MailState.APPENDED, ())


@pytest.mark.incident("Two From fields")
@pytest.mark.parametrize("verdict", [QUESTION, OUTAGE])
def test_a_from_that_names_an_agent_among_others_is_held(verdict: Verdict) -> None:
    forged = mail(ANN, identity=Identity("", ("several-from-headers",)))
    decision = decide(forged, mail_from=EVE, verdict=verdict)
    assert (decision.state, decision.page, sent(decision, "held")) == (MailState.HELD, False, [ANN, BEN])


@pytest.mark.incident("Two From fields")
def test_an_agents_reply_address_proves_nothing_for_a_from_that_names_her_twice() -> None:
    forged = mail(ANN, "#solved", identity=Identity("", ("several-from-headers",)))
    assert decide(forged, to=agent_address(ANN), mail_from=EVE).state is MailState.HELD


@pytest.mark.parametrize(
    ("read", "doubts"),
    [
        (mail(EVE), []),
        (mail(EVE, author=Address("Ann", EVE)), ["an agent's name"]),
        (mail(EVE, identity=Identity(EVE, ("address-in-display-name",))), ["another address"]),
        (mail("", identity=Identity("", ("no-from",)), author=None), ["nobody for certain"]),
        (mail(ALICE, subject="[SUP-7]"), ["nothing but its From"]),
        (mail(ALICE, machine=spoken(MachineKind.AUTO_GENERATED)), ["reads like an automatic answer"]),
    ],
)
def test_staff_are_warned_of_what_is_doubtful(read: ReadMail, doubts: list[str]) -> None:
    message = decide(read).message
    assert message
    assert len(message.doubts) == len(doubts)
    assert all(part in doubt for part, doubt in zip(doubts, message.doubts, strict=True))


@pytest.mark.incident("Replayed mail")
def test_the_same_mail_again_is_refused() -> None:
    decision = decide(mail(), duplicate_of=12, duplicate_ticket="SUP-3")
    assert (decision.state, decision.reason, decision.mails) == (MailState.REFUSED, "the same mail as #12 (SUP-3)", ())


def test_attachments_go_with_the_notice() -> None:
    picture = Attachment("a.png", "image/png", "attachment", "", 1, "0", 0, 1, "base64")
    decision = decide(mail(attachments=(picture,)))
    assert decision.message
    assert decision.message.with_attachments
    assert all(out.with_attachments for out in decision.mails if out.template == "notice")


@pytest.mark.incident("Look-alike names")
def test_a_notice_never_carries_an_agents_name_for_a_stranger() -> None:
    posing = decide(mail(EVE, author=Address("Ann", EVE)))
    honest = decide(mail(EVE, author=Address("Eve", EVE)))
    assert {out.sender_name for out in posing.mails} == {""}
    assert "Eve" in {out.sender_name for out in honest.mails}


@pytest.mark.incident("Out of office")
def test_an_auto_reply_to_a_ticket_is_a_silent_note() -> None:
    away = mail(machine=Machine((MachineKind.AUTO_REPLY,), may_answer=False))
    decision = decide(away, to=ALICES, standing=ticket(status=Status.SOLVED, solved_at=NOW))
    assert decision.message
    assert (decision.state, decision.message.kind) == (MailState.APPENDED, MessageKind.NOTE)
    assert (decision.mails, decision.changes) == ((), Changes())
