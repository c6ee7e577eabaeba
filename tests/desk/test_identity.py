import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.desk.identity import Kind, Level, fold, identify, is_answerable, is_usable
from gateway.model import Address, Envelope, Identity, MachineKind
from gateway.settings import Settings
from tests.desk.world import ALICE, ANN, BEN, SETTINGS, SUPPORT, mail, robot


def envelope(auth: str = "", mail_from: str = "x@y.example", via: str = "smtp") -> Envelope:
    return Envelope(via, mail_from, (SUPPORT,), auth=auth)


def test_a_login_bound_to_from_is_the_best_evidence() -> None:
    sender = identify(mail(ANN), envelope(auth="ANN@staff.example"), SETTINGS)
    assert (sender.kind, sender.level, sender.agent and sender.agent.name) == (Kind.AGENT, Level.A4, "Ann")


@pytest.mark.incident("GHSA-rxqh-5572-8m77")
@pytest.mark.parametrize("auth", ["", BEN, "someone@else.example"])
def test_an_agents_from_without_her_login_proves_nothing(auth: str) -> None:
    sender = identify(mail(ANN), envelope(auth=auth), SETTINGS)
    assert (sender.kind, sender.level) == (Kind.AGENT, Level.A2)


@pytest.mark.parametrize(("named", "kind"), [(ALICE, Kind.CUSTOMER), (ANN, Kind.AGENT)])
def test_an_ambiguous_from_is_nobody_not_even_the_agent_whom_it_names(named: str, kind: Kind) -> None:
    ambiguous = mail(named, identity=Identity("", ("two From fields",)))
    sender = identify(ambiguous, envelope(auth=named), SETTINGS)
    assert (sender.kind, sender.level, sender.agent, sender.address) == (kind, Level.A1, None, "")
    assert "From: two From fields" in sender.why


@pytest.mark.parametrize("own", [SUPPORT, "Hilfe@Desk.Example", "support+anything@desk.example"])
def test_our_own_address_in_from_is_ours_however_it_is_written(own: str) -> None:
    assert identify(mail(own), envelope(), SETTINGS).kind is Kind.OWN


@pytest.mark.parametrize("own", ["hilfe@bücher.example", "Hilfe@XN--bcher-kva.example", "desk+eu@desk.example"])
def test_our_own_address_is_ours_in_every_spelling_and_with_a_plus_of_its_own(own: str) -> None:
    boxes = [{"name": "support", "addresses": ["hilfe@bücher.example", "desk+eu@desk.example"]}]
    settings = Settings.model_validate({"mailbox": boxes})
    assert identify(mail(own), envelope(), settings).kind is Kind.OWN
    assert identify(mail(f"x{own}"), envelope(), settings).kind is Kind.CUSTOMER


def test_an_agent_who_logged_in_may_write_as_the_support_address() -> None:
    sender = identify(mail(SUPPORT), envelope(auth=ANN), SETTINGS)
    assert (sender.kind, sender.level, sender.address) == (Kind.AGENT, Level.A4, ANN)


@pytest.mark.incident("CVE-2023-31597")
@pytest.mark.parametrize(
    "lookalike", ["ben@ſtaff.example", "ann@staff.example.", "ann@staff。example", "ａnn@staff.example"]
)
def test_an_address_that_only_looks_like_an_agents_is_another(lookalike: str) -> None:
    assert identify(mail(lookalike), envelope(), SETTINGS).agent is None


@pytest.mark.incident("CVE-2023-31597")
@given(st.characters(min_codepoint=128))
def test_no_letter_outside_ascii_folds_into_one_inside(letter: str) -> None:
    assert not fold(f"a{letter}b").isascii()


@pytest.mark.incident("Look-alike names")
def test_an_agents_name_on_a_foreign_address_is_flagged() -> None:
    sender = identify(mail(ALICE, author=Address(" ANN ", ALICE)), envelope(), SETTINGS)
    assert sender.posing
    assert not identify(mail(ANN, author=Address("Ann", ANN)), envelope(), SETTINGS).posing


def test_a_null_sender_is_a_robot_where_smtp_said_so() -> None:
    assert identify(mail(), envelope(mail_from=""), SETTINGS).robot == {MachineKind.AUTO_GENERATED}
    assert not identify(mail(), envelope(mail_from="", via="imap"), SETTINGS).robot


@pytest.mark.incident("CVE-2023-41259")
def test_a_loop_header_alone_makes_no_robot() -> None:
    assert not identify(mail(machine=robot(MachineKind.OWN_LOOP)), envelope(), SETTINGS).robot


@pytest.mark.incident("CVE-2025-13033")
@pytest.mark.parametrize(
    "address",
    ["", "alice", "@x.example", "a b@x.example", '"x@evil y"@x.example', "a@b@c.example", "a\r\nBcc: b@x.example",
     "<a@x.example>", "a,b@x.example", "a\x00@x.example"],
)  # fmt: skip
def test_what_is_no_plain_address_gets_no_mail(address: str) -> None:
    assert not is_usable(address)


@pytest.mark.parametrize("local", ["mailer-daemon", "MAILER-DAEMON", "postmaster", "abuse", "noreply", "No-Reply"])
def test_addresses_of_robots_are_never_answered_by_one(local: str) -> None:
    assert is_usable(f"{local}@x.example")
    assert not is_answerable(f"{local}@x.example")


def test_a_person_is_answerable() -> None:
    assert is_answerable(ALICE)
    assert is_answerable("jörg@bücher.example")
