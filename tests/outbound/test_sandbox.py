"""What a template may see and do."""

from pathlib import Path

import pytest
from jinja2 import UndefinedError
from jinja2.exceptions import SecurityError

from gateway.outbound.samples import SAMPLES
from tests.outbound.test_render import PROBLEM, own

CONFIRMATION = SAMPLES["confirmation"][0]


@pytest.mark.parametrize("name", ["range", "lipsum", "dict", "cycler", "joiner", "namespace"])
def test_a_template_has_no_names_but_those_of_its_view(tmp_path: Path, name: str) -> None:
    with pytest.raises(UndefinedError, match=name):
        own(tmp_path, en__problem_txt=f"{{{{ {name} }}}}").render_strictly("problem", "en", PROBLEM)


@pytest.mark.parametrize("piece", [".of(0)", ".__class__", "._x", ".hour", "['__slots__']"])
def test_a_template_sees_of_a_time_its_pieces_only(tmp_path: Path, piece: str) -> None:
    renderer = own(tmp_path, en__confirmation_txt=f"{{{{ expected{piece} }}}}")
    with pytest.raises((SecurityError, UndefinedError)):
        renderer.render_strictly("confirmation", "en", CONFIRMATION)


def test_a_template_reads_the_pieces_of_a_time_either_way(tmp_path: Path) -> None:
    renderer = own(tmp_path, en__confirmation_txt="{{ expected.time }} {{ expected['zone'] }}")
    assert renderer.render_strictly("confirmation", "en", CONFIRMATION).text == "09:30 PST\n"


def test_what_one_part_sets_is_unknown_to_the_next(tmp_path: Path) -> None:
    subject = "{% set number = 'x' %}{% set mine = 'y' %}{{ number }}{{ mine }}"
    renderer = own(tmp_path, en__problem_subject=subject, en__problem_txt="{{ number }}")
    rendered = renderer.render_strictly("problem", "en", PROBLEM)
    assert (rendered.subject, rendered.text) == ("xy", "SUP-1042\n")
    with pytest.raises(UndefinedError, match="mine"):
        own(tmp_path, en__problem_html="{{ mine }}").render_strictly("problem", "en", PROBLEM)
