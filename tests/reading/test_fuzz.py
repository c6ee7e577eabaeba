"""Random mails, and real ones with damage. ``make fuzz`` runs these with many more examples."""

from functools import cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.reading import as_json, attachments, content, identity, read, structure
from gateway.reading.limits import DEFAULT
from tests.conftest import SHARED
from tests.reading.tnef_maker import attached, prop, winmail

OWN = (
    b"From: Anna <a@a.example>\r\nTo: b@b.example, \"C, D\" <c@c.example>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    b"Date: Tue, 13 Jan 2026 11:00:00 +0100\r\nMessage-ID: <1@a.example>\r\nReferences: <0@a.example>\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: multipart/alternative; boundary=\"c d\"\r\n\r\n"
    b"--c d\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"Hallo=20=FC\r\n\r\n-- \r\nAnna\r\n\r\nOn Monday, Bert wrote:\r\n> hi\r\n"
    b"--c d\r\nContent-Type: text/html\r\n\r\n<p>Hallo <blockquote>hi</blockquote></p>\r\n--c d--\r\n"
    b"--b\r\nContent-Type: image/png; name*0*=utf-8''%C3%BC; name*1=.png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    b"aGVsbG8=\r\n--b\r\nContent-Type: application/ms-tnef\r\n\r\n"
    + winmail(attached(b"data", b"one.txt", prop(0x3707, b"long.txt\0")))
    + b"\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n"
    b"Final-Recipient: rfc822; a@b.c\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    b"--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: x@y.z\r\nSubject: inner\r\n\r\ntext\r\n--b--\r\n"
)  # fmt: skip
PIECES = [
    *(
        b"From: ",
        b"To: ",
        b"Subject: ",
        b"Content-Type: ",
        b"Content-Transfer-Encoding: ",
        b"base64",
        b"quoted-printable",
    ),
    *(b"multipart/mixed; boundary=b", b"message/rfc822", b"text/html", b"filename*0*=utf-8''%C3"),
    *(b"--b\r\n", b"--b--", b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"=?utf-8?q?", b"=?utf-8?b?", b"?=", b"\x1b$B"),
    *(
        b'"',
        b"\\",
        b"(",
        b")",
        b"<",
        b">",
        b"@",
        b",",
        b";",
        b":",
        b"a@b.c",
        b"=",
        b" ",
        b"\t",
        b"\0",
        b"\xff",
        b"\xc3",
    ),
    *(b"On Monday, X wrote:", b"> ", b"-- ", b"<div>", b"&#"),
]


@cache
def seeds() -> list[bytes]:
    """Our own mail, and where the corpora lie beside the checkout a few hundred small real ones."""
    found = sorted(path for path in SHARED.glob("corpora/*/**/*") if path.suffix in {".eml", ".msg", ".txt"})
    return [OWN, *(path.read_bytes() for path in found[::3] if path.stat().st_size < 20_000)]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    raw = draw(st.sampled_from(seeds()))
    for _ in range(draw(st.integers(1, 6))):
        at, size = draw(st.integers(0, len(raw))), draw(st.integers(0, 40))
        new = draw(st.sampled_from([*PIECES, raw[at : at + 400] * 3]) | st.binary(max_size=8))
        raw = raw[:at] + new + raw[at + size :]
    return raw


def check(raw: bytes) -> None:
    """What holds for every input: it is read, names are safe, attachments are found again, values become JSON."""
    mail = read(raw)
    assert not any(defect.startswith("unreadable") for defect in mail.defects), mail.defects
    as_json(mail)
    for one in mail.attachments:
        assert len(content(raw, one)) == one.size
        assert attachments.safe_name(one.name, 255) == one.name
        assert not set("/\\\0\r\n") & set(one.name)
    address = mail.identity.address
    assert not address or (address.count("@") == 1 and address.isprintable() and " " not in address)


@given(st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join))
def test_any_pieces_are_a_mail(raw: bytes) -> None:
    check(raw)


@given(damaged())
@example(OWN)
def test_damaged_mail_is_still_read(raw: bytes) -> None:
    check(raw)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_mail(raw: bytes) -> None:
    check(raw)


@pytest.mark.incident("CVE-2023-27043")
@given(st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join))
def test_an_identity_stands_in_the_header_as_it_is_named(value: bytes) -> None:
    found = identity.of([value])
    if found.address:
        local, _, domain = found.address.rpartition("@")
        text = value.decode("utf-8", "replace")
        assert f"{local}@" in text
        assert domain in text.lower()


@given(damaged())
def test_parts_lie_within_the_mail_and_their_containers(raw: bytes) -> None:
    raw = structure.normalised(raw)
    parts = structure.parse(raw, DEFAULT).parts
    for index, part in enumerate(parts):
        assert 0 <= part.start <= part.end <= len(raw)
        assert part.parent < index
        if part.parent >= 0:
            outer = parts[part.parent]
            assert outer.is_container
            assert outer.start <= part.start
            assert part.end <= outer.end
            assert part.depth == outer.depth + 1
