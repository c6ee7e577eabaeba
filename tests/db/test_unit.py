"""What a decision leaves in the database, and what the next mail finds there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.db.known import MOST_NAMESAKES, THREAD_LENGTH, load
from gateway.db.store import Store
from gateway.db.unit import Applied, Case, Raced, Unit
from gateway.desk.decision import Changes, Decision, Known, Lookups, NewMessage, NewTicket, Outgoing
from gateway.desk.tokens import Purpose, Token
from gateway.model import (
    Action,
    Address,
    Attachment,
    Category,
    Composed,
    Envelope,
    Evidence,
    MailState,
    MessageKind,
    ReadMail,
    Role,
    Severity,
    Status,
    Verdict,
)
from gateway.settings import Agent, Mailbox, Settings

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KIM = Address("Kim", "kim@example.net")
LEE = Address("Lee", "lee@example.net")
SETTINGS = Settings(
    mailbox=(Mailbox(name="support", addresses=("support@example.com",)),),
    oncall={"notify": ("mailto:oncall@example.com", "https://pager.example.com/x")},
)
MAILBOX = SETTINGS.mailbox[0]
FILE = Attachment("shot.png", "image/png", "attachment", "", 3, "ab" * 32, 10, 14, "base64")
VERDICT = Verdict(
    Severity.S0,
    Category.CORE,
    "core.login",
    Action.PAGE,
    Severity.S1,
    (Evidence("everyone", "nobody can log in", 1.0),),
)
OPENS = NewTicket("Broken", Severity.S0, Category.CORE, "core.login", "support", "en", KIM, (LEE,))
MESSAGE = NewMessage(MessageKind.INBOUND, KIM, "nobody can log in", evidence=("a stranger's first mail",))


def _compose(outs, ticket, case, attachments, now) -> list[Composed]:
    return [_composed(out, ticket, case, attachments) for out in outs]


def _composed(out, ticket, case, attachments) -> Composed:
    if out.template == "broken":
        raise RuntimeError("no such template")
    ids = tuple(one.id for one in attachments) if out.with_attachments else ()
    return Composed(
        out.template, "support", out.recipient.address,
        f"{out.template}-{case.mail_id}-{out.recipient.name}@example.com",
        f"for {ticket.number if ticket else 'nobody'}".encode(), "b" if ids else "", ids, out.automatic,
    )  # fmt: skip


def _lookups(**changes) -> Lookups:
    return replace(Lookups(MAILBOX, "kim@example.net", (), (), (), 0, (), "key-1"), **changes)


def _apply(
    store: Store, decision: Decision, lookups: Lookups | None = None, now: datetime = NOW,
    settings: Settings = SETTINGS, compose=_compose, **read,
) -> Applied:  # fmt: skip
    """Take one mail all the way, as the worker does."""
    lookups = lookups or _lookups()
    mail = ReadMail(**({"subject": "Broken", "message_id": "one@example.net"} | read))

    def job(connection) -> Applied:
        envelope = Envelope("smtp", "kim@example.net", ("support@example.com",))
        (new,) = store.mails.add(connection, [(envelope, b"raw")], now, mine=True)
        (known,) = load(connection, [lookups], SETTINGS.loops, now)
        unit = Unit(connection, store.ids, store.mails, settings, compose, store.node, now)
        applied = unit.add(Case(new.id, mail, lookups, known, decision))
        unit.flush()
        return applied

    return store.writer.run(job)


def _known(store: Store, lookups: Lookups, now: datetime = NOW) -> Known:
    return store.writer.run(lambda c: load(c, [lookups], SETTINGS.loops, now))[0]


OPENED = Decision(
    MailState.TICKET,
    "a new ticket",
    opens=OPENS,
    message=MESSAGE,
    mails=(
        Outgoing("confirmation", KIM, "participant", automatic=True),
        Outgoing("notice", Address("Ann", "ann@example.com"), "agent", with_attachments=True),
    ),
    page=True,
    events=("opened",),
    verdict=VERDICT,
)


def test_a_new_ticket_stands_whole(store: Store) -> None:
    _apply(store, OPENED, attachments=(FILE,))
    page = store.queries.ticket("sup-1")
    assert (page.number, page.subject, page.status, page.severity, page.category) == (
        "SUP-1",
        "Broken",
        "open",
        "S0",
        "core",
    )
    assert (page.subcategory, page.stated_severity, page.evidence) == (
        "core.login", "S1", [["everyone", "nobody can log in", 1.0]],
    )  # fmt: skip
    assert [(p.address, p.role) for p in page.participants] == [
        ("kim@example.net", "requester"),
        ("lee@example.net", "cc"),
    ]
    (message,) = page.messages
    assert (message.kind, message.author, message.text) == ("inbound", "kim@example.net", "nobody can log in")
    assert [(a.name, a.size) for a in message.attachments] == [("shot.png", 3)]
    assert [(o.template, o.recipient, o.state) for o in page.outgoing] == [
        ("confirmation", "kim@example.net", "waiting"), ("notice", "ann@example.com", "waiting"),
    ]  # fmt: skip
    assert [(p.target, p.state) for p in page.pages] == [
        ("mailto:oncall@example.com", "waiting"), ("https://pager.example.com/x", "waiting"),
    ]  # fmt: skip
    assert [(e.actor, e.what) for e in page.events] == [("gateway", "opened")]
    assert [(m.state, m.ticket) for m in store.queries.mails()] == [("ticket", "SUP-1")]


def test_what_is_to_be_sent_is_handed_over_and_is_not_claimed_by_another(store: Store) -> None:
    applied = _apply(store, OPENED, now=datetime.now(UTC))
    assert [due.mail.recipient for due in applied.outgoing] == ["kim@example.net", "ann@example.com"]
    assert applied.paged
    assert store.outbox.claim_due(10, datetime.now(UTC)) == []


def test_a_reply_finds_its_ticket_by_message_id_token_and_tag(store: Store) -> None:
    _apply(store, OPENED)
    token = Token(Purpose.PARTICIPANT, 1, 1, NOW.date())
    for lookups in (
        _lookups(message_ids=("nobody@knows", "one@example.net")),
        _lookups(message_ids=("confirmation-1-Kim@example.com",)),
        _lookups(tokens=(token,)),
        _lookups(tag=1),
    ):
        ticket = _known(store, lookups).tickets[1]
        assert ticket.number == "SUP-1"
        assert ticket.thread == ("one@example.net", "confirmation-1-Kim@example.com")
        assert [p.address for p in ticket.participants] == ["kim@example.net", "lee@example.net"]


@pytest.mark.incident("Message-ID squatting")
def test_of_tickets_with_one_message_id_the_oldest_are_known(store: Store) -> None:
    for n in range(MOST_NAMESAKES + 2):
        _apply(store, OPENED, _lookups(dedupe=f"key-{n}"))
    known = _known(store, _lookups(message_ids=("one@example.net",)))
    assert known.by_message_id == {"one@example.net": tuple(range(1, MOST_NAMESAKES + 1))}
    assert set(known.tickets) == set(range(1, MOST_NAMESAKES + 1))


def test_a_mail_that_was_taken_before_is_known_as_a_duplicate(store: Store) -> None:
    _apply(store, OPENED)
    known = _known(store, _lookups())
    assert (known.duplicate_of, known.duplicate_ticket) == (1, "SUP-1")
    assert _known(store, _lookups(dedupe="key-2")).duplicate_of == 0


@pytest.mark.incident("Replayed mail")
def test_a_mail_without_id_and_date_is_a_duplicate_for_minutes_and_then_the_next_alert(store: Store) -> None:
    alert, minutes = _lookups(passing=True), [NOW + timedelta(minutes=n) for n in (9, 11, 20, 22)]
    _apply(store, OPENED, alert)
    assert _known(store, alert, minutes[0]).duplicate_of == 1
    assert _known(store, alert, minutes[1]).duplicate_of == 0
    assert _known(store, _lookups(), minutes[1]).duplicate_of == 1
    _apply(store, OPENED, alert, minutes[1])
    assert _known(store, alert, minutes[2]).duplicate_of == 2
    assert _known(store, alert, minutes[3]).duplicate_of == 0


@pytest.mark.incident("Autoresponder ping-pong")
def test_what_was_confirmed_is_a_repetition_for_an_hour(store: Store) -> None:
    def says(n: int) -> Lookups:
        return _lookups(dedupe=f"key-{n}", says="away")

    _apply(store, replace(OPENED, mails=OPENED.mails[1:]), says(0))
    assert not _known(store, says(1)).repeats
    _apply(store, OPENED, says(1))
    assert _known(store, says(2), NOW + timedelta(minutes=59)).repeats
    later = NOW + timedelta(minutes=61)
    assert not _known(store, says(2), later).repeats
    _apply(store, OPENED, says(2), later)
    assert _known(store, says(3), later + timedelta(minutes=59)).repeats


def test_a_held_mail_is_no_duplicate_when_it_comes_again(store: Store) -> None:
    _apply(store, Decision(MailState.HELD, "an agent's name, not proved"))
    assert _known(store, _lookups()).duplicate_of == 0


def test_what_an_agent_got_on_other_mails_does_not_count_as_a_word_on_a_held_one(store: Store) -> None:
    settings = Settings(mailbox=SETTINGS.mailbox, agent=(Agent(name="Kim", address=KIM.address),))
    for number, template in enumerate(("problem", "held")):
        told = Outgoing(template, KIM, "none", automatic=True)
        assert _known(store, _lookups()).acknowledged == 0
        _apply(store, Decision(MailState.HELD, "x", mails=(told,)), _lookups(dedupe=f"key-{number}"), settings=settings)
    assert _known(store, _lookups()).acknowledged == 1


def test_mails_and_acknowledgements_of_a_sender_are_counted_within_their_windows(store: Store) -> None:
    _apply(store, OPENED)
    _apply(store, Decision(MailState.REFUSED, "x"), _lookups(dedupe="key-2"), NOW + timedelta(minutes=5))
    soon, later = NOW + timedelta(minutes=6), NOW + timedelta(minutes=20)
    assert (_known(store, _lookups(), soon).recent_from_sender, _known(store, _lookups(), soon).acknowledged) == (2, 1)
    assert (_known(store, _lookups(), later).recent_from_sender, _known(store, _lookups(), later).acknowledged) == (
        0,
        1,
    )
    assert _known(store, _lookups(), NOW + timedelta(hours=2)).acknowledged == 0


@pytest.mark.incident("Relay spam")
def test_confirmations_to_people_in_cc_are_counted_for_each_of_them(store: Store) -> None:
    to_both = tuple(Outgoing("confirmation", who, "participant", automatic=True) for who in (KIM, LEE))
    copied = ("lee@example.net", "max@example.net")
    for n in range(3):
        mine = _lookups(dedupe=f"key-{n}", sender=f"sender{n}@example.net", copied=copied)
        _apply(store, replace(OPENED, mails=to_both), mine)
    assert _known(store, mine).copied == {"lee@example.net": 3}
    assert _known(store, mine, NOW + timedelta(hours=2)).copied == {}
    own = _known(store, _lookups(sender="lee@example.net"))
    assert (own.recent_from_sender, own.acknowledged) == (0, 3)


def test_a_reply_changes_the_ticket_and_joins_people(store: Store) -> None:
    _apply(store, OPENED)
    joins = ((Address("Max", "max@example.net"), Role.CC),)
    changes = Changes(status=Status.SOLVED, severity=Severity.S2, assignee="ann@example.com")
    answer = NewMessage(MessageKind.REPLY, Address("Ann", "ann@example.com"), "done", by_agent=True)
    decision = Decision(MailState.APPENDED, "x", ticket_id=1, message=answer, changes=changes, joins=joins)
    _apply(store, decision, _lookups(dedupe="key-2", tag=1), message_id="two@example.com")
    page = store.queries.ticket("SUP-1")
    assert (page.status, page.severity, page.assignee) == ("solved", "S2", "ann@example.com")
    assert [p.address for p in page.participants][2:] == ["max@example.net"]
    assert [m.kind for m in page.messages] == ["inbound", "reply"]
    assert _known(store, _lookups(tag=1)).tickets[1].solved_at == NOW


def test_a_note_stands_beside_the_message(store: Store) -> None:
    note = NewMessage(MessageKind.NOTE, Address("Ann", "ann@example.com"), "from the phone", by_agent=True)
    _apply(store, replace(OPENED, note=note), attachments=(FILE,))
    messages = store.queries.ticket("SUP-1").messages
    assert [(m.kind, len(m.attachments)) for m in messages] == [("inbound", 1), ("note", 0)]


def test_an_answer_in_the_thread_never_names_an_internal_note(store: Store) -> None:
    _apply(store, OPENED)
    note = NewMessage(MessageKind.NOTE, Address("Ann", "ann@example.com"), "secret", by_agent=True)
    decision = Decision(MailState.APPENDED, "x", ticket_id=1, message=note)
    _apply(store, decision, _lookups(dedupe="key-2", tag=1), message_id="note@example.com")
    assert "note@example.com" not in _known(store, _lookups(tag=1)).tickets[1].thread


def test_a_thread_holds_its_first_id_and_none_that_only_an_agent_has(store: Store) -> None:
    _apply(store, OPENED)
    answer = NewMessage(MessageKind.REPLY, Address("Ann", "ann@example.com"), "done", by_agent=True)
    copies = tuple(Outgoing("answer", who, "participant") for who in (KIM, LEE))
    for n in range(2, THREAD_LENGTH + 10):
        decision = Decision(MailState.APPENDED, "x", ticket_id=1, message=answer, mails=copies[: n % 2 + 1])
        _apply(store, decision, _lookups(dedupe=f"key-{n}", tag=1), message_id=f"anns.{n}@laptop.example")
    thread = _known(store, _lookups(tag=1)).tickets[1].thread
    assert (len(thread), thread[0]) == (THREAD_LENGTH, "one@example.net")
    assert not [one for one in thread if "laptop" in one]
    assert thread[-1].startswith(f"answer-{THREAD_LENGTH + 9}-")


def test_copies_with_one_message_id_are_one_of_the_thread_and_told_apart_by_who_bounced(store: Store) -> None:
    def copies(outs, ticket, case, attachments, now) -> list[Composed]:
        return [replace(one, message_id="shared@example.com") for one in _compose(outs, ticket, case, attachments, now)]

    to_both = tuple(Outgoing("confirmation", who, "participant", automatic=True) for who in (KIM, LEE))
    _apply(store, replace(OPENED, mails=to_both), compose=copies)
    known = _known(store, _lookups(message_ids=("shared@example.com",), bounced=("lee@example.net",)))
    assert known.delivery is not None
    assert (known.delivery.recipient, known.by_message_id) == ("lee@example.net", {"shared@example.com": (1,)})
    assert known.tickets[1].thread == ("one@example.net", "shared@example.com")


def test_a_bounce_marks_the_participant_until_he_writes_again_and_the_delivery(store: Store) -> None:
    _apply(store, OPENED)
    lookups = _lookups(dedupe="key-2", sender="", message_ids=("confirmation-1-Kim@example.com",))
    delivery = _known(store, lookups).delivery
    assert (delivery.id, delivery.ticket_id, delivery.recipient) == (1, 1, "kim@example.net")
    decision = Decision(
        MailState.REFUSED, "bounce", ticket_id=1, undeliverable="kim@example.net", failed_delivery=delivery.id
    )  # fmt: skip
    store.outbox.sent([1], NOW).result()
    _apply(store, decision, lookups)
    assert _known(store, _lookups(tag=1)).tickets[1].requester.undeliverable
    returned = next(o for o in store.queries.outgoing() if o.id == 1)
    assert (returned.state, returned.last_error) == ("failed", "bounce")
    assert store.queries.status(NOW).outbox_failed == 1
    answer = Decision(MailState.APPENDED, "x", ticket_id=1, message=MESSAGE, reachable="kim@example.net")
    _apply(store, answer, _lookups(dedupe="key-3", tag=1))
    assert not _known(store, _lookups(tag=1)).tickets[1].requester.undeliverable


def test_a_bounce_of_a_mail_that_is_to_be_tried_again_ends_no_try(store: Store) -> None:
    _apply(store, OPENED)
    decision = Decision(MailState.REFUSED, "bounce", ticket_id=1, failed_delivery=1)
    _apply(store, decision, _lookups(dedupe="key-2", sender=""))
    assert next(o for o in store.queries.outgoing() if o.id == 1).state == "waiting"


def test_a_decision_that_cannot_be_composed_leaves_nothing_behind(store: Store) -> None:
    broken = replace(OPENED, mails=(Outgoing("broken", KIM, "participant"),))
    with pytest.raises(RuntimeError):
        _apply(store, broken)
    assert store.queries.tickets() == []
    assert _apply(store, OPENED).ticket is not None
    assert len(store.queries.tickets()) == len(store.queries.outgoing()) - 1 == 1


def test_an_attachment_comes_with_the_raw_mail_that_it_is_a_part_of(store: Store) -> None:
    _apply(store, OPENED, attachments=(FILE,))
    assert store.outbox.attachments([7, 1]) == [(FILE, b"raw")]


def test_deliveries_and_pages_are_claimed_tried_again_and_ended(store: Store) -> None:
    _apply(store, OPENED)
    store.outbox.later(1, NOW, "451 busy")
    (due,) = store.outbox.claim_due(10, NOW)
    assert (due.mail.recipient, due.attempts) == ("kim@example.net", 1)
    assert store.outbox.claim_due(10, NOW) == []
    store.outbox.sent([1], NOW).result()
    store.outbox.failed(2, "550 no")
    assert [(o.state, o.last_error) for o in reversed(store.queries.outgoing())] == [
        ("sent", "451 busy"),
        ("failed", "550 no"),
    ]
    pages = store.pages.claim_due(10, datetime.now(UTC))
    assert [(p.ticket_number, p.severity, p.requester) for p in pages] == [("SUP-1", "S0", "kim@example.net")] * 2
    store.pages.sent([p.id for p in pages], NOW).result()
    assert store.pages.next_due() is None


def test_a_mail_that_another_node_took_in_at_the_same_time_is_to_be_decided_again(store: Store) -> None:
    lookups = _lookups()
    _apply(store, OPENED, lookups)

    def job(connection) -> None:
        (new,) = store.mails.add(connection, [(Envelope("smtp", "", ()), b"raw")], NOW, mine=True)
        unit = Unit(connection, store.ids, store.mails, SETTINGS, _compose, store.node, NOW)
        unit.add(Case(new.id, ReadMail(subject="Broken"), lookups, Known(), OPENED))
        unit.flush()

    with pytest.raises(Raced):
        store.writer.run(job)
    assert len(store.queries.tickets()) == 1
