import base64
import pickle
from datetime import UTC, datetime

import pytest

from gateway.model import Address, Identity, ReadMail
from gateway.reading import Limits, read, salvage
from gateway.reading.limits import DEFAULT

MAIL = (
    "Return-Path: <anna@acme.example>\r\n"
    "Received: from mx.acme.example by in.desk.example; Tue, 13 Jan 2026 10:00:01 +0000\r\n"
    "Received: from [192.0.2.7] by mx.acme.example; Tue, 13 Jan 2026 10:00:00 +0000\r\n"
    "From: Anna Becker <anna@acme.example>\r\n"
    "To: Support <help@desk.example>, bert@acme.example\r\n"
    "Cc: carla@acme.example\r\n"
    "Subject: Re: =?utf-8?q?Portal_nicht_verf=C3=BCgbar?=\r\n"
    "Date: Tue, 13 Jan 2026 11:00:00 +0100\r\n"
    "Message-ID: <two@acme.example>\r\n"
    "In-Reply-To: <one@desk.example>\r\n"
    "References: <zero@acme.example>\r\n <one@desk.example>\r\n"
    "X-Gateway-Loop: abc\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "\r\n"
    "Guten Tag, wir können uns noch nicht wieder anmelden.\r\n"
    "\r\n"
    "-- \r\n"
    "Anna Becker\r\n"
    "\r\n"
    "On Tue, 13 Jan 2026 at 09:00, Support <help@desk.example> wrote:\r\n"
    "> Is it better now?\r\n"
).encode()


def with_header(line: bytes, mail: bytes = MAIL) -> bytes:
    return line + b"\r\n" + mail


def test_the_headers_of_a_mail_are_all_there() -> None:
    mail = read(MAIL)
    assert mail.subject == "Re: Portal nicht verfügbar"
    assert mail.subject_base == "Portal nicht verfügbar"
    assert mail.author == Address("Anna Becker", "anna@acme.example")
    assert mail.identity == Identity("anna@acme.example")
    assert mail.to == (Address("Support", "help@desk.example"), Address("", "bert@acme.example"))
    assert mail.cc == (Address("", "carla@acme.example"),)
    assert mail.date == datetime(2026, 1, 13, 10, 0, tzinfo=UTC)
    assert mail.message_id == "two@acme.example"
    assert mail.in_reply_to == ("one@desk.example",)
    assert mail.references == ("zero@acme.example", "one@desk.example")
    assert mail.loop == "abc"
    assert mail.defects == ()


def test_the_text_is_split_and_its_language_told() -> None:
    mail = read(MAIL)
    assert mail.has_text
    assert mail.reply.text.strip() == "Guten Tag, wir können uns noch nicht wieder anmelden."
    assert "Is it better now?" in mail.reply.quoted
    assert "Anna Becker" in mail.reply.signature
    assert mail.language == "de"
    assert mail.machine.kinds == ()
    assert mail.bounce is None
    assert mail.forward is None


def test_a_mail_of_html_alone_has_text_made_of_it() -> None:
    mail = read(
        b"From: a@a.example\r\nContent-Type: text/html\r\n\r\n<p>The portal is <b>down</b></p><script>x()</script>"
    )
    assert mail.text.strip() == "The portal is down"
    assert not mail.has_text
    assert "<script>" in mail.html
    assert "down" in mail.safe_html
    assert "script" not in mail.safe_html


OUTAGE = b"<p>Since 8 nobody here can log in, all 400 of us get error 503, and no other way is left.</p>"


def with_two_forms(kind: bytes, plain: bytes) -> str:
    return read(
        b"From: a@a.example\r\nContent-Type: multipart/" + kind + b"; boundary=b\r\n\r\n"
        b"--b\r\n\r\n" + plain + b"\r\n--b\r\nContent-Type: text/html\r\n\r\n" + OUTAGE + b"\r\n--b--\r\n"
    ).text.strip()


def test_a_text_that_only_points_to_the_html_beside_it_gives_way_to_it() -> None:
    assert with_two_forms(b"alternative", b"This mail needs an HTML viewer.").startswith("Since 8 nobody here")
    assert with_two_forms(b"alternative", b"Since 8 nobody here can log in").endswith("log in")


