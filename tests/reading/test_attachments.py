import base64
from hashlib import sha256

import pytest

from gateway.reading import attachments, content, read
from tests.reading.tnef_maker import attached, winmail

PICTURE = bytes(range(256)) * 20


def part(head: bytes, body: bytes) -> bytes:
    return b"--b\r\n" + head + b"\r\n\r\n" + body + b"\r\n"


def mail(*parts: bytes, subtype: bytes = b"mixed") -> bytes:
    head = b"From: a@a.example\r\nContent-Type: multipart/" + subtype + b"; boundary=b\r\n\r\n"
    return head + b"".join(parts) + b"--b--\r\n"


TEXT = part(b"Content-Type: text/plain", b"hello")
BASE64 = b"Content-Transfer-Encoding: base64"


def test_attachments_are_found_again_in_the_raw_mail() -> None:
    head = b'Content-Type: image/png; name="p.png"\r\n' + BASE64
    raw = mail(TEXT, part(head, base64.encodebytes(PICTURE)), part(b"Content-Type: a/b", b"as it stands"))
    picture, other = read(raw).attachments
    assert (picture.name, picture.content_type, picture.size) == ("p.png", "image/png", len(PICTURE))
    assert picture.sha256 == sha256(PICTURE).hexdigest()
    assert content(raw, picture) == PICTURE
    assert content(raw, other) == b"as it stands"


def test_attachments_are_found_again_where_cr_ends_the_lines() -> None:
    raw = mail(TEXT, part(b"Content-Type: a/b", b"one\r\ntwo")).replace(b"\r\n", b"\r")
    (one,) = read(raw).attachments
    assert content(raw, one) == b"one\ntwo"


def test_the_members_of_a_winmail_dat_stand_in_its_place() -> None:
    packed = winmail(attached(b"one", b"one.txt"), attached(b"two", b"..\\two.txt"))
    raw = mail(
        TEXT, part(b"Content-Type: application/ms-tnef; name=winmail.dat\r\n" + BASE64, base64.encodebytes(packed))
    )
    found = read(raw).attachments
    assert [(one.name, one.member, content(raw, one)) for one in found] == [
        ("one.txt", 0, b"one"),
        ("two.txt", 1, b"two"),
    ]


def test_an_unreadable_winmail_dat_stays_what_it_is() -> None:
    raw = mail(TEXT, part(b"Content-Type: application/ms-tnef; name=winmail.dat", b"nonsense"))
    (one,) = read(raw).attachments
    assert (one.name, one.member, content(raw, one)) == ("winmail.dat", -1, b"nonsense")


def test_inline_images_keep_their_content_id() -> None:
    html = part(b"Content-Type: text/html", b'<img src="cid:p@x">')
    image = part(b"Content-Type: image/png\r\nContent-ID: <p@x>\r\nContent-Disposition: inline", b"x")
    found = read(mail(html, image, subtype=b"related"))
    assert [(one.content_id, one.disposition) for one in found.attachments] == [("p@x", "inline")]
    assert found.html == '<img src="cid:p@x">'


def test_texts_that_say_attachment_are_no_body() -> None:
    found = read(mail(TEXT, part(b"Content-Type: text/plain\r\nContent-Disposition: attachment", b"a log")))
    assert found.text == "hello"
    assert [one.size for one in found.attachments] == [5]


def test_an_attached_message_is_one_attachment() -> None:
    inner = b"Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: a/b\r\n\r\nx\r\n--c--"
    (one,) = read(mail(TEXT, part(b"Content-Type: message/rfc822", inner))).attachments
    assert one.content_type == "message/rfc822"
    assert one.size == len(inner)


INNER = b"Reply-To: support+" + b"a" * 39 + b"@x.example\r\nX-Gateway-Loop:\r\n 1.ab.c\r\n\r\nx"


@pytest.mark.incident("Token in other hands")
@pytest.mark.parametrize(
    ("head", "data"),
    [
        (b"Content-Type: message/rfc822", INNER),
        (b"Content-Type: message/rfc822", b"Content-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\n" + INNER),
        (b"Content-Type: a/b; name=original.EML\r\n" + BASE64, base64.encodebytes(INNER)),
        (b"Content-Type: a/b; name=x.msg\r\n" + BASE64, base64.encodebytes(INNER.decode().encode("utf-16-le"))),
    ],
    ids=["attached", "attached in an attached one", "as a file", "as Outlook keeps it"],
)
def test_what_may_show_an_attached_mail_to_be_ours_is_read(head: bytes, data: bytes) -> None:
    (one,) = read(mail(TEXT, part(head, data))).attachments
    assert one.marks == ("1.ab.c", "a" * 39)


def test_files_that_are_no_mails_have_no_such_marks() -> None:
    (one,) = read(mail(TEXT, part(b"Content-Type: a/b", INNER))).attachments
    assert one.marks == ()


def test_no_more_marks_are_read_of_a_mail_than_can_be_verified() -> None:
    (one,) = read(mail(TEXT, part(b"Content-Type: message/rfc822", INNER * 1000))).attachments
    assert len(one.marks) < 100


@pytest.mark.incident("CVE-2023-35169", "Look-alike names")
@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("report.pdf", "report.pdf"),
        ("Grüße 日本.txt", "Grüße 日本.txt"),
        ("../../etc/cron.d/x", "x"),
        ("C:\\Windows\\evil.exe", "evil.exe"),
        ("/etc/passwd", "passwd"),
        ("folder/", "folder"),
        ("..", ""),
        (".", ""),
        ("", ""),
        ("a\0b.txt", "ab.txt"),
        ("a\r\nb.txt", "ab.txt"),
        ("gpj\u202etxt.exe", "gpjtxt.exe"),
        ("a\u200bb\ufeff.txt", "ab.txt"),
        ("name.exe. . ", "name.exe"),
        (".htaccess", ".htaccess"),
        ("\udcff.txt", ".txt"),
    ],
)
def test_names_are_made_safe(name: str, safe: str) -> None:
    assert attachments.safe_name(name, 255) == safe


@pytest.mark.incident("CVE-2023-35169")
def test_long_names_keep_their_extension() -> None:
    assert attachments.safe_name("a" * 300 + ".exe", 20) == "a" * 16 + ".exe"
    assert attachments.safe_name("." + "a" * 300, 20) == "." + "a" * 19
    assert len(attachments.safe_name("a." + "b" * 300, 20)) == 20
