import pytest

from gateway.reading import structure
from gateway.reading.limits import DEFAULT, Limits
from gateway.reading.mime import Part
from gateway.reading.read import read


def parts_of(raw: bytes, limits: Limits = DEFAULT) -> tuple[Part, ...]:
    return structure.parse(raw, limits).parts


def defects_of(raw: bytes, limits: Limits = DEFAULT) -> tuple[str, ...]:
    return structure.parse(raw, limits).defects


MIXED = (
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\npreamble\r\n'
    b"--b\r\nContent-Type: text/plain\r\n\r\none\r\n\r\n"
    b"--b  \r\nContent-Type: text/html\r\n\r\n<p>two</p>\r\n"
    b"--b--\r\nepilogue\r\n--b\r\n\r\nnot a part\r\n"
)


def test_parts_are_spans_without_the_line_break_before_the_boundary() -> None:
    container, one, two = parts_of(MIXED)
    assert container.content_type == "multipart/mixed"
    assert (one.content_type, one.content(), one.depth, one.parent) == ("text/plain", b"one\r\n", 1, 0)
    assert (two.content_type, two.content()) == ("text/html", b"<p>two</p>")
    assert MIXED[two.start : two.end] == b"<p>two</p>"


def test_lines_may_end_in_lf_or_cr_alone() -> None:
    for raw in (MIXED.replace(b"\r\n", b"\n"), MIXED.replace(b"\r\n", b"\r")):
        assert [part.text() for part in parts_of(structure.normalised(raw))[1:]] == ["one\n", "<p>two</p>"]


def test_normalising_keeps_offsets_and_usually_the_object() -> None:
    assert structure.normalised(MIXED) is MIXED
    assert len(structure.normalised(b"a\rb\r")) == 4


def test_a_boundary_that_begins_like_another_does_not_end_it() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: multipart/alternative; boundary=b2\r\n\r\n--b2\r\n\r\none\r\n--b2\r\n\r\ntwo\r\n--b2--\r\n"
        b"--b\r\n\r\nthree\r\n--b--\r\n"
    )
    assert [(part.depth, part.content()) for part in parts_of(raw) if not part.is_container] == [
        (2, b"one"),
        (2, b"two"),
        (1, b"three"),
    ]


def test_a_missing_closing_boundary_loses_nothing() -> None:
    raw = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n\ntwo\n"
    assert [part.content() for part in parts_of(raw)[1:]] == [b"one", b"two\n"]


def test_an_inner_part_without_end_stops_at_the_outer_boundary() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\none\n"
        b"--b\n\ntwo\n--b--\n"
    )
    assert [part.content() for part in parts_of(raw) if not part.is_container] == [b"one", b"two"]


def test_a_multipart_without_boundary_is_shown_as_text() -> None:
    raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\njust text\r\n"
    (part,) = parts_of(raw)
    assert (part.content_type, part.content()) == ("text/plain", b"just text\r\n")
    assert "multipart-without-parts" in defects_of(raw)


@pytest.mark.incident("CVE-2024-28054")
def test_two_boundaries_are_ambiguous() -> None:
    raw = b"Content-Type: multipart/mixed; boundary=b; boundary=c\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n"
    assert "ambiguous-content-type" in defects_of(raw)
    assert "ambiguous-content-type" in defects_of(b"Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\nx")


def test_parts_of_a_digest_are_messages_unless_they_say_otherwise() -> None:
    raw = b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: s\r\n\r\nx\r\n--b--\r\n"
    assert parts_of(raw)[1].content_type == "message/rfc822"


def test_attached_messages_are_not_taken_apart() -> None:
    raw = b"Content-Type: message/rfc822\r\n\r\n" + MIXED
    assert [part.content_type for part in parts_of(raw)] == ["message/rfc822"]


def test_an_unusable_content_type_is_text() -> None:
    for value in (b"", b"text", b"text/plain/x", b";charset=utf-8", b"\xff/\xff"):
        assert parts_of(b"Content-Type: " + value + b"\r\n\r\nx")[0].content_type == "text/plain"


def test_the_line_of_a_mailbox_file_is_passed_over() -> None:
    found = structure.parse(b"From anna Thu Jan  1 00:00:00 2026\nSubject: s\n\nx\n", DEFAULT)
    assert found.headers.get("subject") == "s"


@pytest.mark.incident("Bare CR")
def test_a_stray_cr_does_not_begin_a_header_line() -> None:
    found = structure.parse(b"X: a\rFrom: b@b.example\r\n\r\nx", DEFAULT)
    assert "from" not in found.headers
    assert found.headers.get("x") == "a From: b@b.example"


@pytest.mark.incident("Size of a header")
def test_a_header_block_is_read_up_to_the_limit_and_the_body_found_behind_it() -> None:
    raw = b"Subject: s\r\n" + b"X: y\r\n" * 1000 + b"\r\nbody"
    found = structure.parse(raw, Limits(header_bytes=500))
    assert found.headers.get("subject") == "s"
    assert found.parts[0].content() == b"body"
    assert found.defects == ("header-too-long",)


def test_a_header_block_that_just_fits_is_whole() -> None:
    raw = b"Subject: s\r\nX: y\r\n\r\nbody"
    assert structure.parse(raw, Limits(header_bytes=raw.index(b"body"))).defects == ()


@pytest.mark.incident("Quadratic headers", "Depth and number of parts")
def test_nesting_and_parts_end_at_their_limits() -> None:
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(30))
    found = structure.parse(deep + b"\r\nx", Limits(nesting=10))
    assert max(part.depth for part in found.parts) == 10
    assert found.defects == ("too-deep",)
    many = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 30
    found = structure.parse(many, Limits(parts=10))
    assert len(found.parts) == 10
    assert found.defects == ("too-many-parts",)


def test_a_shallow_look_takes_nothing_apart() -> None:
    found = structure.parse(MIXED, DEFAULT, shallow=True)
    assert len(found.parts) == 1
    assert found.defects == ()


def test_a_byte_order_mark_hides_no_header() -> None:
    mail = read(b"\xef\xbb\xbfFrom: kim@example.net\r\nSubject: x\r\n\r\ntext\r\n")
    assert (mail.identity.address, mail.text.strip()) == ("kim@example.net", "text")
