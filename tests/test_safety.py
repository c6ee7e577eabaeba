"""Rules that hold over the whole of the code."""

from __future__ import annotations

import ast
import hmac
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.desk import loop, tokens
from gateway.desk.tokens import Keys, Purpose
from gateway.inbound.reception import Reception
from gateway.settings import Agent, Mailbox, Settings

PACKAGE = Path(__file__).resolve().parents[1] / "gateway"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEYS = Keys({1: b"k" * 32})
SETTINGS = Settings(
    mailbox=(Mailbox(name="support", addresses=("support@example.com",)),),
    agent=(Agent(name="Ann", address="ann@example.com", password="correct horse"),),
)
UNDER_A_SHELL = {"system", "popen", "getoutput", "getstatusoutput", "create_subprocess_shell", "eval", "exec"}


def _calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _hands_to_a_shell(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name in UNDER_A_SHELL or any(keyword.arg == "shell" for keyword in call.keywords)


@pytest.mark.incident("CVE-2020-7247")
def test_nothing_is_handed_to_a_shell_or_run_as_code() -> None:
    found = [
        f"{path.name}:{call.lineno}"
        for path in PACKAGE.rglob("*.py")
        for call in _calls(ast.parse(path.read_text(encoding="utf-8")))
        if _hands_to_a_shell(call)
    ]
    assert found == []


@pytest.mark.parametrize("code", ["os.system(x)", "subprocess.run(x, shell=True)", "eval(x)"])
def test_the_rule_about_shells_catches_what_it_forbids(code: str) -> None:
    assert all(map(_hands_to_a_shell, _calls(ast.parse(code))))


@pytest.mark.incident("CVE-2021-34337")
def test_every_secret_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    reception = Reception(SETTINGS, KEYS, cast(Any, None), lambda: NOW, lambda: "")
    proof, mark = tokens.make(KEYS, Purpose.PARTICIPANT, 1, 1, NOW), loop.sign(KEYS, "1.1.x")

    def accepted() -> list[bool]:
        login = reception.authenticate("ann@example.com", "correct horse")
        return [bool(tokens.verify(KEYS, proof, NOW)), loop.verify(KEYS, mark), bool(login)]

    assert accepted() == [True, True, True]
    monkeypatch.setattr(hmac, "compare_digest", lambda _one, _other: False)
    assert accepted() == [False, False, False]
