import base64

import pytest

from gateway.reading import encoded

DATA = bytes(range(256))


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (base64.b64encode(DATA), DATA),
        (base64.encodebytes(DATA).replace(b"\n", b"\r\n"), DATA),
        (b"aGVsbG8", b"hello"),
        (b"aGVs!! bG8=", b"hello"),
        (b"aGVsbG8=\r\naGVsbG8=\r\n", b"hellohello"),
        (b"aGVsbG8gdw", b"hello w"),
        (b"a", b""),
        (b"", b""),
        (b"====", b""),
    ],
)
def test_base64_is_read_as_far_as_it_goes(body: bytes, data: bytes) -> None:
    assert encoded.decode(body, "base64") == data


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (b"Gr=C3=BC=C3=9Fe", "Grüße".encode()),
        (b"Gr=c3=bc=c3=9fe", "Grüße".encode()),
        (b"one =\r\ntwo", b"one two"),
        (b"one = \t\r\ntwo", b"one two"),
        (b"100 = 100%", b"100 = 100%"),
        (b"end=", b"end"),
    ],
)
def test_quoted_printable_is_read_as_far_as_it_goes(body: bytes, data: bytes) -> None:
    assert encoded.decode(body, "quoted-printable") == data


def test_a_uuencoded_body_gives_the_file_in_it() -> None:
    assert encoded.decode(b"begin 644 hello.txt\r\n%:&5L;&\\\r\n`\r\nend\r\nmore\r\n", "x-uuencode") == b"hello"


@pytest.mark.parametrize("encoding", ["", "7bit", "8bit", "binary", "no-such-encoding"])
def test_other_encodings_leave_the_bytes_alone(encoding: str) -> None:
    assert encoded.decode(DATA, encoding) == DATA


@pytest.mark.parametrize("footer", [b"____________________\nlist@example.org\n", b"To leave the list, write\n"])
@pytest.mark.parametrize("text", ["Störung an Anlage 3!", "Störung an Anlage 3", "Störung an Anlage"])
def test_the_lines_that_a_list_put_below_an_encoded_text_stay_as_they_came(text: str, footer: bytes) -> None:
    body = base64.encodebytes(text.encode())
    assert encoded.decode_text(body + footer, "base64") == (text.encode(), footer)


def test_a_text_of_several_pieces_in_base64_is_read_whole() -> None:
    assert encoded.decode_text(base64.encodebytes(b"a") + base64.encodebytes(b"b"), "base64") == (b"ab", b"")


@pytest.mark.parametrize(
    "text",
    ["Nobody can log in.", "Hello\nnobody can log in\n", "Dear team,\n\nall down!", "Вход не работает", "<p>down</p>"],
)
def test_a_text_that_is_only_said_to_be_base64_stays_as_it_came(text: str) -> None:
    assert encoded.decode_text(text.encode(), "base64") == (b"", text.encode())


def test_a_damaged_text_in_base64_is_read_as_far_as_it_goes() -> None:
    body = base64.encodebytes(b"Nobody can log in since 9:00, and there is no workaround.")
    assert encoded.decode_text(body[:40] + b"\0 !" + body[40:], "base64")[0].startswith(b"Nobody can log in since 9:00")
