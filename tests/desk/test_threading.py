from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.desk import loop, threading, tokens
from gateway.desk.decision import Known, Lookups
from gateway.desk.identity import identify
from gateway.desk.threading import Found, Match
from gateway.desk.tokens import Purpose, Token
from gateway.model import Address, Attachment, Bounce, BounceRecipient, Envelope, Identity, ReadMail, Reply
from gateway.settings import Settings
from tests.desk.world import (
    ALICE,
    ALICE_ID,
    ANN,
    BEN,
    BOB,
    BOB_ID,
    EVE,
    KEYS,
    NOW,
    SALES,
    SETTINGS,
    SUPPORT,
    TICKET_ID,
    agent_address,
    mail,
    ticket,
    token_address,
)


def look(read: ReadMail, *recipients: str, mail_from: str = "") -> Lookups:
    return threading.lookups(read, Envelope("smtp", mail_from, recipients or (SUPPORT,)), SETTINGS, KEYS, NOW)


def find(read: ReadMail, *recipients: str, **known: object) -> Found:
    envelope = Envelope("smtp", read.identity.address, recipients or (SUPPORT,))
    lookups = threading.lookups(read, envelope, SETTINGS, KEYS, NOW)
    facts = Known(**{"tickets": {TICKET_ID: ticket()}, **known})  # type: ignore[arg-type]
    return threading.find(lookups, facts, identify(read, envelope, SETTINGS), read.subject)


def test_the_mailbox_is_the_one_that_was_written_to() -> None:
    assert look(mail(), "Hilfe@desk.example").mailbox.name == "support"
    assert look(mail(), f"sales+x@{SALES.partition('@')[2]}").mailbox.name == "sales"


def test_a_mailbox_whose_address_holds_a_plus_gets_its_own_mail() -> None:
    boxes = [
        {"name": "support", "addresses": [SUPPORT]},
        {"name": "eu", "addresses": ["support+eu@desk.example"], "prefix": "EU"},
    ]
    settings = Settings.model_validate({"mailbox": boxes})
    answered = tokens.join("support+eu@desk.example", tokens.make(KEYS, Purpose.PARTICIPANT, TICKET_ID, ALICE_ID, NOW))
    for to in ("Support+EU@desk.example", answered):
        lookups = threading.lookups(mail(), Envelope("smtp", ALICE, (to,)), settings, KEYS, NOW)
        assert (lookups.mailbox.name, lookups.token is not None) == ("eu", to == answered)


def test_a_mail_forwarded_into_the_mailbox_counts_for_the_address_in_to() -> None:
    assert look(mail(to=(Address("", SALES),)), "somebody@provider.example").mailbox.name == "sales"
    assert look(mail(to=()), "somebody@provider.example").mailbox.name == "support"


def test_the_sender_is_the_strict_one_else_the_return_path() -> None:
    assert look(mail("Alice@Customer.example"), mail_from="bounce@x.example").sender == ALICE
    assert look(mail(""), mail_from="Bounce@x.example").sender == "bounce@x.example"


def test_the_people_in_to_and_cc_are_looked_up_without_us_and_the_sender() -> None:
    to = tuple(Address("", one) for one in (BOB.upper(), ALICE, agent_address(ANN), SUPPORT, "", BOB))
    assert look(mail(to=to, cc=(Address("", EVE),))).copied == (BOB, EVE)


def test_the_first_genuine_token_counts() -> None:
    genuine = token_address(Purpose.PARTICIPANT, ALICE_ID)
    expires = (NOW + timedelta(days=365)).date()
    found = look(
        mail(), "support+2@desk.example", "support+abc@desk.example", genuine.upper(), agent_address(ANN)
    ).token
    assert found == Token(Purpose.PARTICIPANT, TICKET_ID, ALICE_ID, expires)


def test_a_token_is_found_in_to_where_the_envelope_has_none() -> None:
    read = mail(to=(Address("", token_address(Purpose.PARTICIPANT, ALICE_ID)),))
    assert look(read).token is not None


@pytest.mark.incident("Token in other hands")
def test_a_token_at_a_foreign_address_is_none() -> None:
    token = tokens.split(token_address(Purpose.PARTICIPANT, ALICE_ID), SETTINGS.by_address)[1]
    assert look(mail(), tokens.join("support@evil.example", token)).token is None


def test_ids_are_looked_up_from_the_nearest_to_the_farthest() -> None:
    assert look(mail(in_reply_to=("c",), references=("a", "b", "c"))).message_ids == ("c", "b", "a")


@pytest.mark.incident("Size of a header")
def test_a_thousand_references_are_not_all_looked_up() -> None:
    ids = look(mail(references=tuple(str(n) for n in range(1000)))).message_ids
    assert len(ids) == threading.MOST_IDS
    assert ids[0] == "999"


def test_a_bounce_is_looked_up_by_what_came_back() -> None:
    dead = BounceRecipient(ALICE.upper(), "5.1.1", "failed", "550")
    bounce = Bounce(failed=True, dsn=True, permanent=True, original_message_id="ours", recipients=(dead,))
    found = look(mail(bounce=bounce, references=("other",)))
    assert (found.message_ids, found.bounced) == (("ours",), (ALICE,))


