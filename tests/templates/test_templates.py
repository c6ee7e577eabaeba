"""Every shipped template with every sample, in every language."""

import re
from html.parser import HTMLParser
from itertools import product

import pytest

from gateway.outbound.render import PARTS, SHIPPED, Renderer
from gateway.outbound.samples import SAMPLES
from gateway.outbound.views import VIEWS, View

RENDERER = Renderer()
VOID = {"meta", "br", "img", "hr", "link"}
CASES = [
    pytest.param(name, language, view, id=f"{name}-{language}-{n}")
    for (name, views), language in product(SAMPLES.items(), ("en", "de"))
    for n, view in enumerate(views)
]


class Balanced(HTMLParser):
    """Collects open elements, what they refer to, and what was closed wrongly."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pointing = ("src", "href", "background", "srcset", "poster")
        self.links += [f"{tag} {key} {value}" for key, value in attrs if key in pointing]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


@pytest.mark.parametrize(("name", "language", "view"), CASES)
class TestEveryTemplate:
    def test_reads_well_at_72_columns(self, name: str, language: str, view: View) -> None:
        text = RENDERER.render_strictly(name, language, view).text
        assert all(len(line) <= 72 for line in text.split("\n"))
        assert "\n\n\n" not in text
        assert text == text.strip("\n") + "\n"
        assert not re.search(r"[^-\s] +$", text, re.MULTILINE)

    def test_has_whole_html_without_remote_content(self, name: str, language: str, view: View) -> None:
        html = RENDERER.render_strictly(name, language, view).html
        reader = Balanced()
        reader.feed(html)
        assert reader.open == []
        assert reader.wrong == []
        # The only places that a mail of ours points to are the operator's own, out of the policy.
        own = {getattr(view, name, "") for name in ("status_page", "portal")} - {""}
        assert set(reader.links) == {f"a href {url}" for url in own}
        assert "url(" not in html
        assert "@import" not in html
        assert f'<html lang="{language}">' in html

    def test_styles_every_class(self, name: str, language: str, view: View) -> None:
        html = RENDERER.render_strictly(name, language, view).html
        assert html.count('class="') == len(re.findall(r'class="[^"]+" style="[^"]+"', html))

    def test_has_a_subject_of_one_line(self, name: str, language: str, view: View) -> None:
        subject = RENDERER.render_strictly(name, language, view).subject
        assert view.subject_line in subject
        assert subject.count("[SUP-1042]") == bool(view.number)


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_language_that_ships_is_complete(language: str) -> None:
    wanted = {f"{name}.{part}.j2" for name in VIEWS for part in PARTS} | {"words.j2"}
    own = set() if language == "en" else {"sentences.toml"}
    assert {path.name for path in (SHIPPED / language).iterdir()} == wanted | own


def test_every_template_has_samples() -> None:
    assert SAMPLES.keys() == VIEWS.keys()
    assert all(isinstance(view, VIEWS[name]) for name, views in SAMPLES.items() for view in views)
