from __future__ import annotations

from pathlib import Path

import pytest

from gateway.model import Bounce
from gateway.reading import read
from gateway.reading.bounce import codes, rfc3464, sns, wild

MAILS = Path(__file__).parent.parent / "mails"


def bounce_in(name: str) -> Bounce:
    found = read((MAILS / f"{name}.eml").read_bytes()).bounce
    assert found is not None
    return found


def bounce_of(
    body: str, subject: str = "Undelivered Mail Returned to Sender", sender: str = "mailer-daemon"
) -> Bounce | None:
    head = f"From: {sender}@mx.example\r\nTo: support@desk.example\r\nSubject: {subject}\r\n\r\n"
    return read((head + body).encode()).bounce


def test_each_recipient_of_a_status_report_is_told_with_status_action_and_code() -> None:
    found = bounce_in("bounce-dsn")
    assert [(r.address, r.status, r.action, r.reply_code) for r in found.recipients] == [
        ("anna+web@mill.example", "5.1.1", "failed", "550"),
        ("bert@mill.example", "4.2.2", "delayed", ""),
    ]
    assert (found.failed, found.dsn, found.permanent) == (True, True, True)
    assert found.original_message_id == "note-17@desk.example"


@pytest.mark.parametrize(
    ("name", "recipients"),
    [
        ("bounce-qmail", [("anna@mill.example", "5.7.1", "553")]),
        ("bounce-exim", [("anna@mill.example", "5.1.1", "550"), ("bert@mill.example", "5.2.2", "552")]),
        ("bounce-exchange", [("dora@corp.example", "", "")]),
        ("bounce-domino", [("emil@notes.example", "", "")]),
        ("bounce-sendmail", [("anna@mill.example", "5.2.1", "550")]),
        ("bounce-mobile", [("fumi@carrier.example", "", "")]),
        ("bounce-sns", [("anna@mill.example", "5.1.1", "550")]),
        ("bounce-refused", [("gerd@sieve.example", "", "")]),
    ],
)
def test_a_report_without_status_fields_is_read_from_its_prose(
    name: str, recipients: list[tuple[str, str, str]]
) -> None:
    found = bounce_in(name)
    assert [(r.address, r.status, r.reply_code) for r in found.recipients] == recipients
    assert (found.failed, found.permanent, found.dsn) == (True, True, False)


@pytest.mark.parametrize("name", ["bounce-qmail", "bounce-exim", "bounce-exchange", "bounce-sendmail", "bounce-sns"])
def test_the_id_of_the_returned_mail_is_found(name: str) -> None:
    assert bounce_in(name).original_message_id == "note-17@desk.example"


def test_a_delayed_mail_has_not_failed() -> None:
    found = bounce_in("bounce-delayed")
    assert [(r.address, r.status, r.action) for r in found.recipients] == [("carla@slow.example", "4.3.0", "delayed")]
    assert not found.failed
    assert not found.permanent


def test_a_failure_of_class_4_is_not_permanent() -> None:
    found = bounce_of("<anna@mill.example>: 452 4.2.2 mailbox full; I have given up\r\n")
    assert found is not None
    assert found.failed
    assert not found.permanent


@pytest.mark.parametrize(
    ("body", "address", "code"),
    [
        (
            "Unable to deliver message to: <a@x.example>\nServer in.x.example failed with: 550 no\n",
            "a@x.example",
            "550",
        ),
        ("Failed Recipient: a@x.example\nReason: Remote host said: 551 moved\n", "a@x.example", "551"),
        ("Sent <<< RCPT TO:<a@x.example>\nReceived >>> 550 5.1.1 unknown user\n", "a@x.example", "550"),
        (
            "------- Failure Reasons --------\n\nUser not listed\na@x.example\n\n------- Returned Message --------\n",
            "a@x.example",
            "",
        ),
        ("Error-for:  a@x.example\nError-Text: 554 looping\n", "a@x.example", "554"),
        (
            "SMTP Server <in.x.example> rejected recipient <a@x.example>. It said: [550 5.1.1 no]\n",
            "a@x.example",
            "550",
        ),
        ("The following address failed:\n\na@x.example:\nreason: 550 5.2.0 refused\n", "a@x.example", "550"),
        ("These had errors:\n\n>>> a@x.example <a@x.example>\n\n550 no mailbox\n", "a@x.example", "550"),
        (
            "Could not deliver.\nMAIL FROM: support@desk.example\nRCPT TO: 123@x.example\n550 - no such user\n",
            "123@x.example",
            "550",
        ),
        ("554 <a@x.example>... 550 Host unknown\n", "a@x.example", "550"),
        ("Delivery failed. Address: <a@x.example>, ResponseCode 421, host not reachable\n", "a@x.example", "421"),
        ("Die Nachricht konnte nicht zugestellt werden.\nEmpfänger: a@x.example\n", "a@x.example", ""),
        ("Недоставлено: не удалось.\nПолучатель: a@x.example\n", "a@x.example", ""),
    ],
)
def test_a_recipient_is_known_by_where_the_address_stands(body: str, address: str, code: str) -> None:
    found = bounce_of(body)
    assert found is not None
    assert [(r.address, r.reply_code) for r in found.recipients] == [(address, code)]


def test_addresses_of_helpers_and_senders_are_not_recipients() -> None:
    found = bounce_of(
        "Your mail could not be delivered.\r\nFrom: support@desk.example\r\nTo: a@x.example\r\n"
        "For assistance write to help@x.example or <postmaster@x.example>\r\n"
    )
    assert found is not None
    assert [r.address for r in found.recipients] == ["a@x.example"]


