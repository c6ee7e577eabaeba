"""Templates to text: subject, plain text and HTML, in the reader's language.

Templates see frozen values only (``views``) in a sandbox that lets them call nothing but macros, so a template from
elsewhere can neither read secrets nor make huge output. What is not defined is an error.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import css_inline
from jinja2 import BaseLoader, ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, Template, TemplateNotFound
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.runtime import BlockReference, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment

from gateway import log
from gateway.outbound import sentences
from gateway.outbound.harmless import lines
from gateway.outbound.headers import clean
from gateway.outbound.samples import SAMPLES
from gateway.outbound.views import MOMENT, VIEWS, Moment, View, variables

SHIPPED = Path(__file__).parent.parent / "templates"
PARTS = ("subject", "txt", "html")
LAST_RESORT = "en"
LONGEST_OUTPUT = 4_000_000
"""Characters of one part."""
COLUMNS = 72
_FILTERS = ("escape", "e", "first", "join", "last", "length", "lower", "replace", "trim", "upper")
_CLASS = re.compile(r'\sclass="([\w -]+)"')
_STYLE = re.compile(r'style="([^"]*)"')
_CALLABLE = (Macro, BlockReference)
_BULLET = re.compile(r" *(?:[-*] +)?")


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str
    """One line."""
    text: str
    html: str


class Renderer:
    """Renders the shipped templates; files in ``override`` win over them one by one, and may add languages."""

    def __init__(self, override: Path | None = None) -> None:
        self.override = override
        shipped = FileSystemLoader(SHIPPED)
        self._shipped = environment(shipped)
        own = ChoiceLoader([FileSystemLoader(override), shipped]) if override else None
        self.environment = environment(own) if own else self._shipped
        self._languages: dict[tuple[str, ...], str] = {}
        # The copies of a mail are composed one after the other, and those to agents show all the same.
        self._once = lru_cache(1)(self._render)
        self._sentences = lru_cache(100)(self._sentences_of)

    def names(self) -> tuple[str, ...]:
        """The templates there are."""
        return tuple(VIEWS)

    def languages(self) -> tuple[str, ...]:
        """The languages that have at least one complete template."""
        listed = {name.partition("/")[0] for name in self.environment.list_templates() if "/" in name}
        return tuple(sorted(lang for lang in listed if any(_exists(self.environment, lang, name) for name in VIEWS)))

    def language(self, name: str, wanted: Sequence[str]) -> str:
        """The first of the languages that has the template, all its parts; else English."""
        key = (name, *wanted)
        if key not in self._languages:
            found = (lang for lang in wanted if lang and _exists(self.environment, lang, name))
            self._languages[key] = next(found, LAST_RESORT)
        return self._languages[key]

    def say(self, sentence: str, language: str) -> str:
        """A sentence of ours in this language, with what is filled into it; English where it has no translation."""
        return sentences.say(sentence, self._sentences(language))

    def _sentences_of(self, language: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for folder in filter(None, (SHIPPED, self.override)):
            path = folder / language / sentences.FILE
            try:
                found |= sentences.read(path) if path.is_file() else {}
            except ValueError as problem:
                log.template_wrong(str(problem))
        return found

    def warm_up(self) -> None:
        """Load every template now: compiling them takes a tenth of a second, and the first mail would wait for it."""
        for language in self.languages():
            for name in self.names():
                with suppress(Exception):  # of an operator's own template; the check has told him of it
                    self.render_strictly(name, language, SAMPLES[name][0])

    def render(self, name: str, language: str, view: View) -> Rendered:
        """Text, HTML and subject.

        A template of the operator's that fails is replaced by the shipped one, and the failure logged: no mail waits
        for a mended template. Raises Jinja's errors where a shipped one fails.
        """
        return self._once(name, language, view)

    def _render(self, name: str, language: str, view: View) -> Rendered:
        if self.override is not None:
            try:
                return self.render_strictly(name, language, view)
            except Exception as problem:
                log.part_crashed(f"template {language}/{name}", problem)
        shipped = language if self.override is None or _exists(self._shipped, language, name) else LAST_RESORT
        return _render(self._shipped, name, shipped, view)

    def render_strictly(self, name: str, language: str, view: View) -> Rendered:
        """As ``render``, but every failure is raised."""
        return _render(self.environment, name, language, view)


def _exists(env: Environment, language: str, name: str) -> bool:
    assert env.loader is not None
    try:
        for part in PARTS:
            env.loader.get_source(env, f"{language}/{name}.{part}.j2")
    except TemplateNotFound:
        return False
    return True


def _render(env: Environment, name: str, language: str, view: View) -> Rendered:
    values = variables(view)
    subject, text, html = [_part(template, values) for template in _templates(env, name, language)]
    return Rendered(clean(subject), text.strip("\n") + "\n", html)


@cache
def _templates(env: Environment, name: str, language: str) -> tuple[Template, ...]:
    return tuple(env.get_template(f"{language}/{name}.{part}.j2") for part in PARTS)


def _part(template: Template, values: dict[str, Any]) -> str:
    """As ``template.render`` does it, without a copy of the values for each part."""
    context = template.new_context(values, shared=True)
    try:
        output = "".join(template.root_render_func(context))
    except Exception:
        template.environment.handle_exception()
    if len(output) > LONGEST_OUTPUT:
        raise SecurityError(f"{template.name} makes more than {LONGEST_OUTPUT} characters")
    return output


class _Sandbox(ImmutableSandboxedEnvironment):
    """Calls of macros and blocks only, and no operator that multiplies text."""

    intercepted_binops = frozenset(["*", "**", "%"])

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Templates have none: no ``range``, no ``lipsum``."""
        return {}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """The pieces of a time, which are asked for most, without the way through the sandbox."""
        if type(obj) is Moment and attribute in MOMENT:
            return getattr(obj, attribute)
        return super().getattr(obj, attribute)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Views hold text, and nothing with an underscore in front; what a method could do is stopped at its call."""
        return not attr.startswith("_")

    def is_safe_callable(self, obj: Any) -> bool:
        return isinstance(obj, _CALLABLE)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        raise SecurityError(f"the operator {operator} is not available in templates")


class _InlineStyles(Extension):
    """Writes the style of each class beside it when a template is loaded, once, instead of for every mail.

    css-inline works out what a class of ``style.css`` means; selectors there are therefore single classes.
    """

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        if name is None or not name.endswith(".html.j2"):
            return source
        loader = self.environment.loader
        assert loader is not None
        css = loader.get_source(self.environment, "style.css")[0]
        return _CLASS.sub(lambda match: f'{match[0]} style="{style(css, match[1])}"', source)


@cache
def style(css: str, classes: str) -> str:
    """What the style sheet says of an element with these classes."""
    found = _STYLE.search(css_inline.inline_fragment(f'<div class="{classes}"></div>', css))
    return found[1] if found else ""


def environment(loader: BaseLoader) -> Environment:
    """A sandbox over these templates."""
    env = _Sandbox(
        loader=loader,
        extensions=[_InlineStyles],
        undefined=StrictUndefined,
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        auto_reload=False,
        cache_size=-1,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters = {name: env.filters[name] for name in _FILTERS} | {"lines": lines, "wrap": wrap}
    return env


def wrap(text: str, columns: int = COLUMNS) -> str:
    """Fold lines that are too long between words; what follows a bullet or an indentation keeps its column."""
    return "\n".join([line if len(line) <= columns else _fold(line, columns) for line in text.split("\n")])


def _fold(line: str, columns: int) -> str:
    found = _BULLET.match(line)
    indent = len(found[0]) if found else 0
    pieces, rest = [], line.rstrip()
    while len(rest) > columns:
        end = rest.rfind(" ", indent + 1, columns + 1)
        if end < 0:
            end = rest.find(" ", columns)
        if end < 0:
            break
        pieces.append(rest[:end].rstrip())
        rest = " " * indent + rest[end:].lstrip()
    return "\n".join([*pieces, rest])
