"""Nothing is undocumented: settings, commands, options, events of the log, targets of make."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from gateway.mistakes import section_model, setting_names
from gateway.settings import Settings, parse

ROOT = Path(__file__).resolve().parents[1]
CONFIGURATION = (ROOT / "config" / "gateway.toml").read_text(encoding="utf-8")
LOG = (ROOT / "docs" / "log.md").read_text(encoding="utf-8")


def uncommented() -> dict[str, object]:
    """The shipped configuration with every commented setting and section switched on."""
    return tomllib.loads(re.sub(r"(?m)^# (?=\[+[a-z]+\]+$|[a-z_]+ = )", "", CONFIGURATION))


def sections() -> list[tuple[str, type[BaseModel]]]:
    models = ((name, section_model(field.annotation)) for name, field in Settings.model_fields.items())
    return [(name, model) for name, model in models if model]


@pytest.mark.parametrize(("name", "model"), sections(), ids=[name for name, _ in sections()])
def test_every_setting_stands_in_the_shipped_configuration(name: str, model: type[BaseModel]) -> None:
    section = uncommented()[name]
    documented = section[0] if isinstance(section, list) else section
    assert isinstance(documented, dict)
    assert set(documented) == set(setting_names(model))


def test_every_setting_has_a_comment() -> None:
    settings = re.findall(r"(?m)^(?:# )?[a-z_]+ = .*$", CONFIGURATION)
    assert [line for line in settings if not re.search(r"\S\s+# \S", line) and 'name = "Ann' not in line] == []


SWITCHED_OFF = re.compile(r"(?m)^# \[+([a-z]+)\]+\n((?:# .*\n)+)")
"""A section that is not there until somebody takes the signs away."""


def switched_on(text: str) -> str:
    """With all defaults that are shown written out."""
    return re.sub(r"(?m)^# ([a-z_]+ = (?!.*# example).*)", r"\1", text)


def test_the_defaults_that_are_shown_are_the_defaults() -> None:
    shipped = SWITCHED_OFF.sub("", CONFIGURATION)
    assert parse(switched_on(shipped), "gateway.toml", {}) == parse(shipped, "gateway.toml", {})


@pytest.mark.parametrize(("name", "text"), SWITCHED_OFF.findall(CONFIGURATION))
def test_the_defaults_of_a_section_that_is_switched_off_are_the_defaults(name: str, text: str) -> None:
    examples = re.sub(r"(?m)^# (?=.*# example)", "", text)
    model = dict(sections())[name]
    shown = tomllib.loads(switched_on(examples))
    assert model.model_validate(shown) == model.model_validate(tomllib.loads(examples))


def test_the_command_reference_is_what_the_commands_say() -> None:
    command = [
        sys.executable,
        "-m",
        "typer",
        "gateway.cli.main",
        "utils",
        "docs",
        "--name",
        "gateway",
        "--title",
        "Commands",
    ]
    made = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    written = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert made.strip() == written.strip(), "make docs"


def log_events() -> dict[str, set[str]]:
    """Every event and the names of its fields, out of the calls in log.py."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(ast.parse((ROOT / "gateway" / "log.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            first = node.args[0]
            if (
                isinstance(node.func.value, ast.Name)
                and node.func.value.id == "_log"
                and isinstance(first, ast.Constant)
            ):
                found[str(first.value)] = {keyword.arg for keyword in node.keywords if keyword.arg}
    return found


@pytest.mark.parametrize(("event", "fields"), log_events().items(), ids=list(log_events()))
def test_every_event_of_the_log_is_documented_with_its_fields(event: str, fields: set[str]) -> None:
    row = next((line for line in LOG.splitlines() if line.startswith(f"| `{event}` |")), "")
    assert fields <= set(re.findall(r"`(\w+)`", row)), f"{event}: write a row into docs/log.md"


@pytest.mark.parametrize("event", log_events())
def test_every_event_happens_somewhere(event: str) -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "gateway").rglob("*.py"))
    assert len(re.findall(rf"(?<!def )\b{event}\b(?!\")", code)) > 0


def test_the_log_document_names_no_event_that_does_not_exist() -> None:
    assert set(re.findall(r"(?m)^\| `(\w+)` \|", LOG)) == set(log_events())


def test_links_of_the_documents_lead_somewhere() -> None:
    for document in ROOT.glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_every_target_of_make_is_helped_with() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"(?m)^([a-z]+):", makefile)) - {"help", "venv"}
    assert targets <= set(re.findall(r"make (\w+)", makefile))


def test_every_library_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[>\[<=]", one)[0] for one in project["dependencies"]}
    architecture = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = architecture.partition("## Libraries")[2].partition("\n## ")[0]
    assert {name for name in names if name not in table} == set()
