from base64 import b64encode
from dataclasses import replace
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Attachment, Composed
from gateway.outbound.assemble import assemble
from gateway.reading import read
from tests.outbound.sample import MESSAGE, NOTICE, PICTURE, attached, cause, compose, parsed, ticket
from tests.reading import tnef_maker
from tests.reading.tnef_maker import winmail

EMBEDDED = b"From: a@b.example\r\nSubject: old\r\n\r\nHello\r\n"


def notice(*attachments: Attachment) -> Composed:
    return compose(NOTICE, ticket(), cause(attachments=tuple(enumerate(attachments, 1))))


def parts(mail: bytes) -> list[EmailMessage]:
    return list(parsed(mail).iter_attachments())


@given(st.binary(max_size=5000))
def test_an_attachment_arrives_as_it_was(data: bytes) -> None:
    mail = assemble(notice(PICTURE), [attached(PICTURE, data)])
    (part,) = parts(mail)
    assert part.get_content() == data
    assert part.get_filename() == "empty page.png"
    assert mail.isascii()
    assert all(len(line) <= 998 for line in mail.split(b"\r\n"))
    assert not parsed(mail).defects


def came_as(body: bytes) -> tuple[Attachment, bytes]:
    """A picture whose encoded body looked like this in its raw mail."""
    return replace(PICTURE, start=3, end=3 + len(body)), b"a\n\n" + body + b"\r\n--end"


def lines(data: bytes, width: int) -> bytes:
    encoded = b64encode(data)
    return b"\r\n".join([encoded[at : at + width] for at in range(0, len(encoded), width)])


@given(
    st.binary(min_size=1, max_size=500),
    st.integers(1, 19).map(lambda groups: 4 * groups),
    st.sampled_from([b"", b"\r\n"]),
)
def test_base64_in_even_lines_goes_on_as_it_came(data: bytes, width: int, end: bytes) -> None:
    mail = assemble(notice(PICTURE), [came_as(lines(data, width) + end)])
    assert b"\r\n\r\n" + lines(data, width) + b"\r\n--" in mail
    assert parts(mail)[0].get_content() == data


@pytest.mark.parametrize(
    ("body", "content"),
    [
        (b"eHh4\neHh4", b"xxxxxx"),
        (b"eHh4\r\n.eHh4", b"xxxxxx"),
        (b"eHh4\r\n\r\n.\r\neHh4", b"xxxxxx"),
        (b"eHh4\r\n--=_edge", None),
        (b"eA==\r\neHh4", None),
        (b"eHg=\r\n=", None),
        (b"eHh4e\r\nHh4", b"xxxxxx"),
        (b"eHh4\r\neHh4eHh4", b"xxxxxxxxx"),
        (b"eHh4eHh4\r\neHh4\r\neHh4", b"xxxxxxxxxxxx"),
        (b"eHh4\r\neHh4\neHh4", b"xxxxxxxxx"),
        (b"eHh4 eHh4", b"xxxxxx"),
        (b"eHh4\0eHh4", b"xxxxxx"),
        (b"eHh4e", b"xxx"),
        (b"eHh", b"xx"),
        (b"eHh4" * 20, b"xxx" * 20),
        (b"====", b""),
        (b"\r\n\r\n", b""),
        (b"", b""),
    ],
)
def test_other_base64_is_read_and_encoded_anew(body: bytes, content: bytes | None) -> None:
    mail = assemble(notice(PICTURE), [came_as(body)])
    (part,) = parts(mail)
    assert not part.defects
    assert content is None or part.get_content() == content
    encoded = mail.partition(b"Content-Disposition")[2].partition(b"\r\n\r\n")[2].partition(b"\r\n--")[0]
    assert encoded == lines(part.get_content(), 76)


def test_what_a_winmail_dat_holds_is_taken_out_of_it() -> None:
    packed, raw = came_as(lines(winmail(tnef_maker.attached(b"one", b"one.png")), 76))
    (part,) = parts(assemble(notice(PICTURE), [(replace(packed, member=0), raw)]))
    assert part.get_content() == b"one"


def test_text_and_html_stand_before_the_attachments() -> None:
    found = parsed(assemble(notice(PICTURE, PICTURE), [attached(PICTURE, b"1"), attached(PICTURE, b"2")]))
    assert [part.get_content_type() for part in found.iter_parts()] == [
        "multipart/alternative",
        "image/png",
        "image/png",
    ]


def test_a_mail_without_attachments_stays_as_it_was_composed() -> None:
    mail = notice()
    assert assemble(mail, []) == mail.content


def test_the_same_mail_has_the_same_bytes_each_time() -> None:
    assert assemble(notice(PICTURE), [attached(PICTURE, b"x")]) == assemble(notice(PICTURE), [attached(PICTURE, b"x")])


def test_a_mail_as_attachment_is_not_encoded_and_has_whole_line_ends() -> None:
    mail = assemble(notice(MESSAGE), [attached(MESSAGE, EMBEDDED.replace(b"\r\n", b"\n"))])
    (part,) = parts(mail)
    assert part["Content-Transfer-Encoding"] == "7bit"
    assert EMBEDDED in mail
    assert part.get_content()["Subject"] == "old"


