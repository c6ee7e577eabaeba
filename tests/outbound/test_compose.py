from dataclasses import replace
from email.message import EmailMessage
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.desk import loop, tokens
from gateway.desk.decision import NewMessage, Outgoing
from gateway.desk.tokens import Keys, Purpose
from gateway.model import Action, Address, Evidence, MessageKind, Page, Role, Said, Severity
from gateway.outbound.compose import Composer
from gateway.outbound.render import Renderer
from gateway.triage.policy import DEFAULT, Policy
from tests.outbound.sample import (
    ANN,
    ANSWER,
    CARLA,
    COLIN,
    COMPOSER,
    CONFIRMATION,
    KEYS,
    MAILBOX,
    NOTICE,
    NOW,
    PICTURE,
    SATURDAY,
    SETTINGS,
    body,
    cause,
    compose,
    message,
    parsed,
    ticket,
    verdict,
)

AUTOMATIC = {"Auto-Submitted", "X-Auto-Response-Suppress", "Precedence"}
ALWAYS = {
    "From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "X-Gateway-Loop",
    "MIME-Version", "Content-Type",
}  # fmt: skip
TEXT = st.text(st.one_of(st.characters(), st.sampled_from("\r\n\0\u202e<>@\"'&{}%")), max_size=120)


def test_a_confirmation_tells_number_subject_severity_attachments_and_when() -> None:
    mail = compose(CONFIRMATION, ticket(), cause(attachments=((5, PICTURE),)))
    for text in (body(mail, "plain"), body(mail, "html")):
        for wanted in (
            "SUP-1042",
            "Portal is down",
            "S1 (high)",
            "severely degraded",
            "empty page.png",
            "Carla Customer",
        ):
            assert wanted in text.replace("\n  ", " ")
        assert "Friday, 21 November 2025, 14:00 PST" in text
    assert mail.attachments == ()
    assert mail.automatic


def test_a_confirmation_outside_support_hours_promises_the_next_business_day_and_offers_no_chat() -> None:
    text = body(compose(CONFIRMATION, ticket(), cause(), now=SATURDAY), "plain")
    assert "By Monday, 24 November 2025, 06:00 PST" in text
    assert "begin again on Monday, 24 November 2025, 02:00 PST" in text.replace("\n", " ")
    assert "live chat" not in text
    assert "live chat" in body(compose(CONFIRMATION, ticket(), cause(), now=NOW), "plain")


def test_a_confirmation_asks_only_for_what_is_missing() -> None:
    asked = body(compose(CONFIRMATION, ticket(), cause(verdict=verdict(missing=("workaround",)))), "plain")
    assert "Is there a workaround" in asked
    assert "another browser" not in asked
    assert "What would help" not in body(compose(CONFIRMATION, ticket(), cause()), "plain")


def test_a_stated_s0_that_did_not_qualify_is_answered_politely() -> None:
    mail = compose(CONFIRMATION, ticket(), cause(verdict=verdict(stated=Severity.S0)))
    assert "You asked for S0." in body(mail, "plain")
    assert "You asked for S0." in body(mail, "html")


def test_who_was_only_copied_is_not_told_that_he_asked_for_a_severity() -> None:
    for stated in (Severity.S0, Severity.S2):
        to_colin = replace(CONFIRMATION, recipient=Address(COLIN.name, COLIN.address))
        copy = compose(to_colin, ticket(), cause(verdict=verdict(stated=stated)))
        assert stated not in body(copy, "plain")
        assert stated not in body(copy, "html").partition("<body")[2]


def test_a_page_is_mentioned_only_when_one_went_out() -> None:
    paged = compose(CONFIRMATION, ticket(severity=Severity.S0), cause(paged=True))
    assert "ON-CALL ENGINEER HAS BEEN ALERTED" in body(paged, "plain")
    assert "30 minutes" in body(paged, "plain")
    assert "alerted" not in body(compose(CONFIRMATION, ticket(), cause()), "plain").lower()


def test_what_is_promised_at_any_hour_is_the_policys() -> None:
    values = DEFAULT.model_dump()
    values["severity"][Severity.S0]["answer_minutes"] = 15
    values["contact"] = {"portal": "https://help.example.com", "status_page": "https://status.example.com"}
    composer = Composer(SETTINGS, Policy.model_validate(values), Renderer(), KEYS)
    critical = ticket(severity=Severity.S0)
    text = body(composer.compose(CONFIRMATION, MAILBOX, critical, cause(paged=True), NOW, "1"), "plain")
    for said in ("within 15 minutes", "More help: https://help", "Known incidents: https://status"):
        assert said in text


