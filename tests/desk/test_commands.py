import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.desk.commands import Commands, Parsed, parse
from gateway.model import Severity, Status


@pytest.mark.parametrize(
    ("line", "commands"),
    [
        ("#note", Commands(note=True)),
        ("#solved", Commands(status=Status.SOLVED)),
        ("#OPEN", Commands(status=Status.OPEN)),
        ("#Pending", Commands(status=Status.PENDING)),
        ("#sev S1", Commands(severity=Severity.S1)),
        ("#severity s0", Commands(severity=Severity.S0)),
        ("#sev: 3", Commands(severity=Severity.S3)),
        ("#assign me", Commands(assign="me")),
        ("#assign Ann@Staff.example", Commands(assign="ann@staff.example")),
        ("#assign <mailto:ann@staff.example>", Commands(assign="ann@staff.example")),
        ("#assign ann@staff.example <mailto:ann@staff.example>", Commands(assign="ann@staff.example")),
        ("\uff03note", Commands(note=True)),
        ("\u00a0#note\u00a0", Commands(note=True)),
        ("\u200b#\u200bno\u00adte\ufeff", Commands(note=True)),
        ("#sev\u00a0S1", Commands(severity=Severity.S1)),
        ("**#solved**", Commands(status=Status.SOLVED)),
        ("\\#solved.", Commands(status=Status.SOLVED)),
        ("#note #sev S1", Commands(note=True, severity=Severity.S1)),
        ("# Note", Commands(note=True)),
        ("# sev S1", Commands(severity=Severity.S1)),
    ],
)
def test_a_line_on_top_commands(line: str, commands: Commands) -> None:
    assert parse(f"{line}\nText.") == Parsed(commands, "Text.")


def test_several_lines_command_and_are_cut_from_the_text() -> None:
    parsed = parse("\n#sev S1\n\n#assign me\n#pending\n\n  Dear Alice,\n\nnow it works.\n")
    assert parsed == Parsed(Commands(False, Status.PENDING, Severity.S1, "me"), "  Dear Alice,\n\nnow it works.")


@pytest.mark.parametrize(
    "text",
    [
        "#123 is the order", "#123: open since Monday", "# 5 open tickets", "# Heading\ntext", "## Resolved\ntext",
        "# See below", "#", "##", "#-)", "#1", "#!/bin/sh\nls", "- item #5", "see #hashtag", "- #hashtag",
        "Hi\n#hashtag", "Hi\nthe tag #solved", "Hi\n- #open is a tag of ours", "Hi\n#include <stdio.h>\n# a comment",
        "Hi\n# Open\n- this", "Hi\n#sev S9",
    ],
)  # fmt: skip
def test_other_signs_are_text(text: str) -> None:
    assert parse(text) == Parsed(Commands(), text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("#nte\nsecret", "#nte"),
        ("#note\n#slved\nsecret", "#slved"),
        ("#note the customer is wrong", "line of its own"),
        ("#sev S7", "S0, S1, S2 or S3"),
        ("#sev", "S0, S1, S2 or S3"),
        ("#assign", "agent's address"),
        ("#assign Ann", "agent's address"),
        ("#solved #open", "contradicts"),
        ("#sev S1\n#sev S2", "contradicts"),
        ("#not\u0435", "#not\u0435"),  # a Cyrillic letter
        ("Hello,\n#note\nsecret", "above"),
        ("Hello,\n#note secret", "above"),
        ("Hello,\n# Note: secret", "above"),
        ("Hello,\n- #note\nsecret", "above"),
        ("Hello, #note\nsecret", "above"),
        ("Hello\n#solved\nBye", "above"),
        ("Hello\n\n#sev S1 #assign me", "above"),
        ("Hello\n> #note (nobody outside sees it)  #solved", "quoted"),
        ("Hello\n>   #sev S1  #assign me", "quoted"),
        ("# open questions\nwhen?", "line of its own"),
    ],
)
def test_what_is_not_understood_is_a_problem(text: str, said: str) -> None:
    assert any(said in problem for problem in parse(text).problems)


@pytest.mark.parametrize(
    "line",
    [
        "##note", "- #note", "• #note", "1. #note", "[#note]", "(#note)", '"#note"', "“#note”", "„#note“", "> #note",
        "#-note", "#_note", "# notes", "- #noet", "- #nte", "- #nota", "- # Note", "##solvd", "> #asign me",
    ],
)  # fmt: skip
def test_what_is_nearly_a_command_above_the_text_stops_the_mail(line: str) -> None:
    assert parse(f"{line}\nsecret").problems == (f"{line!r} is no command",)


def test_a_command_far_below_empty_lines_stops_the_mail() -> None:
    assert parse("\n" * 200 + "#note\nsecret").problems


def test_the_same_command_twice_is_no_problem() -> None:
    assert parse("#note\n#note\n#sev S1\n#sev 1").problems == ()


def test_a_note_may_speak_of_notes() -> None:
    assert parse("#note\nWrite\n#note\non top.") == Parsed(Commands(note=True), "Write\n#note\non top.")


@given(st.text(alphabet=st.sampled_from("#note sevS1\n\r\u200b\u00a0*x.:"), max_size=80))
def test_parsing_never_raises_and_adds_nothing(text: str) -> None:
    parsed = parse(text)
    assert set(parsed.rest.splitlines()) <= set(text.splitlines()) | {""}


@given(st.text(max_size=200).filter(lambda t: not set(t) & set("#\uff03\ufe5f")))
def test_text_without_a_sign_is_left_alone_but_for_empty_lines_on_top(text: str) -> None:
    parsed, whole = parse(text), "\n".join(text.splitlines()).strip("\n")
    assert (parsed.commands, parsed.problems) == (Commands(), ())
    assert whole.endswith(parsed.rest)
    assert not any(c.isalnum() for c in whole.removesuffix(parsed.rest))


@given(st.text(max_size=80))
def test_below_a_note_nothing_is_lost(text: str) -> None:
    parsed = parse(f"#note\n.{text}")
    assert parsed.commands.note
    assert parsed.rest == "\n".join(f".{text}".splitlines()).strip("\n")
