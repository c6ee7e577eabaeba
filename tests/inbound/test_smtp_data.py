from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.inbound.data import Incoming, hops
from tests.inbound.wire import listening

PIECES = st.sampled_from([b"\r\n", b"\r", b"\n", b".", b"..", b"a", b"\0", b"\xff", b"\r\n.", b"text"])


def reference(text: bytes) -> bytes:
    """RFC 5321 §4.5.2 line by line, lines ending with CR LF only."""
    lines = text.split(b"\r\n")
    return b"\r\n".join(line[1:] if line.startswith(b".") else line for line in lines)


def fed(wire: bytes, cuts: list[int], limit: int = 10_000) -> tuple[Incoming, int]:
    """Feed the octets cut into chunks; the object and how many octets it took."""
    incoming, taken = Incoming(limit), 0
    for start, stop in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        if start == stop:
            continue
        end = incoming.feed(wire[start:stop])
        if end >= 0:
            return incoming, taken + end
        taken += stop - start
    raise AssertionError("no end was found")


@given(st.lists(PIECES, max_size=30).map(b"".join), st.data())
def test_dots_are_taken_out_and_the_end_found_however_the_chunks_fall(text: bytes, data: st.DataObject) -> None:
    lines = [b"." + line if line.startswith(b".") else line for line in (text + b"\r\n").split(b"\r\n")[:-1]]
    wire = b"\r\n".join([*lines, b".", b"NOOP", b""])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=8)))
    incoming, taken = fed(wire, cuts)
    assert incoming.text() == b"\r\n".join(line[1:] if line.startswith(b".") else line for line in lines) + b"\r\n"
    assert wire[taken:] == b"NOOP\r\n"


@pytest.mark.incident("CVE-2023-51764")
@given(st.lists(PIECES, max_size=30).map(b"".join))
def test_octets_that_no_client_stuffed_are_read_as_the_rfc_says(text: bytes) -> None:
    wire = b"\r\n" + text + b"\r\n.\r\n"
    incoming, taken = fed(wire, list(range(1, len(wire))))
    assert wire[:taken].endswith(b"\r\n.\r\n")
    assert wire.index(b"\r\n.\r\n") == taken - 5
    assert incoming.text() == reference(wire[: taken - 3])


@pytest.mark.parametrize("cuts", [[], [1], [2], [1, 2]])
def test_a_lone_dot_at_once_is_an_empty_mail(cuts: list[int]) -> None:
    incoming, taken = fed(b".\r\n", cuts)
    assert (incoming.text(), taken) == (b"", 3)


@pytest.mark.parametrize("chunk", [1, 3, 10, 1000])
def test_beyond_the_limit_nothing_is_held_and_the_end_is_still_found(chunk: int) -> None:
    wire = b"x" * 500 + b"\r\n.\r\n"
    incoming, taken = fed(wire, list(range(chunk, len(wire), chunk)), limit=100)
    assert incoming.too_big
    assert incoming.held == 0
    assert incoming.text() == b""
    assert taken == len(wire)


def test_a_mail_of_just_the_limit_is_taken() -> None:
    wire = b"x" * 98 + b"\r\n.\r\n"
    for cuts in ([], [99], [100], [101], [102]):
        incoming, _ = fed(wire, cuts, limit=100)
        assert not incoming.too_big
        assert len(incoming.text()) == 100


@pytest.mark.incident("Received hops")
@pytest.mark.parametrize(
    ("raw", "count"),
    [
        (b"Received: a\r\nRECEIVED: b\r\n c\r\nSubject: x\r\n\r\nReceived: in the body\r\n", 2),
        (b"Received: a\nreceived: b\n\nReceived: in the body\n", 2),
        (b"X-Received: a\r\n\r\n", 0),
        (b"", 0),
    ],
)
def test_hops_are_the_received_fields_of_the_header(raw: bytes, count: int) -> None:
    assert hops(raw) == count


SMUGGLING = [b"\n.\n", b"\n.\r\n", b"\r.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r\n\0.\r\n", b"\n.\r"]


@pytest.mark.incident("CVE-2023-51764")
@pytest.mark.parametrize("end", SMUGGLING)
async def test_no_other_end_of_data_makes_two_mails_of_one(end: bytes) -> None:
    forged = b"MAIL FROM:<boss@desk.example>\r\nRCPT TO:<support@desk.example>\r\nDATA\r\nforged"
    async with listening() as house:
        client = await house.greeted()
        assert await client.send(b"first" + end + forged) == "250 2.0.0 Ok: kept as 1"
        assert (await client.say(b"NOOP"))[:3] == "250"
        [(_, raw)] = house.intake.mails
        assert b"forged" in raw


@pytest.mark.incident("20,000 recipients")
async def test_eight_bits_nuls_and_very_long_lines_are_taken() -> None:
    text = b"Subject: \xff\xfe\0\r\n\r\n" + b"a" * 200_000 + b"\r\n" + bytes(range(1, 10)) + "ü".encode()
    async with listening() as house:
        client = await house.greeted()
        assert (await client.send(text))[:3] == "250"
        assert house.intake.mails[0][1] == text + b"\r\n"
