import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.outbound import harmless


@pytest.mark.parametrize(
    "name", ["Ann Agent", "J.R.R. Tolkien", "Müller, Jörg", "Ann (ACME)", "李小龍", "Ann 2", "AC/DC"]
)
def test_names_are_kept(name: str) -> None:
    assert harmless.name(name) == name


@pytest.mark.incident("CVE-2023-50456")
@pytest.mark.parametrize(
    "name",
    ["evil.example", "www.evil", "x://y", "a@b", "<b>", "0800 123456", "+1 (800) 555-0199", "x" * 61, "", "\r\n"],
)
def test_what_is_no_name_is_dropped(name: str) -> None:
    assert harmless.name(name) == ""


@pytest.mark.incident("CVE-2023-50456")
@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        ("report.pdf is empty", "report.pdf is empty"),
        ("see http://evil.example/x.png", "see http[:]//evil[.]example/x[.]png"),
        ("evil.example is down", "evil[.]example is down"),
        ("version 2.14.1 fails", "version 2.14.1 fails"),
        ("It fails. Help", "It fails. Help"),
        ("a\r\nb\u202ec", "a b c"),
    ],
)
def test_subjects_are_shown_without_links(subject: str, shown: str) -> None:
    assert harmless.unlinked(subject) == shown


@given(st.text(max_size=2000))
def test_an_unlinked_text_is_one_bounded_line_without_a_scheme(text: str) -> None:
    shown = harmless.unlinked(text, 50)
    assert "\n" not in shown
    assert len(shown) <= 50 * 3
    assert not any(f"{scheme}://" in shown for scheme in ("http", "https", "ftp", "javascript"))


def test_file_names_lose_their_path() -> None:
    assert harmless.file_name("../../etc/evil.txt") == ".._.._etc_evil.txt"


@pytest.mark.incident("CVE-2021-3945")
@given(st.text(max_size=200))
def test_lines_are_escaped(text: str) -> None:
    html = harmless.lines(text).replace("<br>\n", "")
    assert "<" not in html
    assert ">" not in html
    assert '"' not in html


def test_lines_keep_breaks_and_indentation() -> None:
    assert harmless.lines("a\n  b  c") == "a<br>\n&nbsp;&nbsp;b  c"
