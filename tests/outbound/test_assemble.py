from dataclasses import replace
from email.message import EmailMessage

from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Attachment, Composed
from gateway.outbound.assemble import assemble
from tests.outbound.sample import NOTICE, PICTURE, cause, compose, parsed, ticket

MESSAGE = Attachment("old.eml", "message/rfc822", "attachment", "", 0, "", 0, 0, "7bit")
EMBEDDED = b"From: a@b.example\r\nSubject: old\r\n\r\nHello\r\n"


def notice(*attachments: Attachment) -> Composed:
    return compose(NOTICE, ticket(), cause(attachments=tuple(enumerate(attachments, 1))))


def parts(mail: bytes) -> list[EmailMessage]:
    return list(parsed(mail).iter_attachments())


@given(st.binary(max_size=5000))
def test_an_attachment_arrives_as_it_was(data: bytes) -> None:
    mail = assemble(notice(PICTURE), [(PICTURE, data)])
    (part,) = parts(mail)
    assert part.get_content() == data
    assert part.get_filename() == "empty page.png"
    assert mail.isascii()
    assert all(len(line) <= 998 for line in mail.split(b"\r\n"))
    assert not parsed(mail).defects


def test_text_and_html_stand_before_the_attachments() -> None:
    found = parsed(assemble(notice(PICTURE, PICTURE), [(PICTURE, b"1"), (PICTURE, b"2")]))
    assert [part.get_content_type() for part in found.iter_parts()] == [
        "multipart/alternative",
        "image/png",
        "image/png",
    ]


def test_a_mail_without_attachments_stays_as_it_was_composed() -> None:
    mail = notice()
    assert assemble(mail, []) == mail.content


def test_the_same_mail_has_the_same_bytes_each_time() -> None:
    assert assemble(notice(PICTURE), [(PICTURE, b"x")]) == assemble(notice(PICTURE), [(PICTURE, b"x")])


def test_a_mail_as_attachment_is_not_encoded_and_has_whole_line_ends() -> None:
    mail = assemble(notice(MESSAGE), [(MESSAGE, EMBEDDED.replace(b"\r\n", b"\n"))])
    (part,) = parts(mail)
    assert part["Content-Transfer-Encoding"] == "7bit"
    assert EMBEDDED in mail
    assert part.get_content()["Subject"] == "old"


def test_a_mail_as_attachment_beyond_ascii_is_8bit() -> None:
    (part,) = parts(assemble(notice(MESSAGE), [(MESSAGE, EMBEDDED + "Grüße".encode())]))
    assert part["Content-Transfer-Encoding"] == "8bit"


def test_a_mail_as_attachment_that_no_relay_would_take_goes_as_bytes() -> None:
    for bad in (EMBEDDED + b"x" * 2000, EMBEDDED + b"\0"):
        (part,) = parts(assemble(notice(MESSAGE), [(MESSAGE, bad)]))
        assert part.get_content_type() == "application/octet-stream"
        assert part.get_content() == bad


def test_a_type_that_cannot_stand_in_a_header_becomes_plain_bytes() -> None:
    for bad in ("multipart/mixed", "text", "text/html; x=1\r\nBcc: a", "", "message/partial", "ä/b"):
        strange = replace(PICTURE, content_type=bad)
        (part,) = parts(assemble(notice(strange), [(strange, b"x")]))
        assert part.get_content_type() == "application/octet-stream"
        assert set(part.keys()) == {"Content-Type", "Content-Transfer-Encoding", "Content-Disposition"}


def test_only_pictures_are_shown_in_place() -> None:
    for content_type, shown in (("image/png", "inline"), ("text/html", "attachment"), ("image/svg+xml", "attachment")):
        one = replace(PICTURE, disposition="inline", content_type=content_type, content_id="a@b")
        mail = assemble(notice(one), [(one, b"x")])
        assert f"Content-Disposition: {shown}".encode() in mail
        assert b"Content-ID: <a@b>\r\n" in mail


def test_a_hostile_content_id_is_left_out() -> None:
    one = replace(PICTURE, content_id="a@b>\r\nBcc: x")
    assert b"Content-ID" not in assemble(notice(one), [(one, b"x")])


def test_an_attachment_that_is_gone_leaves_a_whole_mail() -> None:
    found = parsed(assemble(notice(PICTURE), []))
    assert not found.defects
    assert [part.get_content_type() for part in found.iter_parts()] == ["multipart/alternative"]