def test_a_paged_ticket_whose_answer_waits_for_support_hours_promises_no_minutes() -> None:
    text = body(compose(CONFIRMATION, ticket(), cause(paged=True)), "plain")
    assert "ALERTED" in text
    assert "By Friday, 21 November 2025, 14:00 PST" in text


def test_staff_see_the_category_and_each_reason_once() -> None:
    reasons = (Evidence("fail", "nobody can sign in"), Evidence("concerns all", "nobody can sign in"))
    why = cause(verdict=replace(verdict(), evidence=(*reasons, Evidence("concerns few", ""))))
    text = body(compose(NOTICE, ticket(), why), "plain")
    assert "Category: core features not working: log in, authenticate" in text
    assert text.count("nobody can sign in") == 1


def test_customers_are_written_to_in_their_language_and_staff_in_the_mailboxes() -> None:
    assert "Guten Tag Carla Customer" in body(compose(CONFIRMATION, ticket(language="de"), cause()), "plain")
    assert "S1 (hoch)" in body(compose(CONFIRMATION, ticket(language="de"), cause()), "html")
    assert "Hello Carla Customer" in body(compose(CONFIRMATION, ticket(language="xx"), cause()), "plain")
    assert "opened SUP-1042" in body(compose(NOTICE, ticket(language="de"), cause(opened=True)), "plain")


def test_an_answer_comes_from_the_mailbox_with_the_agents_name() -> None:
    mail = compose(ANSWER, ticket(), cause(message=message("Try again.", by_agent=True)))
    found = parsed(mail.content)
    assert found["From"].addresses[0].display_name == "Ann Agent (Support)"
    assert found["From"].addresses[0].addr_spec == "support@example.com"
    assert "Try again." in body(mail, "plain")
    assert not AUTOMATIC & set(found.keys())
    assert not mail.automatic


def test_an_answer_of_attachments_alone_shows_nothing_that_it_quotes() -> None:
    internal = NewMessage(MessageKind.REPLY, Address(ANN.name, ANN.address), "", full_text="> internal", by_agent=True)
    mail = compose(ANSWER, ticket(), cause(message=internal, attachments=((5, PICTURE),)))
    assert mail.attachments == (5,)
    assert b"internal" not in mail.content


def test_an_answer_is_sent_whole_and_a_notice_says_where_it_goes_on() -> None:
    long = "\n".join(f"INSERT INTO t VALUES ({n});" for n in range(10_000)) + "\nTHE END"
    answer = compose(ANSWER, ticket(), cause(message=message(long, by_agent=True)))
    assert body(answer, "plain").startswith(long)
    assert "THE END" in body(answer, "html")
    for subtype in ("plain", "html"):
        shown = body(compose(NOTICE, ticket(), cause(message=message(long))), subtype)
        assert "THE END" not in shown
        assert "It goes on: gateway tickets show SUP-1042" in shown
        assert "goes on" not in body(compose(NOTICE, ticket(), cause()), subtype)


def test_an_answer_names_a_mail_that_its_reader_knows() -> None:
    thread = ("first@customer.example", "1042.1.abc@example.com")
    why = cause(message=message(by_agent=True), message_id="agents-own@example.org")
    found = parsed(compose(ANSWER, ticket(thread=thread), why).content)
    assert found["In-Reply-To"] == "<1042.1.abc@example.com>"
    assert "agents-own" not in found["References"]


def test_a_plain_reply_to_a_notice_goes_to_the_agents_own_address_for_the_ticket() -> None:
    found = parsed(compose(NOTICE, ticket(), cause()).content)
    assert found["From"].addresses[0].display_name == "Carla Customer via Support"
    base, token = tokens.split(found["Reply-To"].addresses[0].addr_spec, SETTINGS.by_address)
    genuine = tokens.verify(KEYS, token, NOW)
    assert base == "support@example.com"
    assert genuine is not None
    assert (genuine.purpose, genuine.ticket_id) == (Purpose.AGENT, 1042)
    assert genuine.subject == tokens.agent_number(ANN.address)
    assert found["Cc"] is None
    assert [a.addr_spec for a in found["To"].addresses] == [ANN.address]


