"""The main job from outside: a customer mails, staff answer from their own client, all in one ticket."""

from __future__ import annotations

import smtplib
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from hashlib import sha256
from pathlib import Path

import pytest

from tests.e2e.running import Gateway, mail, reply, send_reply, wait_for

S0 = "Hello,\n\nsince 9 nobody in our company can log in, all 300 users get an error 500. There is no workaround.\n"


def _text(message: EmailMessage) -> str:
    return message.get_body(("plain",)).get_content()


def test_a_mail_becomes_a_ticket_and_its_people_get_a_confirmation(gateway: Gateway) -> None:
    first = mail("Export broken", "The export of my workbook fails with error 17.", Cc="Lee <lee@example.net>")
    gateway.send(first)
    (confirmation,) = gateway.wait_for_mail("kim@example.net", "SUP-1")
    gateway.wait_for_mail("lee@example.net", "SUP-1")
    gateway.wait_for_mail("ann@example.com", "SUP-1")
    assert "SUP-1" in _text(confirmation)
    assert confirmation["Auto-Submitted"] == "auto-replied"
    assert confirmation["In-Reply-To"] == first["Message-ID"]
    ticket = gateway.ticket("SUP-1")
    assert (ticket["subject"], ticket["status"], ticket["mailbox"]) == ("Export broken", "open", "support")
    assert ticket["requester"] == {"name": "Kim", "address": "kim@example.net"}
    assert [(p["address"], p["role"]) for p in ticket["participants"]] == [
        ("kim@example.net", "requester"), ("lee@example.net", "cc"),
    ]  # fmt: skip
    wait_for(
        lambda: {o["state"] for o in gateway.ticket("SUP-1")["outgoing"]} == {"sent"}, "all mails are marked as sent"
    )


def test_an_s0_pages_the_on_call(gateway: Gateway) -> None:
    gateway.send(mail("Nobody can log in", S0))
    (page,) = gateway.wait_for_mail("oncall@example.com")
    assert "S0" in page["Subject"]
    wait_for(lambda: [p["state"] for p in gateway.ticket("SUP-1")["pages"]] == ["sent"], "the page is marked as sent")
    assert gateway.ticket("SUP-1")["severity"] == "S0"


def test_staff_answer_by_plain_reply_and_the_customer_answers_back_in_one_ticket(gateway: Gateway) -> None:
    gateway.send(mail("Export broken", "The export of my workbook fails.", Cc="Lee <lee@example.net>"))
    (notice,) = gateway.wait_for_mail("ann@example.com")
    send_reply(
        gateway, reply(notice, "#pending\n\nPlease try again now.\n", "Ann Agent <ann@example.com>"), "ann@example.com"
    )
    (answer,) = gateway.wait_for_mail("lee@example.net", "Re: ") or []
    (answer,) = [m for m in gateway.wait_for_mail("kim@example.net", count=2) if "try again" in _text(m)]
    assert "Ann Agent" in str(answer["From"])
    assert answer["From"].addresses[0].addr_spec == "support@example.com"
    assert "#pending" not in answer.as_string()
    assert "ann@example.com" not in answer.as_string()
    send_reply(gateway, reply(answer, "Works, thank you!\n", "Kim <kim@example.net>"), "kim@example.net")
    gateway.wait_for_mail("ann@example.com", count=2)
    ticket = gateway.ticket("SUP-1")
    assert [m["kind"] for m in ticket["messages"]] == ["inbound", "reply", "inbound"]
    assert ticket["messages"][2]["text"] == "Works, thank you!"
    assert len(gateway.json("tickets", "list")) == 1


def test_a_note_with_its_attachment_reaches_no_customer(gateway: Gateway) -> None:
    gateway.send(mail("Export broken", "It fails."))
    (notice,) = gateway.wait_for_mail("ann@example.com")
    note = reply(notice, "#note\nThis customer owes us money: TOPSECRET\n", "ann@example.com")
    note.add_attachment(b"TOPSECRETFILE", maintype="application", subtype="octet-stream", filename="internal.bin")
    send_reply(gateway, note, "ann@example.com")
    wait_for(lambda: len(gateway.ticket("SUP-1")["messages"]) == 2, "the note is in the ticket")
    assert gateway.ticket("SUP-1")["messages"][1]["kind"] == "note"
    send_reply(gateway, reply(notice, "Hello Kim, we look into it.\n", "ann@example.com"), "ann@example.com")
    gateway.wait_for_mail("kim@example.net", count=2)
    for sent in gateway.sent("kim@example.net"):
        assert "TOPSECRET" not in sent.as_string()
        assert "internal.bin" not in sent.as_string()


def test_a_command_that_nobody_knows_holds_the_mail_and_tells_the_agent(gateway: Gateway) -> None:
    gateway.send(mail("Export broken", "It fails."))
    (notice,) = gateway.wait_for_mail("ann@example.com")
    send_reply(gateway, reply(notice, "#sloved\nDone.\n", "ann@example.com"), "ann@example.com")
    told = gateway.wait_for_mail("ann@example.com", count=2)
    assert any("#sloved" in _text(m) for m in told)
    assert len(gateway.sent("kim@example.net")) == 1
    (held,) = gateway.json("mail", "list", "--state", "held")
    assert held["ticket"] == "SUP-1"