def inline(*parts: tuple[bytes, bytes]) -> ReadMail:
    """What is read of texts, each with its subtype, that stand one after the other."""
    written = b"".join(b"--b\r\nContent-Type: text/" + kind + b"\r\n\r\n" + text + b"\r\n" for kind, text in parts)
    return read(b"From: a@a.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + written + b"--b--\r\n")


def test_texts_and_html_that_are_no_alternatives_are_all_read_in_their_order() -> None:
    assert with_two_forms(b"mixed", b"See this:").split("\n")[0] == "See this:"
    assert with_two_forms(b"mixed", b"See this:").endswith("no other way is left.")
    mail = inline((b"html", b"<p>One</p>"), (b"plain", b"a < b\r\nTwo"), (b"html", b"<p>Three</p>"))
    assert mail.text.split() == ["One", "a", "<", "b", "Two", "Three"]
    assert mail.safe_html == "<p>One</p>\n<p>a &lt; b<br>\nTwo</p>\n<p>Three</p>"


def test_a_footer_that_a_server_put_below_html_does_not_stand_for_the_mail() -> None:
    mail = inline((b"html", OUTAGE), (b"plain", b"-- \r\nThis e-mail was checked for viruses."))
    assert mail.reply.text.startswith("Since 8 nobody here can log in")
    assert mail.reply.signature.endswith("checked for viruses.")


def test_html_that_only_repeats_the_text_before_it_is_read_once() -> None:
    mail = inline((b"plain", b"Nobody can log in."), (b"html", b"<p>Nobody <b>can</b> log in.</p>"))
    assert (mail.text, mail.safe_html) == ("Nobody can log in.", "<p>Nobody <b>can</b> log in.</p>")
    mail = inline((b"plain", b"Nobody can log in."), (b"html", b'<img src="cid:x">'))
    assert mail.safe_html == '<p>Nobody can log in.</p>\n<img src="cid:x">'


def test_a_mail_of_enriched_text_alone_is_read_without_its_marks() -> None:
    mail = read(
        b"From: a@a.example\r\nContent-Type: text/enriched\r\n\r\n"
        b"<fontfamily><param>Arial</param>The <bold>portal</bold> is\r\ndown.</fontfamily>\r\n\r\n1 << 2\r\n"
    )
    assert mail.text.split("\n") == ["The portal is down.", "1 < 2 "]
    assert mail.attachments == ()


def test_html_is_made_fit_for_showing_only_where_nothing_of_the_body_is_left_out() -> None:
    mail = read(
        b"From: a@a.example\r\nContent-Type: text/html\r\n\r\n<p>Help!</p><blockquote>older, internal</blockquote>"
    )
    assert "internal" in mail.reply.quoted
    assert mail.safe_html == ""


def test_an_answer_goes_to_reply_to_else_from_else_sender_else_return_path() -> None:
    lines = [
        b"Return-Path: <path@x.example>",
        b"Sender: sender@x.example",
        b"From: from@x.example",
        b"Reply-To: Someone <reply@x.example>",
    ]
    answers = [read(b"\r\n".join(lines[:count]) + b"\r\n\r\nx").answer_to for count in range(1, 5)]
    assert answers == ["path@x.example", "sender@x.example", "from@x.example", "reply@x.example"]


def test_a_forwarded_message_is_read() -> None:
    inner = b"From: Carla <carla@x.example>\r\nSubject: Help\r\n\r\nIt is down"
    raw = (
        b"From: agent@desk.example\r\nSubject: Fwd: Help\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\n\r\nplease take this\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" + inner + b"\r\n--b--\r\n"
    )
    forward = read(raw).forward
    assert forward is not None
    assert forward.sender == Address("Carla", "carla@x.example")
    assert forward.text.strip() == "It is down"


@pytest.mark.incident("Replayed mail")
def test_copies_of_one_mail_by_different_roads_have_one_hash() -> None:
    copies = [
        MAIL,
        MAIL.replace(b"\r\n", b"\n"),
        MAIL + b"\r\n\r\n",
        with_header(b"Received: from a by b; Tue, 13 Jan 2026 10:00:02 +0000"),
        with_header(b"Delivered-To: help@desk.example"),
        MAIL.replace(b"utf-8\r\n\r\n", b"utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n").replace(
            "ö".encode(), b"=C3=B6"
        ),
    ]
    assert len({read(copy).content_hash for copy in copies}) == 1


@pytest.mark.incident("Message-ID squatting")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"two@acme", b"three@acme"),
        (b"wieder anmelden", b"wieder abmelden"),
        (b"Portal", b"Portale"),
        (b"From: Anna Becker <anna@", b"From: Anna Becker <bert@"),
        (b"11:00:00", b"11:00:01"),
    ],
)
def test_another_mail_has_another_hash(old: bytes, new: bytes) -> None:
    assert read(MAIL.replace(old, new)).content_hash != read(MAIL).content_hash