def test_the_reply_address_of_an_internal_notice_says_that_it_is_one() -> None:
    found = parsed(compose(replace(NOTICE, purpose="internal"), ticket(), cause()).content)
    token = tokens.verify(KEYS, tokens.split(found["Reply-To"].addresses[0].addr_spec, SETTINGS.by_address)[1], NOW)
    assert token
    assert (token.purpose, token.subject) == (Purpose.INTERNAL, tokens.agent_number(ANN.address))


def test_a_notice_holds_text_attachments_reason_and_commands() -> None:
    html = "<p>It <b>does</b> not load.</p>"
    mail = compose(NOTICE, ticket(), cause(opened=True, message=message(html=html), attachments=((5, PICTURE),)))
    assert mail.attachments == (5,)
    assert mail.boundary
    text = mail.content.decode()
    for wanted in (
        "It does not load.",
        html,
        "a core feature does not work",
        "#note",
        "#solved",
        "#sev S1",
        "#assign me",
    ):
        assert wanted in text.replace("=\r\n", "")


def test_a_notice_shows_what_was_cut_from_the_first_mail_apart_from_its_text() -> None:
    first = replace(message(), cut="> Nobody can <log> in\n" + "x" * 30_000)
    mail = compose(NOTICE, ticket(), cause(opened=True, message=first))
    text = body(mail, "plain")
    places = [text.index(words) for words in ("It does not load.", "as quotation or signature", "> Nobody can <log>")]
    assert places == sorted(places)
    assert "&gt; Nobody can &lt;log&gt; in" in body(mail, "html")
    assert 19_000 < text.count("x") < 21_000
    assert "[…]" in text
    assert "quotation" not in body(compose(NOTICE, ticket(), cause()), "plain")


def test_an_internal_note_is_marked_in_the_notice() -> None:
    note = NewMessage(MessageKind.NOTE, Address(ANN.name, ANN.address), "He is important.", by_agent=True)
    assert "Ann Agent <ann@example.com> noted" in body(compose(NOTICE, ticket(), cause(message=note)), "plain")


def test_each_recipient_gets_his_own_reply_address_and_sees_everybody() -> None:
    copies = [parsed(compose(out, ticket(), cause()).content) for out in (CONFIRMATION, ANSWER)]
    subjects = []
    for found in copies:
        assert [a.addr_spec for a in found["To"].addresses] == [CARLA.address]
        assert [a.addr_spec for a in found["Cc"].addresses] == [COLIN.address]
        token = tokens.verify(KEYS, tokens.split(found["Reply-To"].addresses[0].addr_spec, SETTINGS.by_address)[1], NOW)
        assert token is not None
        assert token.purpose is Purpose.PARTICIPANT
        subjects.append(token.subject)
    assert subjects == [CARLA.id, COLIN.id]


def test_addresses_that_bounced_and_addresses_beyond_ascii_are_shown_to_nobody_else() -> None:
    jörg = replace(COLIN, id=13, address="jörg@customer.example")
    dead = replace(COLIN, id=14, address="dead@customer.example", undeliverable=True)
    found = parsed(compose(CONFIRMATION, ticket((CARLA, jörg, dead)), cause()).content)
    assert found["Cc"] is None
    own = compose(replace(CONFIRMATION, recipient=Address("Jörg", jörg.address)), ticket((CARLA, jörg, dead)), cause())
    assert "jörg@customer.example" in own.content.decode()


def test_the_subject_is_the_customers_with_one_tag() -> None:
    for subject in ("Portal is down", "[SUP-1042] Portal is down", "Portal [sup-1042] is down [SUP-1042]"):
        found = parsed(compose(CONFIRMATION, ticket(subject=subject), cause()).content)
        assert found["Subject"] == "[SUP-1042] Portal is down"


def test_the_thread_is_named_with_its_first_and_last_twenty() -> None:
    thread = tuple(f"{n}@example.com" for n in range(60))
    found = parsed(compose(CONFIRMATION, ticket(thread=thread), cause(message_id="new@customer.example")).content)
    named = found["References"].split()
    assert (named[0], named[1], named[-1], len(named)) == (
        "<0@example.com>",
        "<41@example.com>",
        "<new@customer.example>",
        21,
    )
    assert found["In-Reply-To"] == "<new@customer.example>"


