import pytest

from gateway.model import Address
from gateway.reading import addresses


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", []),
        (b"anna@acme.example", [("", "anna@acme.example")]),
        (b"Anna <anna@acme.example>", [("Anna", "anna@acme.example")]),
        (b'"Becker, Anna" <anna@acme.example>', [("Becker, Anna", "anna@acme.example")]),
        (b'"Anna \\"the\\" Becker" <anna@acme.example>', [('Anna "the" Becker', "anna@acme.example")]),
        (b"anna@acme.example (Anna)", [("Anna", "anna@acme.example")]),
        (b"Anna (at (her) desk) <anna@acme.example>", [("Anna", "anna@acme.example")]),
        (b"Anna <anna(desk)@acme.example >", [("Anna", "anna@acme.example")]),
        (b"<@relay.example:anna@acme.example>", [("", "anna@acme.example")]),
        (b"Anna <anna@acme.example", [("Anna", "anna@acme.example")]),
        (b"anna @ acme . example", [("", "anna@acme.example")]),
        (b"Becker, Anna <anna@acme.example>", [("Becker, Anna", "anna@acme.example")]),
        (
            b"Becker, Anna (HR) <a@a.example>, =?utf-8?q?M=C3=BCller?=, Bo <b@b.example>; Sales <c@c.example>",
            [("Becker, Anna", "a@a.example"), ("Müller, Bo", "b@b.example"), ("Sales", "c@c.example")],
        ),
        (b"a@a.example, Anna <anna@acme.example>", [("", "a@a.example"), ("Anna", "anna@acme.example")]),
        (b'"anna becker"@acme.example', [("", '"anna becker"@acme.example')]),
        (
            b"a@a.example, B <b@b.example>; c@c.example",
            [("", "a@a.example"), ("B", "b@b.example"), ("", "c@c.example")],
        ),
        (
            b"Team: a@a.example, b@b.example; c@c.example",
            [("", "a@a.example"), ("", "b@b.example"), ("", "c@c.example")],
        ),
        (b"undisclosed-recipients:;", []),
        (b"(only a comment)", []),
        (b"Anna", [("Anna", "")]),
        (b"=?utf-8?q?J=C3=B6rg?= <j@a.example>", [("Jörg", "j@a.example")]),
        (b"=?utf-8?q?Becker,_Anna?= <a@a.example>", [("Becker, Anna", "a@a.example")]),
        (b'"=?utf-8?q?J=C3=B6rg?=" <j@a.example>', [("Jörg", "j@a.example")]),
        (b"J\xf6rg M\xfcller aus K\xf6ln <j@a.example>", [("Jörg Müller aus Köln", "j@a.example")]),
        (b'"Anna <a@a.example>, b@b.example', [("Anna", "a@a.example"), ("", "b@b.example")]),
        (b"Anna (Desk <a@a.example>, b@b.example", [("Anna Desk", "a@a.example"), ("", "b@b.example")]),
    ],
)
def test_lists_are_read_as_people_mean_them(value: bytes, expected: list[tuple[str, str]]) -> None:
    assert addresses.parse(value) == tuple(Address(name, address) for name, address in expected)


@pytest.mark.incident("Size of a header")
def test_no_more_addresses_are_read_than_allowed() -> None:
    assert len(addresses.parse(b"a@a.example, " * 1000, most=7)) == 7


def test_the_first_address_of_nothing_is_none() -> None:
    assert addresses.first(b"") is None
    assert addresses.first(b"a@a.example, b@b.example") == Address("", "a@a.example")


def test_names_hold_no_line_breaks_and_no_control_characters() -> None:
    (one,) = addresses.parse(b"=?utf-8?q?An=0D=0Ana=00?= <a@a.example>")
    assert one == Address("An  na", "a@a.example")
