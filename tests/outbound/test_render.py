from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from jinja2.exceptions import SecurityError

from gateway.outbound import render
from gateway.outbound.check import check
from gateway.outbound.render import Renderer, wrap
from gateway.outbound.samples import SAMPLES, sample
from gateway.outbound.views import Problem

PROBLEM = SAMPLES["problem"][0]


def own(folder: Path, **files: str) -> Renderer:
    """A renderer over files such as ``en__problem_txt``."""
    for name, text in files.items():
        language, _, rest = name.partition("__")
        template, _, part = rest.rpartition("_")
        path = folder / language / f"{template}.{part}.j2"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Renderer(folder)


def test_an_own_file_wins_and_the_others_stay(tmp_path: Path) -> None:
    rendered = own(tmp_path, en__problem_txt="Oh no: {{ problem }}").render("problem", "en", PROBLEM)
    assert rendered.text.startswith("Oh no: #sev needs")
    assert rendered.html == Renderer().render("problem", "en", PROBLEM).html


def test_a_folder_adds_a_language(tmp_path: Path) -> None:
    french = {f"fr__problem_{part}": "Raté: {{ number }}" for part in ("subject", "txt", "html")}
    renderer = own(tmp_path, **french)
    assert renderer.languages() == ("de", "en", "fr")
    assert renderer.language("problem", ("fr", "en")) == "fr"
    assert renderer.language("answer", ("fr", "de")) == "de"
    assert renderer.render("problem", "fr", PROBLEM).subject == "Raté: SUP-1042"


def test_an_unknown_language_falls_back_to_english() -> None:
    assert Renderer().language("problem", ("xx", "", "../en")) == "en"


def test_what_is_not_defined_is_an_error(tmp_path: Path) -> None:
    renderer = own(tmp_path, en__problem_txt="{{ customer }}")
    with pytest.raises(UndefinedError, match="customer"):
        renderer.render_strictly("problem", "en", PROBLEM)


def test_a_failing_own_template_is_replaced_by_the_shipped_one(tmp_path: Path) -> None:
    renderer = own(
        tmp_path,
        en__problem_txt="{{ customer }}",
        fr__problem_txt="",
        fr__problem_html="",
        fr__problem_subject="{{ x }}",
    )
    assert renderer.render("problem", "en", PROBLEM) == Renderer().render("problem", "en", PROBLEM)
    assert renderer.render("problem", "fr", PROBLEM) == Renderer().render("problem", "en", PROBLEM)


def test_after_warming_up_no_template_is_loaded_any_more(tmp_path: Path) -> None:
    renderer = own(tmp_path, en__problem_txt="Oh no: {{ problem }}", en__held_txt="{{ unknown }}")
    renderer.warm_up()
    (tmp_path / "en" / "problem.txt.j2").unlink()
    assert renderer.render("problem", "en", PROBLEM).text.startswith("Oh no")


def test_copies_that_show_the_same_are_rendered_once() -> None:
    renderer = Renderer()
    first = renderer.render("problem", "en", PROBLEM)
    assert renderer.render("problem", "en", replace(PROBLEM)) is first
    other = renderer.render("problem", "en", replace(PROBLEM, number="SUP-7"))
    assert "SUP-7" in other.subject
    assert renderer.render("problem", "de", PROBLEM).text != renderer.render("problem", "en", PROBLEM).text


@pytest.mark.incident("Jinja2 objects", "CVE-2016-10745")
@pytest.mark.parametrize(
    "template",
    [
        "{{ problem.upper() }}",
        "{{ '%100000000s' % problem }}",
        "{{ problem * 100000000 }}",
        "{{ '{:100000000}'.format(1) }}",
        "{{ 10 ** 100000 }}",
        "{{ problem.__class__ }}",
        "{{ self.__init__.__globals__ }}",
    ],
)
def test_the_sandbox_lets_nothing_be_called_or_multiplied(tmp_path: Path, template: str) -> None:
    with pytest.raises((SecurityError, UndefinedError)):
        own(tmp_path, en__problem_txt=template).render_strictly("problem", "en", PROBLEM)


@pytest.mark.incident("Jinja2 objects")
def test_huge_output_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "LONGEST_OUTPUT", 100)
    with pytest.raises(SecurityError, match="more than"):
        own(tmp_path, en__problem_txt="x" * 101).render_strictly("problem", "en", PROBLEM)


