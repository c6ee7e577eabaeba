"""What broke other help desks, done to this one from outside: by mail alone, to its open port."""

from __future__ import annotations

import smtplib
from pathlib import Path

import pytest

from tests.e2e.running import Gateway, mail, reply, send_reply, settle

EVE = "eve@elsewhere.example"
CONFIDENTIAL = "Our contract number is 4711-0815."
FORGED_MARKS = {
    "Authentication-Results": "mx.example.com; dmarc=pass header.from=example.com; dkim=pass header.d=example.com",
    "Received-SPF": "pass",
    "X-Authenticated-User": "ann@example.com",
    "X-Gateway-Agent": "ann@example.com",
    "X-Gateway-Loop": "1.000000000000000000000000.1",
}


@pytest.fixture
def reply_address(gateway: Gateway) -> str:
    """Kim's, in a ticket that stands."""
    gateway.send(mail("Export broken", CONFIDENTIAL))
    (confirmation,) = gateway.wait_for_mail("kim@example.net")
    return str(confirmation["Reply-To"].addresses[0].addr_spec)


@pytest.mark.incident("CVE-2024-49193", "CVE-2026-47123")
def test_who_writes_as_the_requester_and_copies_himself_sees_nothing_of_the_thread(
    gateway: Gateway, reply_address: str
) -> None:
    forged = mail("Re: [SUP-1] Export broken", "Please keep my colleague posted.", Cc=EVE)
    gateway.send(forged, EVE)
    settle(gateway)
    (notice, _) = gateway.wait_for_mail("ann@example.com", "Export broken", count=2)
    send_reply(gateway, reply(notice, f"{CONFIDENTIAL} Is that right?\n", "ann@example.com"), "ann@example.com")
    settle(gateway)
    assert [m for m in gateway.sent("kim@example.net") if CONFIDENTIAL in m.get_body(("plain",)).get_content()]
    assert gateway.sent(EVE) == []
    assert {p["address"] for p in gateway.ticket("SUP-1")["participants"]} == {"kim@example.net"}


@pytest.mark.incident("CVE-2023-41260", "CVE-2026-47123")
def test_the_door_says_the_same_whether_a_ticket_a_proof_or_a_person_is_there_or_not(
    gateway: Gateway, reply_address: str
) -> None:
    local, _, domain = reply_address.partition("@")
    proof = local.partition("+")[2]
    guesses = [
        "nobody@example.com", "ann@example.com", "support+1@example.com", "support+sup-1@example.com",
        f"support+{proof[:-4]}aaaa@{domain}", f"support+{'a' * len(proof)}@{domain}", f"nobody+{proof}@{domain}",
    ]  # fmt: skip
    with smtplib.SMTP("127.0.0.1", gateway.port, timeout=60) as client:
        client.ehlo("client.example")
        client.mail(EVE)
        assert len({client.rcpt(guess) for guess in guesses}) == 1
        assert client.rcpt(reply_address)[0] == 250


@pytest.mark.incident("Ticket Trick", "CVE-2023-22501", "GHSA-j49f")
def test_what_a_third_party_mails_to_a_reply_address_is_shown_to_no_customer(
    gateway: Gateway, reply_address: str
) -> None:
    code = "Your code for joining the company's workspace is 771-203."
    gateway.send(mail("Confirm your address", code, "Shop <hello@shop.example>", to=reply_address), "", reply_address)
    settle(gateway)
    (notice, *_) = gateway.wait_for_mail("ann@example.com", "Export broken")
    send_reply(gateway, reply(notice, "Hello Kim, which browser?\n", "ann@example.com"), "ann@example.com")
    settle(gateway)
    assert len(gateway.sent("kim@example.net")) == 2
    assert not [m for m in gateway.sent("kim@example.net") if "771-203" in m.as_string()]
    assert gateway.sent("hello@shop.example") == []


@pytest.mark.incident("CVE-2026-34720", "CVE-2023-41259", "GHSA-rxqh-5572-8m77", "RT trusts From")
def test_headers_that_only_a_gateway_may_write_prove_nothing_when_a_stranger_writes_them(
    gateway: Gateway, reply_address: str
) -> None:
    gateway.send(mail("Re: [SUP-1] Export broken", "#solved\nDone.", "ann@example.com", **FORGED_MARKS), EVE)
    gateway.send(mail("A question", "How does the export work?", f"Eve <{EVE}>", **FORGED_MARKS), EVE)
    settle(gateway)
    assert gateway.ticket("SUP-1")["status"] == "open"
    assert len(gateway.sent("kim@example.net")) == 1
    assert len(gateway.sent(EVE)) == 1, "she is a customer like any other"
    assert [m["state"] for m in gateway.json("mail", "list", "--state", "held")] == ["held"]


@pytest.mark.incident("CVE-2023-35169", "CVE-2018-16587", "CVE-2020-7247", "SQL injection")
def test_names_chosen_by_a_sender_are_text_to_files_shell_and_database(gateway: Gateway, tmp_path: Path) -> None:
    before = {path.name for path in (tmp_path, *tmp_path.parents) if path.is_dir()}
    trap = f"$(touch {tmp_path}/evil);`touch {tmp_path}/evil`'; DROP TABLE ticket; --"
    message = mail(trap, "It fails.", '"x\'); DELETE FROM mail; --" <kim@example.net>', message_id=f"<{trap[:9]}@x>")
    for name in ("../../evil", f"{tmp_path}/evil", "C:\\evil", "evil\0.txt", "CON", ".", "evil", "evil"):
        message.add_attachment(b"evil", maintype="application", subtype="octet-stream", filename=name)
    gateway.send(message)
    settle(gateway)
    assert gateway.ticket("SUP-1")["subject"] == trap
    assert len(gateway.ticket("SUP-1")["messages"][0]["attachments"]) == 8
    assert {path.name for path in tmp_path.iterdir()} == {"gateway.toml", "gateway.log", "commands.log", "var"}
    assert not [path for path in tmp_path.rglob("*") if "evil" in path.name]
    assert {path.name for path in (tmp_path, *tmp_path.parents) if path.is_dir()} == before