def test_without_a_named_recipient_the_returned_mail_tells_whom_it_was_for() -> None:
    found = bounce_of(
        "421 x.example... Deferred: timed out\n\n--- Unsent message follows ---\nTo: Ann <ann@x.example>\n\nhi\n"
    )
    assert found is not None
    assert [r.address for r in found.recipients] == ["ann@x.example"]


def test_a_mailer_s_report_counts_even_where_no_recipient_can_be_told() -> None:
    found = bounce_of("Your mail could not be delivered to someone.\n")
    assert found is not None
    assert found.failed
    assert found.recipients == ()


@pytest.mark.parametrize(
    ("sender", "subject", "body"),
    [
        ("anna", "Delivery failed for our scheduled export", "It could not be sent to\nbob@mill.example\nsince noon."),
        ("anna", "Re: Undelivered Mail Returned to Sender", "I got this: <bob@mill.example>: 550 5.1.1 unknown. Why?"),
        ("anna", "Mail delivery problem with exports", "It fails:\nbob@mill.example\ngets none. Error 550 5.1.1."),
        ("anna", "User unknown", "When bob@mill.example logs in he cannot: user unknown."),
        ("anna", "Fwd: failure notice", "Recipient: bob@mill.example\n550 5.1.1 no"),
    ],
)
def test_a_person_who_writes_about_failed_mail_stays_a_person(sender: str, subject: str, body: str) -> None:
    assert bounce_of(body, subject, sender) is None


def test_a_report_s_subject_on_a_mail_of_a_person_s_program_proves_nothing() -> None:
    head = "From: Kim <kim@example.net>\nSubject: Mail delivery failed: returning message to sender??\n"
    text = "\nI get this:\n\n SMTP error after RCPT TO:<bo@example.org>:\n 550 5.7.1 relaying denied\n\nWhy?\n"
    assert read(f"{head}User-Agent: Mozilla Thunderbird\n{text}".encode()).bounce is None
    assert read(f"{head}{text}".encode()).bounce is not None


def test_an_absence_notice_under_the_null_path_is_no_bounce() -> None:
    raw = (
        b"Return-Path: <>\r\nFrom: Anna <anna@mill.example>\r\nTo: support@desk.example\r\nSubject: Away\r\n\r\n"
        b"I cannot read mail this week.\r\nE-mail: bob@mill.example\r\n"
    )
    assert read(raw).bounce is None


def test_a_forwarded_report_is_no_report_of_ours() -> None:
    raw = (
        b"From: Anna <anna@mill.example>\r\nTo: support@desk.example\r\nSubject: what is this?\r\n"
        b"Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: text/plain\r\n\r\nPlease help.\r\n"
        b"--c\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n"
        b"Final-Recipient: rfc822; bob@mill.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--c--\r\n"
    )
    assert read(raw).bounce is None


def test_a_read_receipt_and_a_complaint_are_no_bounces() -> None:
    assert read((MAILS / "read-receipt.eml").read_bytes()).bounce is None
    assert read((MAILS / "feedback-report.eml").read_bytes()).bounce is None


def test_recipients_of_a_report_without_blank_lines_are_kept_apart() -> None:
    text = "Final-Recipient: rfc822;a@x.example\nAction: failed\nFinal-Recipient: rfc822;b@x.example\nAction: relayed\n"
    assert [(r.address, r.action) for r in rfc3464.recipients(text)] == [
        ("a@x.example", "failed"),
        ("b@x.example", "relayed"),
    ]


def test_a_blank_line_inside_a_group_does_not_lose_its_fields() -> None:
    found = rfc3464.recipients("Final-Recipient: rfc822;a@x.example\n\nAction: failed\nStatus: 5.1.1\n")
    assert [(r.address, r.status) for r in found] == [("a@x.example", "5.1.1")]


@pytest.mark.parametrize(
    ("text", "status", "reply"),
    [
        ("smtp; 550 5.1.1 unknown", "5.1.1", "550"),
        ("550-5.7.26 not signed", "5.7.26", "550"),
        ("host 5.1.1.2 said: 552 full", "", "552"),
        ("554 4.4.7 expired.<421 4.4.2 timed out>", "4.4.2", "421"),
        ("500 MB is the limit, tried for 450 seconds", "", ""),
        ("5.0.0 failed, in truth 5.2.1", "5.2.1", ""),
        ("sendmail 8.14.4 at 23:34:45", "", ""),
    ],
)
def test_codes_are_told_from_other_numbers(text: str, status: str, reply: str) -> None:
    assert codes.status(text) == status
    assert codes.reply(text, status) == reply


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 50_000, '{"bounce": 3}', '{"Message": "x"}', '{"notificationType": "Delivery"}']
)
def test_what_is_no_bounce_of_sns_is_left_alone(text: str) -> None:
    assert sns.read(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "a" * 200_000,
        "<" * 200_000 + "a@b.example",
        " " * 200_000,
        "-" * 200_000,
        "user" + " " * 200_000 + "a@b.example",
        "message-id" + " " * 200_000,
        "original message" + " " * 200_000,
        "a@b.example," * 20_000,
        "<a@b.example> " * 20_000,
        "Final-Recipient: rfc822;" + "a" * 200_000,
        "\n".join(f"Final-Recipient: rfc822;u{n}@b.example" for n in range(1_500)),
        "mail " * 40_000,
    ],
)
@pytest.mark.timeout(20)
def test_hostile_reports_are_read_to_an_end(text: str) -> None:
    body = f"could not be delivered\n{text}\n"
    found = bounce_of(body)
    assert found is not None
    assert len(found.recipients) <= 200
    assert len(wild.recipients(body, ())) <= 200