@pytest.mark.incident("Autoresponder ping-pong")
def test_a_confirmation_carries_all_marks_of_a_machine_and_our_own() -> None:
    mail = compose(CONFIRMATION, ticket(), cause())
    found = parsed(mail.content)
    assert found["Auto-Submitted"] == "auto-replied"
    assert found["X-Auto-Response-Suppress"] == "All"
    assert found["Precedence"] == "auto_reply"
    assert loop.verify(KEYS, found["X-Gateway-Loop"])
    assert mail.message_id == "1042.1.abc@example.com"
    assert parsedate_to_datetime(found["Date"]) == NOW
    assert not any(name.startswith("List-") for name in found.keys())  # noqa: SIM118


def test_a_notice_keeps_vacation_programs_quiet_but_may_bounce() -> None:
    mail = compose(NOTICE, ticket(), cause())
    assert parsed(mail.content)["Auto-Submitted"] == "auto-generated"
    assert not mail.automatic


@pytest.mark.incident("CVE-2023-50456")
@pytest.mark.parametrize(
    "name",
    [
        "http://evil.example",
        "[x](http://evil.example)",
        '<a href="//evil">x</a>',
        "evil.example",
        "Call +1 800 555 0199",
        "a@b.example",
    ],
)
def test_a_display_name_that_is_no_name_is_not_repeated(name: str) -> None:
    people = (replace(CARLA, name=name), COLIN)
    out = replace(CONFIRMATION, recipient=Address(name, CARLA.address))
    mail = compose(out, ticket(people), cause())
    assert name not in mail.content.decode()
    assert "Hello," in body(mail, "plain")
    notice = compose(
        replace(NOTICE, sender_name=name),
        ticket(people),
        cause(message=replace(message(), author=Address(name, CARLA.address))),
    )
    assert parsed(notice.content)["From"].addresses[0].display_name == "Support"
    assert name not in body(notice, "html")


@pytest.mark.incident("Relay spam")
def test_a_subject_is_no_link_in_a_confirmation() -> None:
    mail = compose(CONFIRMATION, ticket(subject="Win at http://evil.example/now or www.evil.example"), cause())
    for subtype in ("plain", "html"):
        assert "://evil" not in body(mail, subtype)
        assert "evil.example" not in body(mail, subtype).partition("<body")[2]


@pytest.mark.incident("CVE-2021-3945")
def test_customers_html_is_shown_and_text_is_escaped() -> None:
    shown = body(compose(NOTICE, ticket(), cause(message=message("a <b> & c\n  d"))), "html")
    assert "a &lt;b&gt; &amp; c<br>\n&nbsp;&nbsp;d" in shown


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("<p>Nobody can log in</p>", True),
        ("x", True),
        ('<p>\n <img src="cid:x"></p>', True),
        ("<div>\n<br>&nbsp;</div>\n", False),
    ],
)
def test_html_of_which_no_text_could_be_made_is_shown_to_staff(html: str, shown: bool) -> None:
    mail = compose(NOTICE, ticket(), cause(message=message("", html)))
    assert (html.strip() in body(mail, "html")) is shown
    assert ("(no text)" in body(mail, "html")) is not shown
    assert "(no text)" in body(mail, "plain")


def test_mails_about_no_ticket_have_no_reply_address_and_no_tag() -> None:
    details = {"problem": "There is no such ticket.", "remedy": "Answer one of our mails."}
    out = Outgoing("problem", Address(ANN.name, ANN.address), "none", automatic=True, details=details)
    mail = compose(out, None, cause(subject="Fix it", message=None))
    found = parsed(mail.content)
    assert found["Reply-To"] is None
    assert found["Subject"] == "Not done: Fix it"
    assert "There is no such ticket." in body(mail, "plain")


@pytest.mark.parametrize(
    ("template", "details"),
    [
        ("held", {"problem": "It is not proven.", "remedy": "Release it.", "sender": "x@y.example", "subject": "Hi"}),
        ("undeliverable", {"recipient": "x@y.example", "status": "5.1.1"}),
    ],
)
def test_staff_are_told_what_the_desk_says(template: str, details: dict[str, str]) -> None:
    out = Outgoing(template, Address(ANN.name, ANN.address), "agent", automatic=True, details=details)
    text = body(compose(out, ticket(), cause()), "plain")
    assert all(value in text for key, value in details.items() if key != "subject")


