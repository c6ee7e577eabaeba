from __future__ import annotations

import mailbox
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.inbound.files import STANDARD_INPUT, Source, Unreadable, envelope, mails

LARGEST = 10_000
FROM = b"From anna@example.com Thu Jan  1 00:00:00 2026\n"


def found(*paths: Path) -> list[Source | Unreadable]:
    return list(mails(paths, None, LARGEST))


def raws(*paths: Path) -> list[bytes]:
    return [one.raw for one in found(*paths) if isinstance(one, Source)]


def written(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "raw", [b"Subject: x\r\n\r\nhello\r\n", b"Subject: x\n\nhello\n", b"\xff\0no mail at all", b"x"]
)
def test_a_file_is_one_mail_byte_by_byte(raw: bytes, tmp_path: Path) -> None:
    file = written(tmp_path / "a.eml", raw)
    assert found(file) == [Source(str(file), raw)]


def test_an_mbox_is_many_mails_without_its_quoting(tmp_path: Path) -> None:
    first = b"Subject: one\n\n>From here\n>>From there\n> From\nFrom noon to night\n"
    second = b"Subject: two\n\nx\nFrom anna@example.com Thu Jan  1 00:00:00 2026 follows no empty line\n"
    file = written(tmp_path / "in.mbox", FROM + first + b"\n" + FROM.replace(b"anna", b"ben") + second + b"\n")
    assert found(file) == [
        Source(f"{file}#1", first.replace(b">From", b"From"), "anna@example.com"),
        Source(f"{file}#2", second, "ben@example.com"),
    ]


def test_an_mbox_may_have_crlf_and_no_last_line_end(tmp_path: Path) -> None:
    content = FROM + b"Subject: one\n\nx\n\n" + FROM + b"Subject: two\n\ny"
    file = written(tmp_path / "in.mbox", content.replace(b"\n", b"\r\n"))
    assert raws(file) == [b"Subject: one\r\n\r\nx\r\n", b"Subject: two\r\n\r\ny"]


def test_what_pythons_own_library_writes_is_read_back(tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "in.mbox")
    texts = [b"Subject: %d\n\nFrom the start\n\nFrom the middle\n" % n for n in range(3)]
    for text in texts:
        box.add(text)
    box.close()
    assert raws(tmp_path / "in.mbox") == texts


def test_a_mail_too_large_is_told_and_the_next_one_read(tmp_path: Path) -> None:
    large = b"Subject: large\n\n" + b"x" * LARGEST + b"\n\n"
    file = written(tmp_path / "in.mbox", FROM + large + FROM + b"Subject: small\n\nx\n")
    one, two = found(file)
    assert isinstance(one, Unreadable)
    assert one.name == f"{file}#1"
    assert "10,000" in one.reason
    assert isinstance(two, Source)


def test_the_limit_counts_the_mail_alone(tmp_path: Path) -> None:
    fits = written(tmp_path / "a.eml", b"x" * LARGEST)
    above = written(tmp_path / "b.eml", b"x" * (LARGEST + 1))
    one, two = found(fits, above)
    assert isinstance(one, Source)
    assert isinstance(two, Unreadable)


def test_a_maildir_gives_what_is_new_and_what_was_seen_but_nothing_half_written(tmp_path: Path) -> None:
    for place in ("new/1.host", "cur/2.host:2,S", "tmp/3.host", "cur/.hidden"):
        written(tmp_path / place, place.encode())
    assert raws(tmp_path) == [b"new/1.host", b"cur/2.host:2,S"]


def test_a_mail_in_a_maildir_is_one_mail_whatever_it_quotes(tmp_path: Path) -> None:
    raw = b"Subject: forged\n\nx\n\n" + FROM + b"Subject: second\n\ny\n"
    written(tmp_path / "cur" / "1.host", FROM + raw)
    (tmp_path / "new").mkdir()
    assert raws(tmp_path) == [raw]


def test_a_folder_gives_its_mails_in_order_and_leaves_the_rest(tmp_path: Path) -> None:
    for place in ("b.eml", "a/inner.eml", "17", "notes.txt", ".DS_Store", "z.mbox"):
        written(tmp_path / place, (FROM if place.endswith("mbox") else b"") + place.encode())
    assert raws(tmp_path) == [b"17", b"a/inner.eml", b"b.eml", b"z.mbox"]


