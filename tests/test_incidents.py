"""docs/incidents.md and the tests that it names say the same."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parent
DOCUMENT = TESTS.parent / "docs" / "incidents.md"
_ROW = re.compile(r"^\| ([^|]+) \|[^|]+\| (`[^|]+`) \|$", re.MULTILINE)


def listed() -> set[tuple[str, str]]:
    """Incident and test of every row."""
    rows = _ROW.findall(DOCUMENT.read_text(encoding="utf-8"))
    return {(incident, test) for incident, tests in rows for test in re.findall("`([^`]+)`", tests)}


def marked() -> Iterator[tuple[str, str]]:
    """The same, as the marks of the tests have it."""
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for mark in node.decorator_list:
                    if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.incident":
                        test = f"{path.relative_to(TESTS)}::{node.name}"
                        yield from ((ast.literal_eval(incident), test) for incident in mark.args)


def test_every_incident_has_the_tests_that_the_list_names_and_no_others() -> None:
    assert listed() == set(marked())


def test_the_list_has_no_row_without_a_test() -> None:
    rows = DOCUMENT.read_text(encoding="utf-8").partition("\n## What cannot happen here")[0].splitlines()
    incidents = {row.split(" | ")[0].removeprefix("| ") for row in rows if row.startswith("| ")} - {"incident"}
    assert len(incidents) > 70
    assert incidents == {incident for incident, _ in listed()}