@pytest.mark.parametrize(
    ("subject", "tag"),
    [("Re: [SUP-7] x", 7), ("[sup-7]", 7), ("[SAL-12][SUP-7]", 12), ("[ABC-7] x", 0), ("SUP-7", 0), ("[SUP-x]", 0),
     ("[SUP-9999999999]", 0), ("[SUP-99999999999999]", 0)],
)  # fmt: skip
def test_a_tag_with_a_prefix_of_ours_is_read(subject: str, tag: int) -> None:
    assert look(mail(subject=subject)).tag == tag


@pytest.mark.incident("Replayed mail")
def test_one_mail_to_two_of_our_addresses_is_one_mail() -> None:
    assert look(mail(), SUPPORT).dedupe == look(mail(), SALES).dedupe


@pytest.mark.incident("CVE-2026-47123", "Message-ID squatting")
def test_a_guessed_message_id_displaces_nobody() -> None:
    assert look(mail()).dedupe != look(mail(content_hash="another")).dedupe
    assert look(mail()).dedupe != look(mail(message_id="another")).dedupe


@pytest.mark.incident("Message-ID squatting")
def test_mails_whose_content_is_unknown_are_not_the_same_mail() -> None:
    unread = mail(content_hash="")
    later = threading.lookups(unread, Envelope("smtp", "", (SUPPORT,)), SETTINGS, KEYS, NOW + timedelta(seconds=1))
    assert look(unread).dedupe != later.dedupe


def test_only_a_mail_with_neither_id_nor_date_is_the_same_for_minutes_alone() -> None:
    assert look(mail(message_id="")).passing
    assert not look(mail(message_id="", date=NOW)).passing
    assert not look(mail()).passing


@pytest.mark.incident("Autoresponder ping-pong")
def test_who_says_the_same_but_for_a_counter_says_the_same() -> None:
    away = mail(ALICE, "I am away until 2 March.\n\nSent 7", subject_base="We have your  message")
    said = look(away).says
    again = mail(ALICE.upper(), "I am away until 3 March. Sent 8", subject_base="we have your message")
    assert look(again).says == said
    assert said
    for other in (
        replace(away, identity=Identity(BOB)),
        replace(away, subject_base="We have your message 2"),
        replace(away, reply=Reply(text="I am away until 2 March. But the server is down.")),
    ):
        assert look(other).says != said
    assert not look(mail(text="123", subject_base="Photo")).says
    assert not look(replace(away, identity=Identity(""))).says


@pytest.mark.incident("CVE-2026-34720")
def test_only_a_signed_loop_header_is_ours() -> None:
    assert look(mail(loop=loop.sign(KEYS, "unique"))).own_loop
    assert not look(mail(loop="2.0123456789abcdef01234567.unique")).own_loop
    assert not look(mail()).own_loop


@pytest.mark.incident("Token in other hands")
@pytest.mark.parametrize(
    ("mark", "ours"),
    [
        (loop.sign(KEYS, "unique"), True),
        ("2.0123456789abcdef01234567.unique", False),
        (tokens.split(agent_address(ANN), SETTINGS.by_address)[1].upper(), True),
        (tokens.split(agent_address(BEN, Purpose.INTERNAL), SETTINGS.by_address)[1], True),
        (tokens.split(token_address(Purpose.PARTICIPANT, ALICE_ID), SETTINGS.by_address)[1], False),
        ("a" * 39, False),
    ],
)
def test_an_attached_mail_of_ours_is_known_by_its_signature_or_an_agents_reply_address(mark: str, ours: bool) -> None:
    other = Attachment("other.eml", "message/rfc822", "attachment", "", 1, "0", 0, 1, "", marks=("x",))
    attached = replace(other, name="original.eml", marks=("x", mark, mark))
    assert look(mail(attachments=(other, attached))).own_attached == (("original.eml",) if ours else ())


@pytest.mark.incident("CVE-2023-22501", "Token in other hands")
@pytest.mark.parametrize(
    ("sender", "address", "match"),
    [
        (ALICE, token_address(Purpose.PARTICIPANT, ALICE_ID), Match.OWN_TOKEN),
        (ALICE, token_address(Purpose.PARTICIPANT, BOB_ID), Match.OTHER_TOKEN),
        (EVE, token_address(Purpose.PARTICIPANT, ALICE_ID), Match.OTHER_TOKEN),
        (ALICE, token_address(Purpose.DELIVERY, ALICE_ID), Match.OTHER_TOKEN),
        (ANN, agent_address(ANN), Match.OWN_AGENT_TOKEN),
        (BEN, agent_address(ANN), Match.AGENT_TOKEN),
        (ALICE, agent_address(ANN), Match.AGENT_TOKEN),
        ("former@staff.example", agent_address("former@staff.example"), Match.AGENT_TOKEN),
        (ANN, token_address(Purpose.AGENT, ALICE_ID), Match.AGENT_TOKEN),
        (ANN, agent_address(ANN, Purpose.INTERNAL), Match.OWN_AGENT_TOKEN),
        (ALICE, agent_address(ANN, Purpose.INTERNAL), Match.AGENT_TOKEN),
    ],
)
def test_a_token_is_checked_against_the_sender(sender: str, address: str, match: Match) -> None:
    assert find(mail(sender), address).match is match