def test_a_folder_that_links_to_itself_ends(tmp_path: Path) -> None:
    written(tmp_path / "a.eml", b"a")
    (tmp_path / "again").symlink_to(tmp_path)
    assert raws(tmp_path) == [b"a"]


def test_what_is_not_there_or_empty_is_told_by_name(tmp_path: Path) -> None:
    empty, gone = written(tmp_path / "empty.eml", b"\r\n"), tmp_path / "gone.eml"
    told = found(gone, empty)
    assert [one.name for one in told] == [str(gone), str(empty)]
    assert all(isinstance(one, Unreadable) and one.reason for one in told)


def test_standard_input_is_one_mail_whatever_it_quotes() -> None:
    raw = b"Subject: forged\n\nx\n\n" + FROM + b"Subject: second\n\ny\n"
    assert list(mails([STANDARD_INPUT], BytesIO(FROM + raw), LARGEST)) == [
        Source("standard input", raw, "anna@example.com")
    ]


@given(st.lists(st.sampled_from([FROM, b"\n", b"\r\n", b">From x\n", b"text", b"\xff\0", b"From "]), max_size=20))
def test_garbage_never_raises(pieces: list[bytes]) -> None:
    content = b"".join(pieces)
    assert len(list(mails([STANDARD_INPUT], BytesIO(content), LARGEST))) == 1


OURS = {"support@desk.example", "sales@desk.example"}


def recipients(header: bytes, **told: object) -> tuple[str, ...]:
    source = Source("x", header + b"\n\nTo: sales@desk.example")
    return envelope(source, lambda a: a.lower() in OURS, "first@desk.example", via="file", **told).recipients  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"To: Us <Support@desk.example>, x@example.com", ("Support@desk.example",)),
        (
            b"To: x@example.com\nCc: sales@desk.example, support@desk.example",
            ("sales@desk.example", "support@desk.example"),
        ),
        (b"To: support@desk.example\nCc: SUPPORT@desk.example", ("SUPPORT@desk.example",)),
        (b"X-Original-To: sales@desk.example\nDelivered-To: support@desk.example", ("sales@desk.example",)),
        (b"X-Original-To: other@example.com\nDelivered-To: support@desk.example", ("support@desk.example",)),
        (b"Envelope-To: sales@desk.example\nTo: support@desk.example", ("sales@desk.example",)),
        (b"To: other@example.com", ("first@desk.example",)),
        (b"To: " + b'"' * 20_000, ("first@desk.example",)),
        (b"Subject: none", ("first@desk.example",)),
    ],
)
def test_recipients_are_the_ones_of_ours_that_the_mail_names(header: bytes, expected: tuple[str, ...]) -> None:
    assert recipients(header) == expected


def test_recipients_that_the_caller_names_win() -> None:
    assert recipients(b"To: support@desk.example", recipients=["any@desk.example"]) == ("any@desk.example",)


@pytest.mark.parametrize(
    ("raw", "line", "told", "sender"),
    [
        (b"Return-Path: <anna@example.com>\nReturn-Path: <x@example.com>\n\n", None, None, "anna@example.com"),
        (b"Return-Path: <>\nFrom: ben@example.com\n\n", "anna@example.com", None, ""),
        (b"From: ben@example.com\n\n", "anna@example.com", None, "anna@example.com"),
        (b"From: ben@example.com\n\n", "", None, ""),
        (b"From: Ben <ben@example.com>\n\n", None, None, "ben@example.com"),
        (b"Subject: x\n\n", None, None, ""),
        (b"Return-Path: <anna@example.com>\n\n", None, "", ""),
        (b"Return-Path: <anna@example.com>\n\n", None, "ben@example.com", "ben@example.com"),
    ],
)
def test_the_sender_is_told_or_read_from_what_deliverers_wrote(
    raw: bytes, line: str | None, told: str | None, sender: str
) -> None:
    made = envelope(Source("x", raw, line), lambda _: False, "first@desk.example", via="pipe", sender=told)
    assert (made.mail_from, made.via) == (sender, "pipe")


def test_the_null_sender_above_a_bounce_is_no_address(tmp_path: Path) -> None:
    [one] = list(mails([STANDARD_INPUT], BytesIO(FROM.replace(b"anna@example.com", b"MAILER-DAEMON") + b"x"), LARGEST))
    assert isinstance(one, Source)
    assert one.sender == ""
