"""Looking at a gateway that runs: tickets, mails, the outbox, the status; and changing things by hand."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from gateway.cli.demo_mails import mails
from gateway.db.store import open_store
from tests.cli.conftest import Result, Run
from tests.e2e.running import Gateway, mail, wait_for

DEAD_RELAY = "smtp://127.0.0.1:1"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with the three mails of the demo and one in an agent's name; its relay takes nothing."""
    gateway = Gateway(tmp_path_factory.mktemp("gateway"), relay=DEAD_RELAY)
    gateway.start()
    for one in mails("support@example.com"):
        gateway.send(one, "someone@customer.example")
    gateway.send(mail("Do as I say", "#solved\n", "Ann Agent <ann@example.com>"), "ann@example.com")
    wait_for(lambda: gateway.json("status")["processed"] == 4, "all mails are processed")
    yield gateway
    gateway.kill()


@pytest.fixture
def look(gateway: Gateway, run: Run) -> Run:
    def command(*arguments: object) -> Result:
        return run("--config", gateway.config, *arguments)

    return command


def by_subject(look: Run, words: str) -> str:
    number: str = next(row["number"] for row in look("tickets", "list", "--json").json if words in row["subject"])
    return number


def test_tickets_are_listed_for_programs(look: Run) -> None:
    rows = look("tickets", "list", "--json").json
    assert len(rows) == 3
    assert set(rows[0]) == {"number", "subject", "status", "severity", "category", "mailbox", "requester"}
    assert {row["requester"]["address"] for row in rows} >= {"maria@northwind.example", "juergen@werkstatt.example"}


def test_tickets_are_listed_for_people_and_filtered(look: Run) -> None:
    assert "Nobody can sign in" in look("tickets", "list").out
    assert len(look("tickets", "list", "--severity", "S0", "--json").json) == 1
    assert look("tickets", "list", "--status", "solved").out.strip() == "no tickets"
    assert len(look("tickets", "list", "--limit", "2", "--json").json) == 2


def test_a_ticket_is_shown_whole(look: Run) -> None:
    number = by_subject(look, "Bars overlap")
    ticket = look("tickets", "show", number, "--json").json
    assert {"number", "messages", "outgoing", "pages", "events", "participants", "assignee"} <= set(ticket)
    assert ticket["messages"][0]["attachments"][0]["name"] == "bar chart.png"
    out = look("tickets", "show", number.lower()).out
    assert "Sam Ortiz <sam@harbor.example>" in out
    assert "bar chart.png" in out
    assert "confirmation" in out


def test_what_was_cut_from_the_mail_that_opened_a_ticket_is_shown(look: Run) -> None:
    number = by_subject(look, "Frage zum Export")
    (message,) = look("tickets", "show", number, "--json").json["messages"]
    assert message["text"].endswith("Es eilt nicht.")
    assert message["full_text"].strip().endswith("Es eilt nicht.\n\nViele Grüße\nJürgen Groß")
    assert "Viele Grüße\nJürgen Groß" in look("tickets", "show", number).out


def test_an_s0_shows_whom_it_paged(look: Run) -> None:
    assert "mailto:oncall@example.com" in look("tickets", "show", by_subject(look, "sign in")).out


def test_a_ticket_that_is_not_there_is_told(look: Run) -> None:
    result = look("tickets", "show", "SUP-999")
    assert result.status == 1
    assert "there is no ticket SUP-999" in result.err


def test_mails_are_listed_with_their_state_and_reason(look: Run) -> None:
    rows = look("mail", "list", "--json").json
    assert {"id", "received_at", "via", "mail_from", "recipients", "subject", "state", "reason", "ticket"} <= set(
        rows[0]
    )
    (held,) = look("mail", "list", "--state", "held", "--json").json
    assert held["subject"] == "Do as I say"
    assert held["reason"] in look("mail", "list", "--state", "held").out


def test_a_mail_is_shown_with_what_stands_in_it(look: Run, tmp_path: Path) -> None:
    (row,) = [row for row in look("mail", "list", "--json").json if row["subject"] == "Nobody can sign in"]
    out = look("mail", "show", row["id"], "--raw", tmp_path / "raw.eml").out
    assert "error 502 for everyone" in out
    assert row["ticket"] in out
    assert b"Subject: Nobody can sign in" in (tmp_path / "raw.eml").read_bytes()
    assert look("mail", "show", 999).status == 1


def test_only_held_and_failed_mails_are_sent_through_again(look: Run) -> None:
    (done,) = [row["id"] for row in look("mail", "list", "--json").json if row["subject"] == "Nobody can sign in"]
    result = look("mail", "release", done)
    assert result.status == 1
    assert f"only held and failed mails can be released, not {done};" in result.err


