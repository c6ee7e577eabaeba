"""What staff are told in words of the program's own, in their language."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.model import Said
from gateway.outbound.check import check
from gateway.outbound.render import SHIPPED, Renderer
from gateway.outbound.sentences import FILE

PACKAGE = Path(__file__).resolve().parents[2] / "gateway"
SPEAKING = (*(PACKAGE / "desk").glob("*.py"), PACKAGE / "inbound" / "fetching.py", PACKAGE / "pipeline.py")
LANGUAGES = sorted(folder.name for folder in SHIPPED.iterdir() if folder.is_dir() and folder.name != "en")


def forms() -> Iterator[str]:
    """Of all sentences in the code that staff may read."""
    for path in SPEAKING:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Said"
            if named and isinstance(node.args[0], ast.Constant):
                yield node.args[0].value


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_there_in_every_language_and_none_that_nobody_says(language: str) -> None:
    table = tomllib.loads((SHIPPED / language / FILE).read_text(encoding="utf-8"))
    assert set(table) == set(forms())
    for form, translated in table.items():
        assert form.count("{") == translated.count("{")


def test_a_sentence_is_english_by_itself_and_another_language_where_it_is_shown() -> None:
    said = Said("#assign: {} is no agent here", "kim@example.com")
    assert said == "#assign: kim@example.com is no agent here"
    assert Renderer().say(said, "de") == "#assign: kim@example.com gehört hier nicht zum Team"
    assert Renderer().say(said, "en") == Renderer().say(said, "xx") == said


def test_sentences_inside_a_sentence_are_translated_too_and_what_is_filled_in_is_not() -> None:
    said = Said("{}\n{}", Said("{!r} is no command", "#solvd {}"), Said("no rule allows it"))
    assert Renderer().say(said, "de") == "'#solvd {}' ist kein Befehl\nkeine Regel erlaubt es"


def test_an_operators_own_sentences_win(tmp_path: Path) -> None:
    (tmp_path / "fr").mkdir()
    (tmp_path / "fr" / FILE).write_text('"no rule allows it" = "aucune règle ne le permet"', encoding="utf-8")
    assert Renderer(tmp_path).say(Said("no rule allows it"), "fr") == "aucune règle ne le permet"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ('"no rule allows it" = ', "Invalid value"),
        ('"no rule allows it" = 7', "text in quotation marks"),
        ('"no rule" = "x"', "none of our sentences"),
        ('"{!r} is no command" = "{} {}"', "the same {} and {!r}"),
        ('"{!r} is no command" = "{0.__class__}"', "the same {} and {!r}"),
    ],
)
def test_a_mistake_in_an_operators_sentences_is_told_and_costs_only_the_translation(
    tmp_path: Path, wrong: str, told: str
) -> None:
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / FILE).write_text(wrong, encoding="utf-8")
    renderer = Renderer(tmp_path)
    (mistake,) = [line for line in check(renderer) if FILE in line]
    assert str(tmp_path / "de" / FILE) in mistake
    assert told in mistake
    assert "x" in renderer.say(Said("{!r} is no command", "x"), "de")


def test_other_text_is_left_as_it_is() -> None:
    assert Renderer().say("5.1.1 {} no such user", "de") == "5.1.1 {} no such user"
