"""``gateway templates``: which mails go out, and how they look."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.console import facts, out, print_json, table, text
from gateway.cli.context import Json, settings_or_defaults
from gateway.errors import Permanent

if TYPE_CHECKING:
    from gateway.outbound.render import Rendered, Renderer

app = typer.Typer(help="The mails that go out.", no_args_is_help=True)


@app.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """List the templates and their languages."""
    renderer = _renderer(context)
    found = [
        {"name": name, "languages": [lang for lang in renderer.languages() if _has(renderer, lang, name)]}
        for name in renderer.names()
    ]
    if as_json:
        print_json(found)
    else:
        table(("name", "languages"), ((one["name"], " ".join(one["languages"])) for one in found), "none")


@app.command()
def preview(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Of the template, as in the list.")],
    language: Annotated[str, typer.Option("--language", help="Two letters.")] = "en",
    html: Annotated[
        Path | None, typer.Option("--html", metavar="OUT", help="Write the HTML part into a file, for a browser.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show a template filled with sample values."""
    rendered = _render(context, name, language)
    if html is not None:
        try:
            html.write_text(rendered.html, encoding="utf-8")
        except OSError as problem:
            raise Permanent("", f"{html}: cannot be written ({problem.strerror})") from None
    if as_json:
        print_json(rendered)
        return
    facts([("Subject", rendered.subject)])
    out.print()
    out.print(text(rendered.text), soft_wrap=True)


def _renderer(context: typer.Context) -> Renderer:
    from gateway.outbound.render import Renderer

    return Renderer(settings_or_defaults(context).gateway.templates)


def _has(renderer: Renderer, language: str, name: str) -> bool:
    try:
        return renderer.language(name, [language]) == language
    except UnicodeDecodeError:
        raise Permanent("", f"{language}/{name}: is not UTF-8 text; mend the template") from None


def _render(context: typer.Context, name: str, language: str) -> Rendered:
    from gateway.outbound.samples import sample
    from gateway.pipeline import open_policy

    renderer, policy = _renderer(context), open_policy(settings_or_defaults(context))
    if name not in renderer.names():
        raise Permanent("", f"there is no template {name!r}; known are {', '.join(renderer.names())}")
    if not _has(renderer, language, name):
        raise Permanent("", f"the template {name} is not there in {language!r}; its languages: gateway templates list")
    try:
        return renderer.render_strictly(name, language, sample(name, language, policy, renderer.say))
    except Exception as problem:  # what an own template does with the values may end in anything
        raise Permanent("", f"{language}/{name}: {problem}; mend the template") from None