@pytest.mark.incident("Jinja2 objects")
def test_templates_see_frozen_values() -> None:
    with pytest.raises((FrozenInstanceError, AttributeError)):
        PROBLEM.subject = "x"  # type: ignore[misc]


@pytest.mark.incident("Jinja2 objects")
def test_a_subject_is_one_line_without_control_characters(tmp_path: Path) -> None:
    view = replace(PROBLEM, subject_line="a\r\nBcc: b\0")
    assert (
        own(tmp_path, en__problem_subject="x\n{{ subject_line }}\n\n").render("problem", "en", view).subject
        == "x a Bcc: b"
    )


def _problem(text: str) -> Problem:
    assert isinstance(PROBLEM, Problem)
    return replace(PROBLEM, problem=text)


@pytest.mark.incident("CVE-2021-3945")
def test_html_is_escaped_and_text_is_not() -> None:
    rendered = Renderer().render("problem", "en", _problem('<a href="x">&'))
    assert '<a href="x">&' in rendered.text
    assert '<a href="x">' not in rendered.html
    assert "&lt;a href=&#34;x&#34;&gt;&amp;" in rendered.html


def test_styles_stand_inline_and_an_own_style_sheet_wins(tmp_path: Path) -> None:
    assert 'class="card" style="max-width: 600px' in Renderer().render("problem", "en", PROBLEM).html
    (tmp_path / "style.css").write_text(".card { color: #123456; }")
    assert 'class="card" style="color: #123456;"' in Renderer(tmp_path).render("problem", "en", PROBLEM).html


def test_long_lines_are_folded_under_their_bullet() -> None:
    folded = wrap("- one two three four\n  indented words here\nshort\n" + "x" * 30, 12)
    assert folded == "- one two\n  three four\n  indented\n  words here\nshort\n" + "x" * 30


def test_the_shipped_templates_have_no_mistakes(tmp_path: Path) -> None:
    assert check(Renderer()) == []
    assert check(Renderer(tmp_path)) == []


def test_all_mistakes_of_own_templates_are_listed_with_file_and_line(tmp_path: Path) -> None:
    renderer = own(
        tmp_path,
        en__problem_txt="fine\n{{ customer }}\n{{ number }} {{ owner }}",
        en__held_txt="one\n{% if problem %}\n",
        en__hold_txt="no such template",
        de__answer_html="{{ text|shout }}",
    )
    mistakes = check(renderer)
    assert len(mistakes) == 5
    for wanted in (
        f"{tmp_path}/en/problem.txt.j2:2: 'customer' is not defined here",
        f"{tmp_path}/en/problem.txt.j2:3: 'owner' is not defined here",
        f"{tmp_path}/en/held.txt.j2:2: ",
        f"{tmp_path}/en/hold.txt.j2: there is no such template",
        f"{tmp_path}/de/answer.html.j2:1: No filter named 'shout'",
    ):
        assert any(mistake.startswith(wanted) for mistake in mistakes), wanted


def test_mistakes_that_show_only_when_rendered_are_found(tmp_path: Path) -> None:
    renderer = own(tmp_path, en__confirmation_txt="\n{{ expected.hour }}", en__notice_subject="news")
    mistakes = check(renderer)
    assert any(m.startswith(f"{tmp_path}/en/confirmation.txt.j2:2: UndefinedError") for m in mistakes)
    assert any("leaves out {{ number }}" in m for m in mistakes)


def test_an_incomplete_language_is_told(tmp_path: Path) -> None:
    renderer = own(tmp_path, **{f"fr__problem_{part}": "{{ number }}" for part in ("subject", "txt", "html")})
    mistakes = check(renderer)
    assert f"{tmp_path}/fr: has no complete template 'answer'; English goes out in its place" in mistakes


def test_a_folder_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    (mistake,) = check(Renderer(tmp_path / "nowhere"))
    assert "is no folder" in mistake


def test_a_file_that_is_no_text_is_a_mistake(tmp_path: Path) -> None:
    renderer = own(tmp_path, en__problem_txt="")
    (tmp_path / "en" / "problem.txt.j2").write_bytes(b"\xff")
    assert "cannot be read as UTF-8" in check(renderer)[0]


def test_the_shown_sample_speaks_the_language() -> None:
    assert "S1 (hoch)" in Renderer().render("confirmation", "de", sample("confirmation", "de")).text
    assert Renderer().render("answer", "de", sample("answer", "de")).text
