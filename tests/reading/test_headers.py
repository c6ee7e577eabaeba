import pytest

from gateway.reading import headers
from gateway.reading.mime import parse_headers


@pytest.mark.incident("CVE-2017-7829")
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"plain", "plain"),
        (b"one\r\n two\r\n\tthree\r", "one two three"),
        (b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?UTF-8?B?R3LDvMOfZQ==?= aus =?iso-8859-1?q?K=F6ln?=", "Grüße aus Köln"),
        (b"=?utf-8?q?Gr=C3=BC?=\r\n =?utf-8?q?=C3=9Fe?=", "Grüße"),
        (b"=?utf-8?q?Gr=C3?= =?utf-8?q?=BC=C3=9Fe?=", "Grüße"),
        (b"=?utf-8?b?R3LDvMOf?==?utf-8?b?ZQ==?=", "Grüße"),
        (b"=?utf-8?b?R3LDvMOfZQ?=", "Grüße"),
        (b"=?utf-8*de?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?utf-8?q?Gr=C3=BC=C3=9Fe aus?= hier", "Grüße aus hier"),
        (b"=?utf-8?q?What?=3F yes?=", "What?? yes"),
        (b"=?iso-8859-1?q?Gr\xfc\xdfe?=", "Grüße"),
        (b"=?nonsense?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?utf-8?q?unfinished", "=?utf-8?q?unfinished"),
        (b"=?utf-8?x?strange?=", "=?utf-8?x?strange?="),
        ("Grüße".encode(), "Grüße"),
        (
            "Grüße aus Köln und viele weitere müde Wörter".encode("latin-1"),
            "Grüße aus Köln und viele weitere müde Wörter",
        ),
        (b"=?utf-8?q?a=00b=0D=0Ac=07?=", "ab c"),
        (b"a\rFrom: b", "a From: b"),
    ],
)
def test_values_are_decoded_as_people_mean_them(value: bytes, text: str) -> None:
    assert headers.decode(value) == text


@pytest.mark.incident("CVE-2024-39929")
@pytest.mark.parametrize(
    ("value", "params"),
    [
        (b"text/plain", {}),
        (b"Text/Plain; CHARSET=utf-8 ; format = flowed", {"charset": "utf-8", "format": "flowed"}),
        (b'a/b; name="x;y \\"z\\".txt"', {"name": 'x;y "z".txt'}),
        (b"a/b; name=my file.txt", {"name": "my file.txt"}),
        (b'a/b; name="unfinished', {"name": "unfinished"}),
        (b"a/b; filename*=utf-8'de'Gr%C3%BC%C3%9Fe.txt", {"filename": "Grüße.txt"}),
        (b"a/b; filename=\"plain.txt\"; filename*=utf-8''Gr%C3%BC.txt", {"filename": "Grü.txt"}),
        (b"a/b; filename*0=long; filename*1=er; filename*2=.txt", {"filename": "longer.txt"}),
        (b"a/b; filename*1=er.txt; filename*0*=utf-8''l%C3%B6ng", {"filename": "länger.txt".replace("ä", "ö")}),
        (b'a/b; name="=?utf-8?q?Gr=C3=BC=C3=9Fe=2Etxt?="', {"name": "Grüße.txt"}),
        (b"a/b; filename*0*=gr\xfc; filename*1*=n.txt", {"filename": "grün.txt"}),
        (b"a/b; filename*x=y; =; ;;", {}),
    ],
)
def test_parameters_are_read_in_every_form(value: bytes, params: dict[str, str]) -> None:
    main, found, twice = headers.parameters(value)
    assert main in ("text/plain", "a/b")
    assert {name: text for name, text in found.items() if text} == params
    assert not twice


@pytest.mark.incident("CVE-2024-28054")
def test_a_parameter_given_twice_is_told() -> None:
    assert headers.parameters(b"multipart/mixed; boundary=a; boundary=b") == (
        "multipart/mixed",
        {"boundary": "a"},
        True,
    )


def test_fields_keep_their_order_and_end_at_what_is_no_field() -> None:
    found = parse_headers(b"B: 1\r\na : 2\r\n 3\r\nB: 4\r\nno field\r\nC: 5\r\n")
    assert [name for name, _ in found.fields] == ["b", "a", "b"]
    assert found.all("b") == ("1", "4")
    assert found.get("a") == "2 3"
    assert found.raw("missing") == b""
    assert "b" in found
    assert "c" not in found


def test_japanese_that_was_not_declared_is_read() -> None:
    assert headers.decode("確認メール".encode("iso2022_jp")) == "確認メール"
