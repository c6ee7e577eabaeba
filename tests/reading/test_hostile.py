"""Mails made to break a reader. Each is read in full by the reader itself: an error that was caught fails the test.

Sizes are such that quadratic work would run into the test's time limit.
"""

import pytest

from gateway.reading import read
from tests.reading.tnef_maker import attribute, winmail

HEAD = b"From: a@a.example\r\nTo: b@b.example\r\nSubject: s\r\n"
MIXED = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
BASE64 = b"Content-Transfer-Encoding: base64\r\n\r\n"
QUOTED = b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
HTML = HEAD + b"Content-Type: text/html\r\n\r\n"
TNEF = HEAD + b"Content-Type: application/ms-tnef\r\n\r\n"


def nested(levels: int, core: bytes) -> bytes:
    heads = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(levels))
    return HEAD + heads + b"\r\n" + core


MAILS = {
    "nesting bomb": nested(20_000, b"deep"),
    "nested around much": nested(100, b"deep " * 1_000_000),
    "nested around near boundaries": nested(100, b"\r\n--b\r\n--" * 100_000),
    "one boundary at all levels": MIXED + b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" * 20_000,
    "messages in messages": HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 20_000,
    "many messages": MIXED + (b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + HEAD + b"\r\nhi\r\n") * 1000,
    "100,000 parts": MIXED + b"--b\r\n\r\nx\r\n" * 100_000,
    "100,000 empty parts": MIXED + b"--b\r\n" * 100_000,
    "10 MB in one header": b"X: " + b"a" * 10_000_000 + b"\r\n" + HEAD + b"\r\nx",
    "10 MB in many headers": b"X: a\r\n" * 1_700_000 + HEAD + b"\r\nx",
    "10 MB of folding": b"X: a\r\n" + b" a\r\n" * 2_500_000 + HEAD + b"\r\nx",
    "10 MB without a colon": b"a" * 10_000_000,
    "addresses": b"To: " + b"a@b.c," * 15_000 + b"\r\n\r\nx",
    "addresses in many headers": b"To: a@b.c\r\n" * 9_000 + b"\r\nx",
    "quotation marks": b"From: " + b'"' * 90_000 + b"\r\n\r\nx",
    "escaped quotation marks": b'From: "' + b'\\"' * 45_000 + b"\r\n\r\nx",
    "escaped quotation marks in a list": b'To: "' + b'\\"' * 45_000 + b"\r\n\r\nx",
    "parentheses": b"To: " + b"(" * 90_000 + b"\r\n\r\nx",
    "nested comments": b"To: " + b"(" * 45_000 + b")" * 45_000 + b" a@b.c\r\n\r\nx",
    "angle brackets": b"To: " + b"<" * 90_000 + b"\r\n\r\nx",
    "square brackets": b"To: " + b"[" * 90_000 + b"\r\n\r\nx",
    "commas": b"To: " + b"," * 90_000 + b"\r\n\r\nx",
    "groups": b"To: " + b"g:" * 45_000 + b";\r\n\r\nx",
    "words": b"To: " + b"a " * 45_000 + b"\r\n\r\nx",
    "blanks in a list": b"To: a@b" + b" " * 90_000 + b"x\r\n\r\nx",
    "dots in a list": b"To: a@b" + b" . " * 30_000 + b"x\r\n\r\nx",
    "blanks in a subject": b"Subject: a" + b" \t" * 45_000 + b"(fwd) b\r\n\r\nx",
    "prefixes in a subject": b"Subject: " + b"Re: " * 22_000 + b"\r\n\r\nx",
    "starts of encoded words": b"Subject: " + b"=?a?q?" * 15_000 + b"\r\n\r\nx",
    "false ends of encoded words": b"Subject: " + b"=?a?q?x?=41" * 9_000 + b"\r\n\r\nx",
    "encoded words in turns": b"Subject: " + b"=?utf-8?q?x?= =?cp1251?b?8PDw?= " * 3_000 + b"\r\n\r\nx",
    "encoded words in a list": b"To: " + b"=?utf-8?q?x?=" * 7_000 + b"\r\n\r\nx",
    "parameters": HEAD + b"Content-Type: text/plain" + b";a=b" * 24_000 + b"\r\n\r\nx",
    "quotations in parameters": HEAD + b"Content-Type: text/plain" + b';a="' * 24_000 + b"\r\n\r\nx",
    "continuations": HEAD
    + b"Content-Disposition: a"
    + b"".join(b";f*%d*=%%41" % n for n in range(9000))
    + b"\r\n\r\nx",
    "comments in a date": HEAD + b"Date: " + b"(" * 90_000 + b"\r\n\r\nx",
    "dates": HEAD + b"Date: x\r\n" * 10_000 + b"\r\nx",
    "ids": HEAD + b"References: " + b"<" * 90_000 + b"\r\n\r\nx",
    "padding alone": HEAD + BASE64 + b"=" * 2_000_000,
    "padding in between": HEAD + b"Content-Type: image/png\r\n" + BASE64 + b"a=" * 1_000_000,
    "quoted-printable signs": HEAD + QUOTED + b"=" * 2_000_000,
    "quoted-printable blanks": HEAD + QUOTED + b"= " + b" " * 2_000_000,
    "uuencode begins": HEAD
    + b"Content-Type: a/b\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\n"
    + b"begin 644 a\n" * 90_000,
    "bytes of no character set": HEAD + b"\r\n" + bytes(range(128, 256)) * 10_000,
    "escape sequences": HEAD + b"\r\n" + b"\x1b$B" * 300_000,
    "NULs": HEAD + b"\r\n" + b"\0" * 2_000_000,
    "one long line of On": HEAD + b"\r\n" + b"On " * 350_000,
    "lines of On": HEAD + b"\r\n" + b"On On On\r\n" * 100_000,
    "one long line of >": HEAD + b"\r\n" + b">" * 1_000_000,
    "lines of >": HEAD + b"\r\n" + b"> \r\n" * 200_000,
    "empty lines": HEAD + b"\r\n" + b"\r\n" * 500_000,
    "one long line of -": HEAD + b"\r\n" + b"-" * 1_000_000,
    "one long line of blanks": HEAD + b"\r\n" + b" " * 1_000_000 + b"x",
    "From lines": HEAD + b"\r\n" + b"From: a@b.c\r\n" * 80_000,
    "attributions": HEAD + b"\r\n" + b"On Mon, x wrote:\r\n" * 60_000,
    "signature marks": HEAD + b"\r\n" + b"-- \r\n" * 200_000,
    "nested tags": HTML + b"<div>" * 200_000,
    "open tags": HTML + b"<" * 1_000_000,
    "open comments": HTML + b"<!--" * 250_000,
    "attributes": HTML + b"<a " + b"a=1 " * 250_000 + b">",
    "nested quotations": HTML + b"<blockquote>" * 80_000,
    "nested tables": HTML + b"<table><tr><td>" * 60_000,
    "character references": HTML + b"&amp;&#x" * 120_000,
    "empty winmail.dat": TNEF + winmail(b"\0" * 2_000_000),
    "many members": TNEF + winmail(attribute(0x9002, b"") * 200_000),
    "many values": TNEF + winmail(attribute(0x9003, b"\x01\0\0\0\x02\x11\x01\x37\xff\xff\xff\xff" + b"\0" * 2_000_000)),
}


@pytest.mark.incident("Quadratic headers")
@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", MAILS)
def test_hostile_mail_is_read_in_short_time(name: str) -> None:
    mail = read(MAILS[name])
    assert not any(defect.startswith("unreadable") for defect in mail.defects)
