from dataclasses import replace

import pytest

from gateway.desk import tokens
from gateway.desk.answer import QUOTES
from gateway.desk.decision import Changes
from gateway.desk.staff import NEEDS_TICKET, NOTHING
from gateway.desk.tokens import Purpose
from gateway.model import (
    Address,
    Attachment,
    Forward,
    Machine,
    MachineKind,
    MailState,
    MessageKind,
    ReadMail,
    Reply,
    Severity,
    Span,
    SpanKind,
    Status,
)
from gateway.settings import Settings
from tests.desk.world import (
    ALICE,
    ANN,
    BEN,
    BOB,
    EVE,
    OUTAGE,
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

ANNS = agent_address(ANN)
ANNS_INTERNAL = agent_address(ANN, Purpose.INTERNAL)
THE_SENDER = Address("Eve", EVE)
FILE = Attachment("log.txt", "text/plain", "attachment", "", 1, "0", 0, 1, "base64")
LOGO = Attachment("image001.png", "image/png", "inline", "image001.png@01DC", 1, "0", 0, 1, "base64")
PROOF = Attachment("smime.p7s", "application/pkcs7-signature", "attachment", "", 1, "0", 0, 1, "base64")


def forwarded(comment: str = "", sender: Address | None = THE_SENDER, **fields: object) -> ReadMail:
    forward = Forward(sender, (), (), (), "Help", "", "Nothing works.", comment)
    return replace(mail(ANN, f"{comment}\n----\nNothing works."), forward=forward, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(("to", "auth", "subject"), [(ANNS, "", ""), (SUPPORT, ANN, "[SUP-7]"), (ANNS, ANN, "")])
def test_an_answer_goes_to_requester_and_cc(to: str, auth: str, subject: str) -> None:
    decision = decide(mail(ANN, "Try again.", subject=subject), to=to, auth=auth)
    assert (decision.state, decision.ticket_id, decision.actor) == (MailState.APPENDED, TICKET_ID, ANN)
    assert sent(decision, "answer") == [ALICE, BOB]
    assert [out.template for out in decision.mails] == ["answer", "answer"]
    assert {(out.sender_name, out.purpose, out.with_attachments, out.automatic) for out in decision.mails} == {
        ("Ann", "participant", True, False)
    }
    assert decision.message
    assert (decision.message.kind, decision.message.text) == (MessageKind.REPLY, "Try again.")
    assert decision.message.by_agent


@pytest.mark.parametrize("pointer", [{"subject": "[SAL-7]"}, {"in_reply_to": ("first@customer.example",)}])
@pytest.mark.parametrize("auth", [BEN, ""])
def test_what_an_agent_of_other_mailboxes_could_guess_leads_her_to_no_ticket(
    auth: str, pointer: dict[str, object]
) -> None:
    sales = ticket(mailbox="sales", number="SAL-7")
    decision = decide(mail(BEN, "#assign me", **pointer), auth=auth, standing=sales)
    assert (decision.state, decision.ticket_id) == (MailState.HELD, 0)
    assert [out.purpose for out in decision.mails] == ["none"]


@pytest.mark.parametrize(("to", "assignee"), [(SUPPORT, BEN), (agent_address(BEN), "")])
def test_an_agent_of_other_mailboxes_works_on_what_she_was_given(to: str, assignee: str) -> None:
    sales = ticket(mailbox="sales", number="SAL-7", assignee=assignee)
    decision = decide(mail(BEN, "Try again.", subject="[SAL-7]"), to=to, auth=BEN, standing=sales)
    assert (decision.state, decision.ticket_id) == (MailState.APPENDED, TICKET_ID)


def test_an_agent_is_told_where_her_mail_went_into_one_of_several_tickets() -> None:
    both = tuple(Address("", token_address(Purpose.AGENT, tokens.agent_number(ANN), n)) for n in (TICKET_ID, 8))
    standing = {TICKET_ID: ticket(), 8: ticket(id=8, number="SUP-8")}
    decision = decide(mail(ANN, to=both), tickets=standing)
    assert (decision.state, decision.ticket_id) == (MailState.APPENDED, TICKET_ID)
    (told,) = [out for out in decision.mails if out.template == "problem"]
    assert told.recipient.address == ANN
    assert "SUP-7 alone, and not to SUP-8" in told.details["problem"]


def test_who_got_the_answer_directly_gets_no_second_copy() -> None:
    assert sent(decide(mail(ANN, cc=(Address("", BOB.upper()),)), to=ANNS), "answer") == [ALICE]


def test_an_answer_makes_an_open_ticket_wait_and_leaves_others() -> None:
    assert decide(mail(ANN), to=ANNS).changes == Changes(Status.PENDING)
    assert decide(mail(ANN), to=ANNS, standing=ticket(status=Status.SOLVED)).changes == Changes()
    assert decide(mail(ANN, "#open\nWait."), to=ANNS).changes == Changes(Status.OPEN)


def test_only_another_assignee_is_told_of_an_answer() -> None:
    assert sent(decide(mail(ANN), to=ANNS, standing=ticket(assignee=BEN)), "notice") == [BEN]
    assert sent(decide(mail(ANN), to=ANNS, standing=ticket(assignee=ANN)), "notice") == []


def test_commands_are_done_and_cut_from_what_customers_see() -> None:
    decision = decide(mail(ANN, "#solved\n#sev S3\n#assign ben@staff.example\n\nDone."), to=ANNS)
    assert decision.changes == Changes(Status.SOLVED, Severity.S3, BEN)
    assert decision.message
    assert decision.message.text == "Done."
    assert sent(decision, "notice") == [BEN]
    assert {"open -> solved", "severity S2 -> S3", "assigned to ben@staff.example"} <= set(decision.events)


def test_a_note_stays_among_agents() -> None:
    decision = decide(mail(ANN, "#note\n#pending\nHe is wrong.", attachments=(FILE,)), to=ANNS)
    assert decision.message
    assert (decision.message.kind, decision.message.text) == (MessageKind.NOTE, "He is wrong.")
    assert decision.changes == Changes(Status.PENDING)
    assert [(out.template, out.recipient.address) for out in decision.mails] == [("notice", BEN)]


def test_a_note_alone_does_not_change_the_status() -> None:
    assert decide(mail(ANN, "#note\nHe is wrong."), to=ANNS).changes == Changes()


@pytest.mark.parametrize("text", ["#solved", "#solved\n\n", "#sev S1\n#assign me"])
def test_commands_alone_send_customers_nothing(text: str) -> None:
    decision = decide(mail(ANN, text, attachments=(LOGO, PROOF)), to=ANNS)
    assert decision.state is MailState.APPENDED
    assert decision.changes != Changes()
    assert decision.message
    assert decision.message.kind is MessageKind.SYSTEM
    assert not decision.mails


def test_a_command_and_an_attachment_are_an_answer() -> None:
    decision = decide(mail(ANN, "#solved", attachments=(LOGO, FILE)), to=ANNS)
    assert (sent(decision, "answer"), decision.changes) == ([ALICE, BOB], Changes(Status.SOLVED))


def test_who_gets_a_ticket_assigned_is_told() -> None:
    assert sent(decide(mail(ANN, f"#assign {BEN}"), to=ANNS), "notice") == [BEN]


def test_an_attachment_without_text_is_an_answer_and_an_empty_mail_is_none() -> None:
    assert sent(decide(mail(ANN, "", attachments=(FILE,), reply=Reply(quoted="> x")), to=ANNS), "answer")
    decision = decide(mail(ANN, "", reply=Reply(quoted="> x")), to=ANNS)
    assert (decision.state, decision.mails[0].details["problem"]) == (MailState.HELD, NOTHING)


def test_the_logo_of_a_signature_is_no_answer() -> None:
    decision = decide(mail(ANN, "", attachments=(LOGO, PROOF), reply=Reply(quoted="> x")), to=ANNS)
    assert (decision.state, decision.mails[0].details["problem"]) == (MailState.HELD, NOTHING)


def test_what_an_agent_quotes_is_never_sent_for_want_of_new_text() -> None:
    quoting = mail(
        ANN, "> internal", reply=Reply(quoted="> internal"), attachments=(FILE,), safe_html="<p>internal</p>"
    )
    message = decide(quoting, to=ANNS).message
    assert message
    assert (message.text, message.html) == ("", "")


def test_an_answer_to_a_note_goes_out_without_what_it_quotes() -> None:
    assert sent(decide(mail(ANN, "Try again."), to=ANNS_INTERNAL), "answer") == [ALICE, BOB]
    assert sent(decide(mail(ANN, "Try again.", reply=Reply("Try again.", "> he owes us")), to=ANNS_INTERNAL), "answer")


BETWEEN = Reply("> He owes us 12000 EUR.\nThanks, Ben. Dear Alice, try again.\n> Best, Ben", interleaved=True)


@pytest.mark.parametrize(("to", "auth"), [(ANNS_INTERNAL, ""), (ANNS_INTERNAL, ANN), (SUPPORT, ANN)])
def test_an_answer_between_the_lines_of_what_customers_may_not_have_seen_is_held(to: str, auth: str) -> None:
    decision = decide(mail(ANN, BETWEEN.text, subject="[SUP-7]", reply=BETWEEN), to=to, auth=auth)
    assert (decision.state, decision.mails[0].details["problem"]) == (MailState.HELD, QUOTES)


def test_an_answer_above_a_notice_whose_end_was_taken_for_a_signature_is_held() -> None:
    unknown = Reply("Dear Alice, try again.\n\nBen noted:\nHe owes us.", signature="------\n  #note (nobody)  #solved")
    decision = decide(mail(ANN, unknown.text, reply=unknown), to=ANNS)
    assert decision.state is MailState.HELD
    assert "#note (nobody)" in decision.mails[0].details["problem"]


def test_an_answer_between_the_lines_of_a_customers_mail_goes_out_with_them() -> None:
    inside = Reply("> How do I export?\nLike this.\n> And import?\nLike that.", interleaved=True)
    decision = decide(mail(ANN, inside.text, reply=inside), to=ANNS)
    assert decision.message
    assert (sent(decision, "answer"), decision.message.text) == ([ALICE, BOB], inside.text)


@pytest.mark.parametrize(("last", "state"), [(SpanKind.NEW, MailState.HELD), (SpanKind.QUOTE, MailState.APPENDED)])
def test_an_answer_that_was_not_read_whole_is_held(last: SpanKind, state: MailState) -> None:
    spans = (Span(SpanKind.NEW, "Try again."), Span(last, "more"))
    long = mail(ANN, "Try again.", reply=Reply("Try again.", spans=spans), defects=("body-too-long",))
    assert decide(long, to=ANNS).state is state


ANNS_TOKEN = tokens.split(ANNS, SETTINGS.by_address)[1]
NOTICE = replace(FILE, name="original.eml", content_type="message/rfc822", marks=(ANNS_TOKEN,))


@pytest.mark.incident("Token in other hands")
def test_an_answer_with_a_mail_of_ours_attached_is_held_and_a_note_stays_inside_with_it() -> None:
    decision = decide(mail(ANN, "Try again.", attachments=(FILE, NOTICE)), to=ANNS)
    assert decision.state is MailState.HELD
    assert "original.eml" in decision.mails[0].details["problem"]
    noted = decide(mail(ANN, "#note\nLook.", attachments=(FILE, NOTICE)), to=ANNS)
    assert noted.state is MailState.APPENDED
    assert not to_customers(noted)


def test_a_note_between_the_lines_of_a_note_stays_among_agents() -> None:
    inside = replace(BETWEEN, text=f"#note\n{BETWEEN.text}")
    decision = decide(mail(ANN, inside.text, reply=inside), to=ANNS_INTERNAL)
    assert decision.state is MailState.APPENDED
    assert not to_customers(decision)


@pytest.mark.parametrize(
    ("text", "purpose"), [("#note\nx", "internal"), (f"#assign {BEN}", "internal"), ("x", "agent")]
)
def test_the_notice_of_what_stays_inside_says_so_in_its_reply_address(text: str, purpose: str) -> None:
    told = decide(mail(ANN, text), to=ANNS, standing=ticket(assignee=BEN)).mails
    assert [out.purpose for out in told if out.template == "notice"] == [purpose]


def test_severity_raised_to_s0_by_an_agent_pages() -> None:
    assert decide(mail(ANN, "#sev S0"), to=ANNS).page
    assert not decide(mail(ANN, "#sev S0"), to=ANNS, standing=ticket(severity=Severity.S0)).page
    assert not decide(mail(ANN, "#sev S1"), to=ANNS).page


def test_an_agents_words_about_an_outage_do_not_page() -> None:
    decision = decide(mail(ANN, "The service is down for all."), to=ANNS, verdict=OUTAGE)
    assert (decision.page, decision.changes.severity) == (False, None)


@pytest.mark.parametrize(
    "text", ["#nte\nHe is wrong.", "#sev S9\nText", "#assign eve@elsewhere.example\nText", "#note x"]
)
def test_a_command_that_is_not_understood_holds_the_whole_mail(text: str) -> None:
    decision = decide(mail(ANN, text), to=ANNS)
    assert (decision.state, decision.message, decision.changes) == (MailState.HELD, None, Changes())
    assert [(out.template, out.recipient.address, out.automatic) for out in decision.mails] == [("problem", ANN, True)]
    assert "#solved" in decision.mails[0].details["remedy"]


def test_a_held_command_that_is_released_becomes_a_note() -> None:
    decision = decide(mail(ANN, "#nte\nHe is wrong."), to=ANNS, released=True)
    assert decision.message
    assert (decision.message.kind, decision.message.text) == (MessageKind.NOTE, "#nte\nHe is wrong.")
    assert not to_customers(decision)


@pytest.mark.incident("RT trusts From")
@pytest.mark.parametrize("pointer", [{}, {"subject": "[SUP-7]"}, {"in_reply_to": ("first@customer.example",)}])
def test_an_agents_from_without_proof_is_held_and_only_that_agent_is_told(pointer: dict[str, str]) -> None:
    decision = decide(mail(ANN, "#solved", **pointer))
    assert (decision.state, decision.message, decision.changes) == (MailState.HELD, None, Changes())
    assert [(out.template, out.recipient.address) for out in decision.mails] == [("held", ANN)]


@pytest.mark.incident("CVE-2023-50455")
def test_that_agent_is_told_once_an_hour_at_most() -> None:
    assert not decide(mail(ANN), acknowledged=1).mails


@pytest.mark.incident("Paging in other hands")
def test_an_outage_in_an_agents_name_without_proof_is_held_all_the_same_and_every_agent_is_told() -> None:
    decision = decide(mail(ANN), verdict=OUTAGE, acknowledged=1)
    assert (decision.state, decision.page, sent(decision, "held")) == (MailState.HELD, False, [ANN, BEN])


@pytest.mark.incident("CVE-2023-22501")
def test_another_agents_reply_address_proves_nothing() -> None:
    assert decide(mail(BEN), to=ANNS).state is MailState.HELD
    assert decide(mail(BEN), to=ANNS, auth=BEN).state is MailState.APPENDED


@pytest.mark.incident("CVE-2026-47123")
def test_an_agent_who_left_is_an_agent_no_more() -> None:
    left = Settings.model_validate({"mailbox": SETTINGS.mailbox, "agent": SETTINGS.agent[1:]})
    assert decide(mail(ANN), to=ANNS, settings=left).state is MailState.HELD


def test_an_agents_mail_that_was_held_works_once_released() -> None:
    decision = decide(mail(ANN, "Try again.", subject="[SUP-7]"), released=True)
    assert sent(decision, "answer") == [ALICE, BOB]


def test_an_agents_own_mail_opens_a_ticket_of_hers() -> None:
    decision = decide(mail(ANN, "#sev S0\nThe printer burns."), auth=ANN)
    assert decision.opens
    assert decision.message
    assert (decision.opens.requester.address, decision.opens.severity, decision.page) == (ANN, Severity.S0, True)
    assert decision.message.text == "The printer burns."
    assert (sent(decision, "confirmation"), sent(decision, "notice")) == ([ANN], [BEN])


@pytest.mark.parametrize("command", ["#note", "#solved", "#assign me"])
def test_commands_for_a_ticket_that_is_not_there_hold_the_mail(command: str) -> None:
    decision = decide(mail(ANN, f"{command}\nText"), auth=ANN)
    assert (decision.state, decision.opens) == (MailState.HELD, None)
    assert NEEDS_TICKET in decision.mails[0].details["problem"]


def test_an_agent_is_a_customer_in_a_ticket_of_her_own() -> None:
    requester = replace(ticket().requester, address=ANN)
    reply_address = token_address(Purpose.PARTICIPANT, requester.id)
    decision = decide(mail(ANN, "#solved"), to=reply_address, standing=ticket(participants=(requester,)))
    assert decision.message
    assert (decision.message.kind, decision.changes) == (MessageKind.INBOUND, Changes())
    assert sent(decision, "notice") == [BEN]


def test_a_forward_makes_the_original_sender_the_requester() -> None:
    decision = decide(forwarded("Please look, he is angry."), auth=ANN)
    assert decision.opens
    assert decision.message
    assert decision.note
    assert decision.opens.requester == Address("Eve", EVE)
    assert decision.opens.cc == ()
    assert (decision.message.text, decision.message.author.address) == ("Nothing works.", EVE)
    assert (decision.note.kind, decision.note.text) == (MessageKind.NOTE, "Please look, he is angry.")
    assert not decision.note.with_attachments
    assert (sent(decision, "confirmation"), sent(decision, "notice")) == ([EVE], [BEN])


def test_who_is_forwarded_is_answered_in_his_own_language() -> None:
    found = forwarded("Please look.")
    assert found.forward
    decision = decide(replace(found, language="en", forward=replace(found.forward, language="de")), auth=ANN)
    assert decision.opens
    assert decision.opens.language == "de"


def test_a_forward_without_a_word_has_no_note_and_may_carry_a_severity() -> None:
    decision = decide(forwarded("#sev S0"), auth=ANN)
    assert decision.opens
    assert (decision.note, decision.opens.severity, decision.page) == (None, Severity.S0, True)


def test_a_forward_whose_sender_cannot_be_read_is_the_agents() -> None:
    for sender in (None, Address("x", "support@desk.example"), Address("x", "no address")):
        opens = decide(forwarded(sender=sender), auth=ANN).opens
        assert opens
        assert opens.requester.address == ANN


def test_a_forward_out_of_a_thread_refers_to_its_ticket_and_answers_nobody_there() -> None:
    decision = decide(forwarded(references=("first@customer.example",)), auth=ANN)
    assert decision.opens
    assert decision.opens.refers_to == TICKET_ID
    assert not sent(decision, "answer")


def test_a_reply_to_a_notice_that_quotes_like_a_forward_is_an_answer() -> None:
    decision = decide(forwarded("Try again."), to=ANNS)
    assert sent(decision, "answer") == [ALICE, BOB]


def test_a_forward_in_which_no_text_was_found_shows_all_there_is() -> None:
    found = forwarded("Please look.")
    assert found.forward
    message = decide(replace(found, forward=replace(found.forward, text=" ")), auth=ANN).message
    assert message
    assert message.text == found.text


def test_a_forward_by_a_stranger_is_a_mail_of_his() -> None:
    opens = decide(replace(forwarded(), identity=mail(EVE).identity, author=Address("", EVE))).opens
    assert opens
    assert opens.requester.address == EVE


@pytest.mark.incident("Out of office")
def test_an_agents_answer_that_reads_like_an_absence_notice_is_held_unless_she_logged_in() -> None:
    said = mail(ANN, "Fixed. I am out of the office tomorrow.", machine=spoken(MachineKind.AUTO_REPLY))
    held = decide(said, to=ANNS)
    assert (held.state, sent(held, "held"), to_customers(held)) == (MailState.HELD, [ANN], [])
    for certain in (decide(said, to=ANNS, auth=ANN), decide(said, to=ANNS, released=True)):
        assert (certain.state, sent(certain, "answer")) == (MailState.APPENDED, [ALICE, BOB])


def test_a_report_on_a_held_mail_is_answered_to_nobody_outside() -> None:
    assert [out.purpose for out in decide(mail(ANN, subject="[SUP-7]")).mails] == ["none"]


@pytest.mark.incident("Out of office")
def test_an_agents_out_of_office_is_never_sent_on() -> None:
    away = mail(ANN, machine=Machine((MachineKind.AUTO_REPLY,), may_answer=False, reason="vacation"))
    decision = decide(away, to=ANNS, auth=ANN)
    assert (decision.state, decision.mails, decision.message) == (MailState.REFUSED, (), None)
