from datetime import UTC, datetime
from email import message_from_string, policy
from email.header import decode_header, make_header
from email.utils import getaddresses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Address
from gateway.outbound import headers

HOSTILE = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from('\r\n\t\0\x0b\x85\u2028\u202e"\\<>@,;:=?_ ')), max_size=300
)


def parse(field: str) -> list[tuple[str, str]]:
    return message_from_string(field + "\r\n", policy=policy.compat32).items()


def decoded(value: str) -> str:
    return str(make_header(decode_header(value.replace("\r\n", ""))))


@pytest.mark.incident("CVE-2012-4730")
@given(HOSTILE)
def test_a_text_field_is_one_field_whatever_its_value(value: str) -> None:
    field = headers.text("Subject", value)
    assert field.isascii()
    assert field.endswith("\r\n")
    assert all(len(line) <= 78 for line in field.split("\r\n"))
    ((name, raw),) = parse(field)
    assert name == "Subject"
    assert decoded(raw) == headers.clean(value)


@given(st.text(st.sampled_from("abc =?_\r\n\0"), max_size=200))
def test_what_looks_like_an_encoded_word_arrives_as_it_was_written(value: str) -> None:
    ((_, raw),) = parse(headers.text("Subject", value))
    assert decoded(raw) == headers.clean(value)


@pytest.mark.incident("CVE-2025-1795")
@given(
    st.lists(
        st.tuples(HOSTILE, st.from_regex(r"[a-z0-9.+-]{1,20}@[a-z]{1,10}\.example", fullmatch=True)),
        min_size=1,
        max_size=5,
    )
)
def test_no_name_adds_an_address_or_a_field(people: list[tuple[str, str]]) -> None:
    field = headers.addresses("To", [Address(name, address) for name, address in people])
    ((name, raw),) = parse(field)
    assert name == "To"
    found = getaddresses([raw.replace("\r\n", "")])
    assert [address for _, address in found] == [address for _, address in people]
    assert [decoded(shown) for shown, _ in found] == [headers.clean(shown) for shown, _ in people]


@pytest.mark.incident("CVE-2025-1795")
@pytest.mark.parametrize(
    "name",
    [
        "Smith, Ann",
        'Ann "the fixer" Agent',
        "Ann (Support)",
        "Back\\slash",
        "J. R. Person",
        "Ünïcödé, Ann",
        "=?utf-8?q?x?=",
    ],
)
def test_a_modern_parser_reads_the_same_name(name: str) -> None:
    field = headers.addresses("From", [Address(name, "ann@example.com")])
    message = message_from_string(field + "\r\n", policy=policy.default)
    (address,) = message["From"].addresses
    assert (address.display_name, address.addr_spec) == (name, "ann@example.com")


@pytest.mark.incident("Look-alike names")
@given(HOSTILE)
def test_clean_text_holds_no_control_and_no_direction_character(value: str) -> None:
    cleaned = headers.clean(value)
    assert not any(ord(c) < 32 or ord(c) == 127 or c in "\x85\u2028\u2029\u202e\u2066" for c in cleaned)
    assert headers.clean(cleaned) == cleaned


def test_an_address_that_needs_utf8_stays_as_it_is() -> None:
    assert headers.addresses("To", [Address("", "jörg@münchen.example")]) == "To: jörg@münchen.example\r\n"


@pytest.mark.incident("CVE-2025-13033")
@pytest.mark.parametrize("bad", ["", "ann", "a@b>, <c@d", "a@b\r\nBcc: c@d", "a b@c", "a@b, c@d", '"a" b@c'])
def test_what_is_no_address_is_left_out(bad: str) -> None:
    assert headers.addresses("To", [Address("Ann", bad)]) == ""
    assert headers.addresses("To", [Address("", bad), Address("", "ok@x.example")]) == "To: ok@x.example\r\n"


def test_a_quoted_local_part_stays() -> None:
    assert headers.addresses("To", [Address("Ann", '"a, b"@x.example')]) == 'To: Ann <"a, b"@x.example>\r\n'


@pytest.mark.incident("Long ids encoded")
def test_a_long_message_id_is_neither_encoded_nor_broken() -> None:
    long = "x" * 300 + "@relay.example"
    assert headers.ids("In-Reply-To", [long]) == f"In-Reply-To: <{long}>\r\n"
    assert headers.ids("References", ["a@b", long]) == f"References: <a@b>\r\n <{long}>\r\n"


@pytest.mark.incident("CVE-2024-6923")
@pytest.mark.parametrize("bad", ["", "a b@c", "a@b\r\nBcc: x", "<a@b>", "ä@b", "x" * 2000])
def test_an_id_that_cannot_stand_in_a_header_is_left_out(bad: str) -> None:
    assert headers.ids("References", [bad]) == ""
    assert headers.ids("References", ["a@b", bad, "c@d"]) == "References: <a@b> <c@d>\r\n"


def test_references_keep_the_first_and_the_last_twenty() -> None:
    thread = [f"{n}@example.com" for n in range(50)]
    assert headers.references(thread) == (thread[0], *thread[30:])
    assert headers.references(thread[:21]) == tuple(thread[:21])


def test_the_parent_stands_last_in_references_and_once() -> None:
    assert headers.references(["a@x", "b@x", "c@x"], "b@x") == ("a@x", "c@x", "b@x")
    assert headers.references([], "b@x") == ("b@x",)


@pytest.mark.incident("CVE-2024-6923")
def test_a_token_field_keeps_to_one_line_of_ascii() -> None:
    assert headers.token("X-Thing", "a\r\nBcc: ä@b") == "X-Thing: a Bcc: @b\r\n"


def test_a_date_is_in_utc() -> None:
    assert headers.date("Date", datetime(2025, 11, 22, 10, tzinfo=UTC)) == "Date: Sat, 22 Nov 2025 10:00:00 +0000\r\n"


@given(HOSTILE.filter(lambda name: headers.clean(name)))
def test_a_file_name_comes_back_whatever_it_is(name: str) -> None:
    field = f"Content-Disposition: attachment{headers.parameter('filename', name)}\r\n\r\n"
    assert all(len(line) <= 78 + 60 for line in field.split("\r\n"))
    message = message_from_string(field, policy=policy.compat32)
    assert message.keys() == ["Content-Disposition"]
    assert message.get_filename() == headers.clean(name)