def test_a_mail_as_attachment_beyond_ascii_is_8bit() -> None:
    (part,) = parts(assemble(notice(MESSAGE), [attached(MESSAGE, EMBEDDED + "Grüße".encode())]))
    assert part["Content-Transfer-Encoding"] == "8bit"


def test_a_mail_as_attachment_that_no_relay_would_take_goes_as_bytes() -> None:
    for bad in (EMBEDDED + b"x" * 2000, EMBEDDED + b"\0"):
        (part,) = parts(assemble(notice(MESSAGE), [attached(MESSAGE, bad)]))
        assert part.get_content_type() == "application/octet-stream"
        assert part.get_content() == bad


def test_in_seven_bits_a_mail_beyond_ascii_goes_as_bytes_and_any_other_as_it_is() -> None:
    for data, kind in ((EMBEDDED + "Grüße".encode(), "application/octet-stream"), (EMBEDDED, "message/rfc822")):
        mail = assemble(notice(MESSAGE), [attached(MESSAGE, data)], seven_bit=True)
        (part,) = parts(mail)
        assert mail.isascii()
        assert (part.get_content_type(), part.get_filename()) == (kind, "old.eml")


@pytest.mark.incident("CVE-2024-39124")
def test_a_type_that_cannot_stand_in_a_header_becomes_plain_bytes() -> None:
    for bad in ("multipart/mixed", "text", "text/html; x=1\r\nBcc: a", "", "message/partial", "ä/b"):
        strange = replace(PICTURE, content_type=bad)
        (part,) = parts(assemble(notice(strange), [attached(strange, b"x")]))
        assert part.get_content_type() == "application/octet-stream"
        assert set(part.keys()) == {"Content-Type", "Content-Transfer-Encoding", "Content-Disposition"}


def declared(content_type: bytes, *before: bytes) -> EmailMessage:
    """What becomes of an attachment whose part said this of itself."""
    part = b"Content-Disposition: attachment\r\nContent-Type: " + content_type + b"\r\n\r\nGr\xf6\xdfe 5 \xa4\r\n"
    raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n".join([b"", *before, part]) + b"--b--\r\n"
    one = read(raw).attachments[-1]
    return parts(assemble(notice(one), [(one, raw)]))[-1]


def test_an_attachment_says_its_charset_and_its_method_as_it_did() -> None:
    part = declared(b"text/plain; charset=ISO-8859-15; name=log.txt")
    assert part.get_content() == "Größe 5 €"
    assert part.get_filename() == "log.txt"
    assert part["Content-Type"].params == {"charset": "ISO-8859-15", "name": "log.txt"}
    text = b"Content-Type: text/plain; charset=x\r\n\r\n-- \r\n"
    part = declared(b"text/calendar; method=REQUEST;\r\n charset=utf-8", text)
    assert part["Content-Type"].params == {"method": "REQUEST", "charset": "utf-8"}


@pytest.mark.incident("CVE-2024-39124")
@pytest.mark.parametrize(
    "value", [b'"a\\"; b=\\""', b'"u\r\n Bcc: x"', b"=?utf-8?q?utf-8=0ABcc:_x?=", "ü".encode(), b"x" * 50]
)
def test_a_charset_that_is_no_name_of_one_is_left_out(value: bytes) -> None:
    part = declared(b"text/plain; charset=" + value + b"; boundary=b; x=y")
    assert part["Content-Type"].params == {}
    assert set(part.keys()) == {"Content-Type", "Content-Transfer-Encoding", "Content-Disposition"}


def test_what_a_winmail_dat_holds_does_not_take_over_its_charset() -> None:
    packed = lines(winmail(tnef_maker.attached(b"one", b"one.txt")), 76)
    head = b"Content-Type: application/ms-tnef; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    (one,) = read(head + packed).attachments
    (part,) = parts(assemble(notice(one), [(one, head + packed)]))
    assert "charset" not in part["Content-Type"].params


@pytest.mark.incident("CVE-2024-39124")
def test_only_pictures_are_shown_in_place() -> None:
    for content_type, shown in (("image/png", "inline"), ("text/html", "attachment"), ("image/svg+xml", "attachment")):
        one = replace(PICTURE, disposition="inline", content_type=content_type, content_id="a@b")
        mail = assemble(notice(one), [attached(one, b"x")])
        assert f"Content-Disposition: {shown}".encode() in mail
        assert b"Content-ID: <a@b>\r\n" in mail


def test_a_hostile_content_id_is_left_out() -> None:
    one = replace(PICTURE, content_id="a@b>\r\nBcc: x")
    assert b"Content-ID" not in assemble(notice(one), [attached(one, b"x")])


def test_an_attachment_that_is_gone_leaves_a_whole_mail() -> None:
    found = parsed(assemble(notice(PICTURE), []))
    assert not found.defects
    assert [part.get_content_type() for part in found.iter_parts()] == ["multipart/alternative"]