@pytest.mark.incident("RT trusts From")
def test_a_name_in_from_alone_does_not_make_an_agent(gateway: Gateway) -> None:
    gateway.send(mail("Export broken", "It fails."))
    gateway.wait_for_mail("kim@example.net")
    forged = mail("Re: [SUP-1] Export broken", "#solved\nSend your password.", "ann@example.com")
    gateway.send(forged, "ann@example.com")
    wait_for(lambda: gateway.json("mail", "list", "--state", "held"), "the forged mail is held")
    assert gateway.ticket("SUP-1")["status"] == "open"
    assert len(gateway.sent("kim@example.net")) == 1


@pytest.mark.incident("Durable and not acknowledged")
def test_the_same_mail_twice_is_one_message(gateway: Gateway) -> None:
    first = mail("Export broken", "It fails.")
    gateway.send(first)
    gateway.send(first)
    wait_for(lambda: gateway.json("status")["processed"] == 2, "both are worked on")
    assert len(gateway.json("tickets", "list")) == 1
    assert sorted(m["state"] for m in gateway.json("mail", "list")) == ["refused", "ticket"]


@pytest.mark.incident("Autoresponder ping-pong")
def test_robots_and_our_own_mails_are_not_answered(gateway: Gateway) -> None:
    gateway.send(mail("Out of office", "I am away.", Auto_Submitted="auto-replied"), "kim@example.net")
    gateway.send(mail("Export broken", "It fails.", "Lee <lee@example.net>"), "lee@example.net")
    (confirmation,) = gateway.wait_for_mail("lee@example.net")
    gateway.send(confirmation.as_bytes(), "lee@example.net")
    wait_for(lambda: gateway.json("status")["processed"] == 3, "all are worked on")
    assert gateway.sent("kim@example.net") == []
    assert len(gateway.json("tickets", "list")) == 1


def test_attachments_of_any_size_arrive_whole(gateway: Gateway) -> None:
    files = {
        "leer.txt": b"",
        "スクリーンショット.png": b"\x89PNG" + bytes(range(256)) * 40,
        "big.bin": bytes(20_000_000),
    }
    message = mail("Files", "See attached.", "山田太郎 <taro@example.net>")
    for name, data in files.items():
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    gateway.send(message, "taro@example.net")
    (notice,) = gateway.wait_for_mail("ann@example.com")
    ticket = gateway.ticket("SUP-1")
    assert ticket["requester"]["name"] == "山田太郎"
    stored = {a["name"]: (a["size"], a["sha256"]) for a in ticket["messages"][0]["attachments"]}
    assert stored == {name: (len(data), sha256(data).hexdigest()) for name, data in files.items()}
    assert {a.get_filename(): a.get_content() for a in notice.iter_attachments()} == files


def test_five_hundred_mails_over_fifty_connections_become_five_hundred_tickets(gateway: Gateway) -> None:
    def send(worker: int) -> None:
        with smtplib.SMTP("127.0.0.1", gateway.port, timeout=60) as client:
            for n in range(10):
                sender = f"kim{worker}-{n}@example.net"
                message = mail(f"Question {worker}-{n}", f"How do I do {n}?", sender)
                client.sendmail(sender, ["support@example.com"], message.as_bytes())

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(send, range(50)))
    wait_for(lambda: gateway.json("status")["processed"] == 500, "all are worked on")
    wait_for(lambda: gateway.json("status")["outbox_waiting"] == 0, "all are answered")
    subjects = [t["subject"] for t in gateway.json("tickets", "list", "--limit", "1000")]
    assert sorted(subjects) == sorted(f"Question {w}-{n}" for w in range(50) for n in range(10))
    confirmed = [str(m["To"]) for m in gateway.sent() if "ann@" not in str(m["To"])]
    assert len(set(confirmed)) == 500


def test_every_acknowledged_mail_survives_a_kill(gateway: Gateway) -> None:
    for n in range(20):
        gateway.send(mail(f"Question {n}", f"How do I do {n}?", f"kim{n}@example.net"), f"kim{n}@example.net")
    gateway.kill()
    gateway.start()
    wait_for(lambda: gateway.json("status")["outbox_waiting"] == 0, "all are answered")
    wait_for(lambda: len({str(m["To"]) for m in gateway.sent() if "ann@" not in str(m["To"])}) == 20, "all got theirs")
    assert sorted(t["subject"] for t in gateway.json("tickets", "list")) == sorted(f"Question {n}" for n in range(20))


def test_files_are_taken_in_and_worked_on_without_a_running_gateway(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    file = tmp_path / "mail.eml"
    file.write_bytes(mail("Export broken", "It fails.").as_bytes())
    assert gateway.run("ingest", str(file)).returncode == 0
    assert [t["subject"] for t in gateway.json("tickets", "list")] == ["Export broken"]
    assert {str(m["To"]) for m in gateway.sent()} == {"Kim <kim@example.net>", "Ann Agent <ann@example.com>"}


def test_a_running_gateway_works_on_what_a_pipe_hands_in(gateway: Gateway) -> None:
    done = gateway.run("ingest", "-", stdin=mail("Export broken", "It fails.").as_bytes())
    assert done.returncode == 0, done.stderr.decode()
    gateway.wait_for_mail("kim@example.net", "SUP-1")
    assert gateway.json("mail", "list")[0]["via"] == "pipe"