def test_the_hash_covers_attachments_whatever_their_line_ends() -> None:
    head = b"From: a@a.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n"
    raw = head + b"--b\r\nContent-Type: text/csv; name=a.csv\r\n\r\n1,2\r\n3,4\r\n--b--\r\n"
    assert read(raw).content_hash == read(raw.replace(b"\r\n", b"\n")).content_hash
    assert read(raw).content_hash != read(raw.replace(b"3,4", b"3,5")).content_hash


def test_what_was_read_is_small_and_can_be_pickled() -> None:
    raw = b"From: a@a.example\r\nContent-Type: image/png; name=x.png\r\n\r\n" + b"x" * 1_000_000
    mail = read(raw)
    assert pickle.loads(pickle.dumps(mail)) == mail
    assert len(pickle.dumps(mail)) < 10_000


def test_a_body_that_is_not_as_encoded_is_read_as_it_came_and_said_to_be() -> None:
    head = b"From: a@a.example\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    mail = read(head + "Störung: niemand kommt hinein.\r\n".encode())
    assert (mail.text, mail.defects) == ("Störung: niemand kommt hinein.\n", ("body-not-as-encoded",))
    mail = read(head + base64.encodebytes("Störung".encode()) + b"To leave the list, write\r\n")
    assert (mail.text, mail.defects) == ("Störung\nTo leave the list, write\n", ("body-not-as-encoded",))
    assert read(head + base64.encodebytes("Störung".encode())).defects == ()


def test_a_long_body_is_cut_and_said_to_be() -> None:
    mail = read(b"From: a@a.example\r\n\r\n" + b"hello\r\n" * 1000, Limits(body_bytes=70))
    assert mail.text == "hello\n" * 10
    assert mail.defects == ("body-too-long",)


def test_an_error_in_a_reader_leaves_sender_and_subject(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr("gateway.reading.reply.split", broken)
    mail = read(MAIL)
    assert mail.subject == "Re: Portal nicht verfügbar"
    assert mail.identity == Identity("anna@acme.example")
    assert mail.defects == ("unreadable-RecursionError",)


def test_what_is_salvaged_has_the_mail_itself_attached() -> None:
    mail = salvage(MAIL, DEFAULT, "too-slow")
    assert mail.message_id == "two@acme.example"
    assert mail.defects == ("too-slow",)
    assert [(one.name, one.size) for one in mail.attachments] == [("message.eml", len(MAIL))]


@pytest.mark.parametrize("raw", [b"", b"\r\n", b"\n", b"\r", b"\0", b"x", b":", b"a:", b"--", b"\xff" * 100])
def test_the_smallest_inputs_are_mails_too(raw: bytes) -> None:
    mail = read(raw)
    assert mail.identity.address == ""
    assert not any(defect.startswith("unreadable") for defect in mail.defects)


def test_soft_line_breaks_of_a_script_without_blanks_leave_none() -> None:
    head = "Content-Type: text/plain; charset=utf-8; format=flowed; delsp=yes\n\n"
    assert read(f"{head}人数を変更 \nしたいです。\n> 引用 \n> です\n-- \n伊藤".encode()).text == (
        "人数を変更したいです。\n> 引用 \n> です\n-- \n伊藤"
    )


def test_a_forward_whose_text_part_has_all_on_one_line_is_read_from_the_html() -> None:
    glued = "----- Forwarded Message ----- From: Jo <jo@example.org>To: al@example.netSent: Monday, 3 June 2024, 10:00"
    block = glued.replace("----- From", "-----<br>From").replace("<jo@example.org>To", "&lt;jo@example.org&gt;<br>To")
    block = block.replace("netSent", "net<br>Sent") + "<br>Subject: Tickets<br><br>Two are missing."
    mail = (
        "Content-Type: multipart/alternative; boundary=b\n\n--b\n\n"
        f"Please look. {glued}Subject: Tickets\nTwo are missing.\n"
        f"--b\nContent-Type: text/html\n\n<p>Please look.</p><div>{block}</div>\n--b--\n"
    )
    found = read(mail.encode()).forward
    assert found is not None
    assert (found.subject, found.text, found.comment) == ("Tickets", "Two are missing.", "Please look.")


def test_blanks_that_a_client_wrote_as_html_into_its_plain_text_are_blanks() -> None:
    text = '------------------&nbsp;原始邮件&nbsp;------------------\n发件人:&nbsp;"云"<a@b.example>;\n主题:&nbsp;修'
    mail = read(f"Content-Type: text/plain; charset=utf-8\n\n好的\n\n{text}".encode())
    assert mail.reply.text == "好的"
    assert mail.reply.quoted_from == Address("云", "a@b.example")
