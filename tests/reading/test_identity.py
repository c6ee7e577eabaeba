import pytest

from gateway.model import Identity
from gateway.reading import identity, read


def flags(value: bytes) -> tuple[str, ...]:
    return identity.of([value]).flags


@pytest.mark.parametrize(
    ("value", "address"),
    [
        (b"anna@acme.example", "anna@acme.example"),
        (b"<anna@acme.example>", "anna@acme.example"),
        (b"Anna Becker <anna@acme.example>", "anna@acme.example"),
        (b'"Becker, Anna" <anna@acme.example>\r', "anna@acme.example"),
        (b"anna@acme.example (Anna Becker)", "anna@acme.example"),
        (b"Anna (Acme) Becker <anna@acme.example> (at work)", "anna@acme.example"),
        (b"=?utf-8?q?Ann=C3=A4?= <anna@acme.example>", "anna@acme.example"),
        (b"J\xfcrgen <anna@acme.example>", "anna@acme.example"),
        (b"Anna\r\n <anna@acme.example>", "anna@acme.example"),
        (b"Anna <Anna.B@ACME.example>", "Anna.B@acme.example"),
        ("Jörg <jörg@bücher.example>".encode(), "jörg@bücher.example"),
    ],
)
def test_one_plain_mailbox_is_an_identity(value: bytes, address: str) -> None:
    assert identity.of([value]).address == address


@pytest.mark.incident("Bare CR", "CVE-2023-27043")
@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"Anna Becker",
        b"anna@acme.example, bert@acme.example",
        b"Anna <anna@acme.example>, bert@acme.example",
        b"Anna <anna@acme.example> <evil@evil.example>",
        b"<anna@acme.example>evil@evil.example",
        b"Friends: anna@acme.example;",
        b"anna@acme@evil.example",
        b"anna@acme.example@evil.example",
        b'"anna@acme.example"@evil.example',
        b'"x y"@evil.example',
        b"anna@[192.0.2.1]",
        b"anna@acme..example",
        b".anna@acme.example",
        b"anna@bert@acme.example",
        b"anna@acme.example, <evil@evil.example>",
        b"Anna [anna@acme.example] <evil@evil.example>",
        b"=?utf-8?q?anna=40acme.example?=, <evil@evil.example>",
        b'"anna@acme.example", Bert <evil@evil.example>',
        b"Anna, Bert <evil@evil.example>, Carla",
        b"Anna, (anna@acme.example) <evil@evil.example>",
        b"Support: Anna, Bert <evil@evil.example>",
        b"anna@acme.example\0",
        b"anna@acme.example\r<evil@evil.example>",
        b"<@evil.example:anna@acme.example>",
        b"anna@acme.example (evil@evil.example)",
        b"anna@\xfcber.example",
        b"Anna <anna@acme.example",
        b"Anna <anna @acme.example>",
        b'"Anna <anna@acme.example>',
        b"=?utf-8?q?anna=40acme.example?=",
        b"a" * 5000 + b"@acme.example",
    ],
)
def test_what_servers_could_read_in_two_ways_is_nobody(value: bytes) -> None:
    assert identity.of([value]).address == ""
    assert identity.of([value]).flags


@pytest.mark.parametrize(
    ("value", "address"),
    [
        (b"Carla [ACME] <c2@kunde.example>", "c2@kunde.example"),
        ("Müller, Carla <c3@Kunde.example>".encode(), "c3@kunde.example"),
        (b"=?utf-8?q?M=C3=BCller=2C?= Carla, ACME <c3@kunde.example>", "c3@kunde.example"),
        (b'"Carla" (at work), ACME; [EXT] <c3@kunde.example>', "c3@kunde.example"),
    ],
)
def test_a_name_that_lacks_its_quotation_marks_leaves_no_doubt_about_the_only_address(
    value: bytes, address: str
) -> None:
    assert identity.of([value]) == Identity(address, ("unquoted-name",))


@pytest.mark.parametrize("value", [b"a..b@docomo.example", b"a.b.@docomo.example", b"Aki <a..b..@docomo.example>"])
def test_dots_that_a_provider_gave_out_are_part_of_the_address(value: bytes) -> None:
    assert identity.of([value]) == Identity(value.decode().rpartition("<")[2].strip(">"))


@pytest.mark.incident("CVE-2023-31597")
def test_a_domain_is_folded_in_ascii_alone() -> None:
    assert identity.of(["carla@\u212aunde.example".encode()]) == Identity(
        "carla@\u212aunde.example", ("non-ascii-address",)
    )


@pytest.mark.incident("Two From fields")
def test_of_two_from_headers_neither_counts() -> None:
    assert identity.of([b"a@a.example", b"a@a.example"]) == Identity("", ("several-from-headers",))
    assert identity.of([]) == Identity("", ("no-from",))


@pytest.mark.incident("CVE-2023-27043")
def test_an_address_as_display_name_is_flagged_and_never_the_identity() -> None:
    assert identity.of([b"agent@corp.example <evil@evil.example>"]) == Identity(
        "evil@evil.example", ("address-in-display-name",)
    )
    assert flags(b'"agent@corp.example" <evil@evil.example>') == ("address-in-display-name",)
    assert flags(b"=?utf-8?q?agent=40corp=2Eexample?= <evil@evil.example>") == ("address-in-display-name",)


def test_the_own_address_as_display_name_is_not_flagged() -> None:
    assert flags(b"anna@acme.example <Anna@acme.example>") == ()


@pytest.mark.incident("CVE-2017-7829")
def test_hidden_characters_in_the_name_are_flagged() -> None:
    assert "control-characters" in flags(b"=?utf-8?q?agent=40corp.example=00?= <evil@evil.example>")
    assert "control-characters" in flags(b"=?utf-8?b?YWdlbnRAY29ycC5leGFtcGxlCg==?= <evil@evil.example>")
    assert flags(b"=?utf-8?q?A=E2=80=AEnna?= <a@a.example>") == ("invisible-characters",)


@pytest.mark.incident("Bare CR")
def test_a_stray_cr_makes_no_second_from_header() -> None:
    mail = read(b"X: a\rFrom: agent@corp.example\r\nFrom: evil@evil.example\r\n\r\nhello")
    assert mail.identity == Identity("evil@evil.example")
    assert mail.author is not None
    assert mail.author.address == "evil@evil.example"


@pytest.mark.incident("Two From fields")
def test_a_from_header_behind_the_limit_makes_the_identity_unknown() -> None:
    mail = read(b"From: a@a.example\r\n" + b"X: y\r\n" * 20_000 + b"From: b@b.example\r\n\r\nhello")
    assert mail.identity == Identity("", ("header-too-long",))


@pytest.mark.incident("Two From fields")
def test_a_line_that_is_no_field_leaves_open_who_it_is_from() -> None:
    mail = read(b"From: agent@corp.example\r\nno field\r\nFrom: evil@evil.example\r\n\r\nhello")
    assert mail.identity == Identity("", ("header-without-end",))
    assert mail.author is not None


def test_a_broken_part_says_nothing_about_the_sender() -> None:
    head = b"From: a@a.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    mail = read(head + b"--b\r\nX: y\r\nno field\r\n--b--\r\n")
    assert mail.identity == Identity("a@a.example")
    assert mail.defects == ("part-header-without-end",)
