"""The one-way rule of ARCHITECTURE.md, read out of the imports themselves."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "gateway"

LAYERS = (
    {"errors", "model"},
    {"printable", "fields", "mistakes", "agreement", "disk", "memory", "retry", "portions"},
    {"settings"},
    {"reading", "triage", "desk"},
    {"metrics", "keyfile"},
    {"log"},
    {"leases", "oauth"},
    {"db", "outbound"},
    {"inbound", "oncall"},
    {"pipeline", "watch", "http", "replay", "clock"},
    {"app"},
    {"cli"},
    {"__main__"},
)
"""Lowest first. A module imports from lower layers and from its own part, never from another part beside it."""

STRANGERS = {("inbound", "outbound"), ("oncall", "db")}
"""(part, part): what may not be imported although it lies lower."""

PURE = ("reading", "triage", "desk")
IMPURE = {
    "asyncio", "fcntl", "http", "io", "logging", "multiprocessing", "os", "pathlib", "random", "resource",
    "secrets", "select", "shutil", "signal", "smtplib", "socket", "sqlalchemy", "ssl", "structlog", "subprocess",
    "tempfile", "threading", "time", "urllib.request", "uuid",
}  # fmt: skip
"""What touches the world, the clock or chance."""
CLOCKS = {"now", "utcnow", "today", "open", "input", "print"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(p for p in parts if p != "__init__")


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever the import stands, with what it takes from it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports out in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer(part: str) -> int:
    return next(n for n, parts in enumerate(LAYERS) if part in parts)


def may_import(module: str, imported: str) -> bool:
    own, other = module.partition(".")[0], imported.partition(".")[0]
    return own == other or (layer(other) < layer(own) and (own, other) not in STRANGERS)


def parts_of_the_package() -> set[str]:
    return {name_of(path).partition(".")[0] for path in modules()} - {""}


def test_every_part_has_its_layer() -> None:
    assert parts_of_the_package() <= set.union(*LAYERS)


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports_go_one_way_only(path: Path) -> None:
    module, parts = name_of(path), parts_of_the_package()
    ours = {name.removeprefix("gateway.") for name in imports(path) if name.startswith("gateway.")}
    wrong = {name for name in ours if name.partition(".")[0] in parts and not may_import(module, name)}
    assert not wrong


@pytest.mark.incident("CVE-2023-35169", "CVE-2018-16587")
@pytest.mark.parametrize("path", [p for p in modules() if name_of(p).startswith(PURE)], ids=name_of)
def test_reading_triage_and_desk_touch_nothing_outside_themselves(path: Path) -> None:
    touched = {name for name in imports(path) for bad in IMPURE if f"{name}.".startswith(f"{bad}.")}
    calls = {
        f"line {node.lineno}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and (node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")) in CLOCKS
    }
    assert not touched | calls


def test_the_rule_catches_what_it_forbids() -> None:
    assert not may_import("inbound.smtp", "outbound.compose")
    assert not may_import("outbound.outbox", "inbound.journal")
    assert not may_import("reading.html", "triage.signals")
    assert not may_import("desk.decide", "log")
    assert not may_import("db.store", "inbound.journal")
    assert not may_import("inbound.worker", "outbound.compose")
    assert may_import("cli.main", "app")