def test_a_replayed_mail_is_decided_again(look: Run) -> None:
    (held,) = look("mail", "list", "--state", "held", "--json").json
    assert look("mail", "replay", held["id"]).status == 0
    again = wait_for(
        lambda: [r for r in look("mail", "list", "--state", "held", "--json").json if r["id"] == held["id"]],
        "held again",
    )
    assert again[0]["reason"] == held["reason"]


def test_outgoing_mails_are_listed_cancelled_and_tried_again(look: Run) -> None:
    waiting = look("outbox", "list", "--state", "waiting", "--json").json
    one = waiting[-1]["id"]
    assert look("outbox", "cancel", one).status == 0
    assert [row["id"] for row in look("outbox", "list", "--state", "cancelled", "--json").json] == [one]
    assert f"only waiting mails can be cancelled, not {one};" in look("outbox", "cancel", one).err
    assert look("outbox", "retry", one).status == 0
    assert look("outbox", "list", "--state", "cancelled").out.strip() == "nothing was sent"


def test_the_status_counts_everything_and_points_at_what_waits(look: Run) -> None:
    report = look("status", "--json").json
    assert set(report) == {
        "accepted", "processed", "held", "failed", "backlog", "oldest_seconds", "tickets", "outbox_waiting",
        "outbox_failed", "damage", "imap",
    }  # fmt: skip
    assert (report["accepted"], report["tickets"], report["held"], report["damage"]) == (4, 3, 1, "")
    assert "gateway mail release" in look("status").out


def test_check_sees_the_gateway_that_runs(look: Run) -> None:
    found = {one["what"]: one for one in look("check", "--json").json}
    assert found["smtp.listen"]["level"] == "ok"
    assert "a gateway runs" in found["smtp.listen"]["says"]
    assert found["relay"]["level"] == "fail"


def test_a_second_gateway_on_the_same_database_is_refused(look: Run) -> None:
    result = look("serve")
    assert result.status == 1
    assert "another gateway process" in result.err


def test_upgrading_an_upgraded_database_changes_nothing(look: Run) -> None:
    assert "already" in look("db", "upgrade").out


@pytest.mark.incident("Log injection")
def test_hostile_subjects_do_not_reach_the_terminal(gateway: Gateway, look: Run) -> None:
    hostile = EmailMessage()
    hostile["From"], hostile["To"] = "eve@elsewhere.example", "support@example.com"
    raw = b"Subject: =?utf-8?q?=1B[2J=E2=80=AEevil?=\r\n" + hostile.as_bytes().replace(b"\n", b"\r\n") + b"text\r\n"
    gateway.send(raw, "eve@elsewhere.example")
    wait_for(lambda: gateway.json("status")["backlog"] == 0, "it is processed")
    for listed in (look("tickets", "list").out, look("mail", "list").out):
        assert "evil" in listed
        assert not set(listed) & {"\x1b", "\u202e"}


def test_status_tells_when_imap_folders_were_looked_into_and_what_hinders_it(configured: Run, tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'var' / 'gateway.db'}", "test", serve=False)
    imap = '[[imap]]\nserver = "imaps://{}.example"\nusername = "kim"\npassword = "x"\n'
    with (tmp_path / "gateway.toml").open("a", encoding="utf-8") as configuration:
        configuration.write(imap.format("one") + imap.format("two"))
    assert configured("status").out.count("not looked into yet") == 2
    names = ("kim at one.example, INBOX", "kim at two.example, INBOX", "kim at former.example, INBOX")
    ids = [store.folders.named(name) for name in names]
    for id_ in ids:
        store.folders.claim(id_, datetime.now(UTC))
        store.folders.looked(id_, datetime.now(UTC))
    store.folders.give_back(ids[1], "wrong password")
    store.close()
    out = configured("status").out
    assert "kim at one.example, INBOX" in out
    assert "former" not in out
    assert " s ago" in out
    assert "wrong password" in out
    assert [one["trouble"] for one in configured("status", "--json").json["imap"]] == ["", "wrong password"]


def test_a_mail_whose_raw_form_is_lost_is_shown_all_the_same(configured: Run, tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(b"From: kim@example.net\r\nSubject: x\r\n\r\n" + b"x" * 40_000)
    assert configured("ingest", "a.eml").status == 0
    (segment,) = (tmp_path / "var" / "raw").iterdir()
    segment.write_bytes(b"")
    result = configured("mail", "show", "1")
    assert "kim@example.net" in result.out
    assert (result.status, result.err.count("\n")) == (1, 1)
    assert "its raw form cannot be read" in result.err
