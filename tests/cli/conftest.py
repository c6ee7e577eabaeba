"""Commands run in this process: fast, and through ``main`` with its handling of errors."""

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.main import main

CONFIGURATION = """
[gateway]
data_dir = "{folder}/var"
[[mailbox]]
name = "support"
addresses = ["support@desk.example"]
[[agent]]
name = "Ann Agent"
address = "ann@desk.example"
[oncall]
notify = ["mailto:oncall@desk.example"]
"""


@dataclass(frozen=True, slots=True)
class Result:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs ``gateway ARGUMENTS`` in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: object, stdin: bytes = b"") -> Result:
        monkeypatch.setattr(sys, "argv", ["gateway", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        with (tmp_path / "commands.log").open("a", encoding="utf-8") as log:
            log.write(captured.err)
        status = ended.value.code
        return Result(status if isinstance(status, int) else 0, captured.out, captured.err)

    return command


@pytest.fixture
def configured(run: Run, tmp_path: Path) -> Run:
    """The same beside a configuration."""
    (tmp_path / "gateway.toml").write_text(CONFIGURATION.format(folder=tmp_path), encoding="utf-8")
    return run
