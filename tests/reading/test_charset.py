import pytest

from gateway.reading import charset

GERMAN = "Schöne Grüße aus Köln, wir können die Rechnung leider nicht öffnen."
RUSSIAN = "Добрый день, мы не можем войти в систему с сегодняшнего утра, помогите пожалуйста."
JAPANESE = "お世話になっております。今朝からログインできません。"


@pytest.mark.parametrize(
    ("text", "codec", "declared"),
    [
        (GERMAN, "utf-8", "utf-8"),
        (GERMAN, "utf-8", ""),
        (GERMAN, "utf-8", "us-ascii"),
        (GERMAN, "utf-8", "no-such-charset"),
        (GERMAN, "cp1252", "iso-8859-1"),
        (GERMAN + "€", "cp1252", "ISO-8859-1"),
        (GERMAN, "utf-16", "utf-16"),
        (GERMAN, "latin-1", "utf-8"),
        (RUSSIAN, "koi8-r", "koi8-r"),
        (RUSSIAN, "cp1251", "windows-1251"),
        (RUSSIAN, "cp1251", ""),
        (JAPANESE, "iso2022_jp", "iso-2022-jp"),
        (JAPANESE, "iso2022_jp", ""),
        (JAPANESE, "cp932", "x-sjis"),
        (JAPANESE, "euc_jp", "euc-jp"),
        ("조치 부탁드립니다", "cp949", "ks_c_5601-1987"),
        ("请尽快处理这个问题", "gb18030", '"GB2312"'),
        ("請儘快處理這個問題", "big5", "Big5"),
    ],
)
def test_text_is_read_in_the_character_set_it_is_in(text: str, codec: str, declared: str) -> None:
    assert charset.decode(text.encode(codec), declared) == text


@pytest.mark.incident("Codecs as character sets")
@pytest.mark.parametrize(
    "name", ["unicode_escape", "raw_unicode_escape", "punycode", "idna", "rot13", "zlib", "undefined"]
)
def test_codecs_that_are_no_character_sets_are_not_used(name: str) -> None:
    assert charset.codec(name) == ""
    assert charset.decode(rb"+ADw-script+AD4- \u003c xn--80a", name) == r"+ADw-script+AD4- \u003c xn--80a"


@pytest.mark.incident("Codecs as character sets")
@pytest.mark.parametrize("name", ["", "x" * 1000, "ü", "a b", "\0", "..", "utf-8\0"])
def test_strange_names_do_no_harm(name: str) -> None:
    assert charset.decode(b"hello", name) == "hello"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"+2D0-", "\ufffd"),
        (b"a+3gA-b", "a\ufffdb"),
        (b"+3IA-", "\ufffd"),
        (b"+2D0-+3gA-", "\U0001f600"),
        (b"+2D3eAA-", "\U0001f600"),
    ],
)
def test_half_a_surrogate_pair_of_utf_7_is_no_character_and_two_halves_are_one(data: bytes, text: str) -> None:
    assert charset.decode(data, "utf-7") == text


def test_text_that_can_be_stored_has_no_nul_and_no_half_of_a_pair() -> None:
    assert charset.storable("a\0b\ud83d \ud83d\ude00\udc80") == "ab\ufffd \U0001f600\ufffd"
    assert charset.storable("Grüße") == "Grüße"


def test_one_broken_character_does_not_spoil_the_text() -> None:
    assert charset.decode(GERMAN.encode()[:-1] + b"\xc3", "utf-8") == GERMAN[:-1] + "\ufffd"


def test_a_byte_order_mark_is_no_text() -> None:
    assert charset.decode(b"\xef\xbb\xbfhello", "utf-8") == "hello"


def test_bytes_of_no_character_set_give_some_text() -> None:
    assert charset.decode(bytes(range(256)) * 20)


@pytest.mark.parametrize("declared", ["iso-8859-1", "windows-1252", "us-ascii"])
def test_what_is_utf_8_by_its_bytes_is_read_so_whatever_latin_was_declared(declared: str) -> None:
    assert charset.decode("accès refusé à l'été".encode(), declared) == "accès refusé à l'été"
    assert charset.decode("à é".encode("cp1252"), declared) == "à é"


@pytest.mark.parametrize("declared", ["", "utf-8", "windows-1252", "iso-2022-jp", "no-such-charset"])
@pytest.mark.parametrize("text", ["\x1b[31mERROR\x1b[0m größer", "\x1b[0m\nНикто не может войти", "\x1b(x系统故障"])
def test_utf_8_with_the_colours_of_a_terminal_in_it_is_utf_8(text: str, declared: str) -> None:
    assert charset.decode(text.encode(), declared) == text


def test_a_few_letters_of_no_declared_character_set_are_western_european() -> None:
    assert charset.decode("Hélène Brûlé".encode("cp1252")) == "Hélène Brûlé"


@pytest.mark.parametrize("name", ["utf-7", "unicode-1-1-utf-7"])
def test_utf_7_of_rfc_2152_is_text(name: str) -> None:
    assert charset.decode(b"B+APw-ro, 40 +IKw-", name) == "Büro, 40 €"
