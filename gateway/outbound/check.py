"""Find everything that is wrong with an operator's templates before a mail meets it."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path

from jinja2 import TemplateSyntaxError, meta, nodes

from gateway.outbound import sentences
from gateway.outbound.render import PARTS, SHIPPED, Renderer
from gateway.outbound.samples import SAMPLES
from gateway.outbound.views import NAMES, VIEWS

_SHARED = ("words.j2", "layout.html.j2", "style.css")


def check(renderer: Renderer) -> list[str]:
    """One line for each mistake, with file and line; empty where all is well, or nothing is overridden."""
    if renderer.override is None:
        return []
    if not renderer.override.is_dir():
        return [f"{renderer.override}: is no folder; make it, or take gateway.templates out of the settings"]
    files = sorted(path for path in renderer.override.rglob("*") if path.is_file())
    mistakes = [mistake for path in files for mistake in _check_file(renderer, path)]
    return mistakes or list(dict.fromkeys(_check_samples(renderer)))


def _check_file(renderer: Renderer, path: Path) -> Iterator[str]:
    name = path.relative_to(renderer.override or path).as_posix()
    if path.name == "style.css":
        return
    if path.name == sentences.FILE:
        yield from sentences.mistakes(path, sentences.read(SHIPPED / "de" / sentences.FILE))
        return
    if not _is_known(name):
        known = ", ".join(f"{template}.{{subject,txt,html}}.j2" for template in VIEWS)
        yield (
            f"{path}: there is no such template; in a folder for each language are known {known}, words.j2 and "
            f"{sentences.FILE}"
        )
        return
    try:
        source = path.read_text(encoding="utf-8")
        tree = renderer.environment.parse(source, name, str(path))
        renderer.environment.compile(source, name, str(path))
    except TemplateSyntaxError as problem:
        yield f"{path}:{problem.lineno}: {problem.message}"
    except (OSError, UnicodeDecodeError) as problem:
        yield f"{path}: cannot be read as UTF-8 ({problem})"
    else:
        yield from _unknown_names(path, tree)


def _is_known(name: str) -> bool:
    language, _, file = name.rpartition("/")
    if not language:
        return file in _SHARED
    names = {f"{template}.{part}.j2" for template in VIEWS for part in PARTS}
    return "/" not in language and (file in names or file == "words.j2")


def _unknown_names(path: Path, tree: nodes.Template) -> Iterator[str]:
    view = VIEWS.get(path.name.partition(".")[0])
    known = set(NAMES[view]) if view else set[str]()
    if path.name in _SHARED:
        known = set.intersection(*(set(names) for names in NAMES.values()))
    unknown = meta.find_undeclared_variables(tree) - known
    for node in tree.find_all(nodes.Name):
        if node.name in unknown and node.ctx == "load":
            yield f"{path}:{node.lineno}: {node.name!r} is not defined here; known are {', '.join(sorted(known))}"


def _check_samples(renderer: Renderer) -> Iterator[str]:
    for language in renderer.languages():
        for name in VIEWS:
            if renderer.language(name, (language,)) != language:
                folder = renderer.override / language if renderer.override else Path(language)
                yield f"{folder}: has no complete template {name!r}; English goes out in its place"
                continue
            yield from _check_template(renderer, language, name)


def _check_template(renderer: Renderer, language: str, name: str) -> Iterator[str]:
    for sample in SAMPLES[name]:
        try:
            rendered = renderer.render_strictly(name, language, sample)
        except Exception as problem:
            yield f"{_place(problem, language, name)}: {type(problem).__name__}: {problem}"
        else:
            if sample.number and sample.number not in rendered.subject and name != "problem":
                yield f"{language}/{name}.subject.j2: leaves out {{{{ number }}}}, by which answers find their ticket"


def _place(problem: Exception, language: str, name: str) -> str:
    """File and line of the template where it happened; Jinja writes them into the traceback."""
    if isinstance(problem, TemplateSyntaxError):
        return f"{problem.filename}:{problem.lineno}"
    frames = traceback.extract_tb(problem.__traceback__)
    found = [f"{frame.filename}:{frame.lineno}" for frame in frames if frame.filename.endswith(".j2")]
    return found[-1] if found else f"{language}/{name}"