def test_staff_are_told_in_their_mailbox_s_language() -> None:
    details = {"problem": Said("From names an agent, and nothing proves it"), "remedy": "Release it.", "sender": ""}
    out = Outgoing("held", Address(ANN.name, ANN.address), "agent", automatic=True, details=details)
    german = MAILBOX.model_copy(update={"language": "de"})
    text = body(COMPOSER.compose(out, german, ticket(), cause(), NOW, "1"), "plain")
    assert "Warum: als Absender steht ein Teammitglied da, und nichts beweist es" in text


def test_an_unknown_template_is_an_error() -> None:
    with pytest.raises(KeyError):
        compose(replace(NOTICE, template="newsletter"), ticket(), cause())


PAGE = Page(
    7, 1042, "SUP-1042", "mailto:oncall@example.com", Severity.S0, "Portal\r\nBcc: x", "carla@customer.example",
    "It does not load.", ("core",), 0, NOW,
)  # fmt: skip


def paged(composer: Composer, *pages: Page) -> EmailMessage:
    return parsed(composer.compose_page(pages, "oncall@example.com").content)


def test_a_second_try_of_a_page_is_the_same_mail() -> None:
    first, again = (COMPOSER.compose_page([p], "oncall@example.com") for p in (PAGE, replace(PAGE, attempts=3)))
    assert first == again
    assert parsed(first.content)["Subject"] == "S0 [SUP-1042] Portal Bcc: x"
    assert first.recipient == "oncall@example.com"


def test_only_who_knows_the_secret_knows_the_boundary_and_the_message_id_of_a_page() -> None:
    other = Composer(SETTINGS, DEFAULT, Renderer(), Keys({1: b"l" * 32}))
    ours, theirs = paged(COMPOSER, PAGE), paged(other, PAGE)
    assert ours.get_boundary() != theirs.get_boundary()
    assert ours["Message-ID"] != theirs["Message-ID"]


def test_a_page_with_the_number_of_one_before_a_restore_is_another_mail() -> None:
    before, after = (paged(COMPOSER, one) for one in (PAGE, replace(PAGE, created_at=SATURDAY)))
    assert before["Message-ID"] != after["Message-ID"]


def test_the_same_arguments_make_the_same_bytes() -> None:
    assert compose(NOTICE, ticket(), cause()) == compose(NOTICE, ticket(), cause())


def test_a_severity_that_wants_a_look_is_pointed_out() -> None:
    text = body(compose(NOTICE, ticket(), cause(verdict=verdict(action=Action.CHECK, stated=Severity.S0))), "plain")
    assert "check the severity" in text
    assert "stated S0" in text


@pytest.mark.incident("CVE-2012-4730", "CVE-2024-6923")
@given(name=TEXT, subject=TEXT, text=TEXT, file=TEXT)
def test_no_text_of_a_stranger_adds_or_changes_a_field(name: str, subject: str, text: str, file: str) -> None:
    people = (replace(CARLA, name=name), replace(COLIN, name=text, role=Role.CC))
    why = cause(
        message=NewMessage(MessageKind.INBOUND, Address(name, CARLA.address), text, full_text=subject),
        message_id=subject,
        attachments=((1, replace(PICTURE, name=file)),),
    )
    for out, marks in ((CONFIRMATION, AUTOMATIC), (replace(NOTICE, sender_name=name), AUTOMATIC), (ANSWER, set[str]())):
        mail = compose(replace(out, with_attachments=False), ticket(people, subject), why)
        found = parsed(mail.content)
        assert set(found.keys()) <= ALWAYS | marks
        assert len(found.keys()) == len(set(found.keys()))
        assert {"From", "To", "Subject", "Message-ID"} <= set(found.keys())
        assert mail.content.count(b"\n") == mail.content.count(b"\r\n") == mail.content.count(b"\r")
        assert mail.content.isascii()
        assert b"\0" not in mail.content
        assert [p.get_content_type() for p in found.iter_parts()] == ["text/plain", "text/html"]
        assert not found.defects


def test_every_name_in_the_mailbox_settings_reaches_the_mail() -> None:
    signed = MAILBOX.model_copy(update={"display_name": "Käse & Co", "signature": "Käse & Co\nHilfe <3"})
    mail = COMPOSER.compose(CONFIRMATION, signed, ticket(), cause(), NOW, "x")
    assert parsed(mail.content)["From"].addresses[0].display_name == "Käse & Co"
    assert "-- \nKäse & Co\nHilfe <3\n" in body(mail, "plain")
    assert "K&#228;se &amp; Co<br>\nHilfe &lt;3" in mail.content.decode().replace("\r", "")