def test_a_token_decides_before_ids_and_tags() -> None:
    others = {TICKET_ID: ticket(), 8: ticket(id=8, number="SUP-8")}
    read = mail(ALICE, subject="[SUP-8]", references=("r",))
    found = find(read, token_address(Purpose.PARTICIPANT, ALICE_ID), tickets=others, by_message_id={"r": (8,)})
    assert found.ticket == others[TICKET_ID]


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_reply_addresses_the_senders_own_counts(order: int) -> None:
    of_alice, of_ann = token_address(Purpose.PARTICIPANT, ALICE_ID), agent_address(ANN)
    to = (of_alice, of_ann)[::order]
    assert find(mail(ANN), *to).match is Match.OWN_AGENT_TOKEN
    assert find(mail(ANN, to=tuple(Address("", one) for one in to))).match is Match.OWN_AGENT_TOKEN
    assert find(mail(ANN, to=(Address("", of_ann),)), of_alice).match is Match.OWN_AGENT_TOKEN
    assert find(mail(ALICE), *to).match is Match.OWN_TOKEN


def test_a_mail_to_two_tickets_is_apart_for_each_and_one_mail_in_each() -> None:
    both = [token_address(Purpose.AGENT, tokens.agent_number(ANN), n) for n in (7, 8)]
    envelope = Envelope("smtp", ANN, (SUPPORT, both[0], both[1], token_address(Purpose.PARTICIPANT, ALICE_ID)))
    first, second = threading.apart(envelope, SETTINGS, KEYS, NOW)
    assert (first.recipients, second.recipients) == ((both[0], envelope.recipients[3], SUPPORT), (both[1],))
    read = mail(ANN, to=tuple(Address("", one) for one in both))
    looks = [threading.lookups(read, one, SETTINGS, KEYS, NOW) for one in (first, second)]
    assert [look.token and look.token.ticket_id for look in looks] == [7, 8]
    assert {token.ticket_id for token in looks[1].tokens} == {8}
    assert looks[0].dedupe != looks[1].dedupe
    assert looks[0].dedupe == look(read, both[0]).dedupe == look(read, both[0], SUPPORT).dedupe


def test_a_mail_to_one_ticket_or_to_a_crowd_of_them_stays_one() -> None:
    crowd = tuple(token_address(Purpose.PARTICIPANT, ALICE_ID, n) for n in range(1, threading.MOST_TICKETS + 2))
    for recipients in (crowd, crowd[:1], (SUPPORT, SALES), (SUPPORT, crowd[0], crowd[0])):
        envelope = Envelope("smtp", ALICE, recipients)
        assert threading.apart(envelope, SETTINGS, KEYS, NOW) == [envelope]


def test_a_token_of_a_ticket_that_is_gone_says_nothing() -> None:
    assert find(mail(), token_address(Purpose.PARTICIPANT, ALICE_ID), tickets={}).match is Match.NONE


def test_the_nearest_id_of_a_ticket_of_the_sender_wins() -> None:
    foreign = replace(ticket(id=8, number="SUP-8"), participants=())
    read = mail(BOB, references=("ours", "foreign"))
    found = find(read, tickets={TICKET_ID: ticket(), 8: foreign}, by_message_id={"ours": (TICKET_ID,), "foreign": (8,)})
    assert (found.match, found.ticket) == (Match.MESSAGE_ID, ticket())


@pytest.mark.incident("Message-ID squatting")
def test_an_id_that_a_stranger_wrote_again_takes_nobody_out_of_his_ticket() -> None:
    strangers = replace(ticket(id=8, number="SUP-8"), participants=())
    both = {TICKET_ID: ticket(), 8: strangers}
    for order in ((TICKET_ID, 8), (8, TICKET_ID)):
        found = find(mail(ALICE, in_reply_to=("hers",)), tickets=both, by_message_id={"hers": order})
        assert (found.match, found.ticket) == (Match.MESSAGE_ID, ticket())


@pytest.mark.incident("GHSA-j49f")
def test_a_stranger_is_told_apart_whatever_he_points_to() -> None:
    found = find(mail(EVE, references=("ours",)), by_message_id={"ours": (TICKET_ID,)})
    assert (found.match, found.ticket, found.participant) == (Match.MESSAGE_ID, ticket(), None)


def test_a_tag_must_be_the_tickets_own_number() -> None:
    assert find(mail(subject="[SUP-7]")).match is Match.TAG
    assert find(mail(subject="[SAL-7]")).match is Match.NONE


def test_equal_subjects_join_nothing() -> None:
    assert find(mail(subject="Export fails")).match is Match.NONE


def test_an_ambiguous_sender_is_of_no_ticket() -> None:
    nameless = replace(ticket(), participants=(replace(ticket().requester, address=""),))
    assert find(mail("", subject="[SUP-7]"), tickets={TICKET_ID: nameless}).participant is None
