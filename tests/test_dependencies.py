"""Every library that ships was looked through for known weaknesses at the version that is pinned."""

import re
import tomllib
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
_ROW = re.compile(r"^\| ([a-z0-9-]+) \| (\S+) \| \d{4}-\d\d \| \d{4}-\d\d-\d\d \| [^|]+ \|$", re.MULTILINE)


def _name(text: str) -> str:
    """As PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", text).lower()


def pinned() -> dict[str, str]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return {_name(name): version for name, _, version in (line.partition("==") for line in lines) if version}


def _wanted(requirement: Requirement, extras: frozenset[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras | {""})


def shipped() -> dict[str, str]:
    """What production installs, with all that it needs in turn, and its pinned version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = [texts for extra, texts in project["optional-dependencies"].items() if extra != "dev"]
    waiting = [Requirement(text) for text in sum(optional, project["dependencies"])]
    found: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement = waiting.pop()
        extras = frozenset(requirement.extras)
        if (requirement.name, extras) not in found:
            found.add((requirement.name, extras))
            needs = map(Requirement, requires(requirement.name) or [])
            waiting += [need for need in needs if _wanted(need, extras)]
    return {_name(name): pinned()[_name(name)] for name, _ in found if _name(name) in pinned()}


def test_every_library_was_looked_through_at_its_pinned_version() -> None:
    document = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    rows = dict(_ROW.findall(document))
    assert shipped().items() <= rows.items()
    assert rows.items() <= pinned().items(), "it is not pinned any more"
