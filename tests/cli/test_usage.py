"""What all commands share: help, exit statuses, errors without tracebacks."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from gateway import __version__
from tests.cli.conftest import Run

COMMANDS = (
    "init", "check", "serve", "status", "ingest", "parse", "classify", "demo", "tickets", "mail", "outbox", "templates",
    "db", "backup",
)  # fmt: skip


def test_help_names_every_command(run: Run) -> None:
    result = run("--help")
    assert result.status == 0
    assert all(f" {command} " in result.out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run: Run, command: str) -> None:
    assert run(command, "--help").status == 0


def test_the_version_is_told(run: Run) -> None:
    assert run("--version").out.strip() == __version__


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["parse", "--nonsense"], ["tickets", "show"], ["mail", "show", "x"]]
)
def test_wrong_usage_ends_with_status_2(run: Run, arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.status == 2
    assert result.err
    assert not result.out


@pytest.mark.parametrize(
    "arguments",
    [["status"], ["tickets", "list"], ["mail", "show", "1"], ["outbox", "cancel", "1"], ["db", "upgrade"], ["serve"]],
)
def test_a_missing_configuration_is_told_with_its_remedy(run: Run, arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.status == 1
    assert "gateway.toml: cannot be read" in result.err
    assert "gateway init" in result.err
    assert "Traceback" not in result.err


def test_all_mistakes_of_a_configuration_are_told_a_line_each(run: Run, tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text("[smtp]\nlisten = 1\nfoo = 2\n", encoding="utf-8")
    result = run("status")
    assert result.status == 1
    assert [line.split(":")[0] for line in result.err.splitlines()] == ["error"] * 3


@pytest.mark.parametrize("arguments", [["--help"], ["parse", "/dev/null"], ["parse", "--help"]])
def test_light_commands_do_not_load_the_database(arguments: list[str]) -> None:
    code = (
        "import sys; from gateway.cli.main import main\n"
        f"sys.argv = ['gateway', *{arguments!r}]\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(sorted({'sqlalchemy', 'alembic', 'aiosmtpd', 'httpx', 'dns'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"


def test_the_module_runs_as_the_command_does() -> None:
    done = subprocess.run([sys.executable, "-m", "gateway", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == __version__


def test_a_reader_that_goes_away_is_no_trouble() -> None:
    command = f"{sys.executable} -m gateway parse --help | head -c 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert "Traceback" not in done.stderr


def test_an_unknown_role_is_told_with_those_that_there_are(configured: Run) -> None:
    result = configured("serve", "--role", "intake,cook")
    assert result.status == 2
    assert "'cook'" in result.err
    assert "intake, mailbox, worker" in result.err


@pytest.mark.parametrize("command", [["serve"], ["status"], ["db", "upgrade"]])
def test_a_database_that_does_not_answer_is_told_in_a_line(
    configured: Run, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("psycopg", reason="the extra postgresql is not installed")
    monkeypatch.setenv("GATEWAY_DATABASE", "postgresql://nobody@127.0.0.1:1/none?connect_timeout=2")
    result = configured(*command)
    assert result.status == 1
    assert "error: the database does not answer (" in result.err
    assert "see: gateway check" in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize("command", [["serve"], ["status"], ["db", "upgrade"]])
def test_a_database_whose_library_is_missing_names_it(
    configured: Run, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_DATABASE", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    result = configured(*command)
    assert result.status == 1
    assert "install psycopg[binary]" in result.err
    assert "install psycopg[binary]" in configured("check").out


def test_a_database_of_a_newer_program_is_not_upgraded_but_told(configured: Run, tmp_path: Path) -> None:
    assert configured("db", "upgrade").status == 0
    with closing(sqlite3.connect(tmp_path / "var" / "gateway.db", isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    result = configured("db", "upgrade")
    assert result.status == 1
    assert "revision 9999, which is newer than this program" in result.err


@pytest.mark.parametrize("arguments", [["mail", "show"], ["mail", "release"], ["outbox", "retry"], ["mail", "replay"]])
def test_an_id_that_no_database_knows_is_wrong_usage(configured: Run, arguments: list[str]) -> None:
    result = configured(*arguments, 1 << 63)
    assert result.status == 2
    assert "is no ID" in result.err


def test_closed_streams_are_no_trouble(configured: Run, tmp_path: Path) -> None:
    configured("db", "upgrade")
    for command in ("parse <&-", "status 2>&-", "status >&-"):
        line = ["sh", "-c", f"{sys.executable} -m gateway {command}"]
        said = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert "Traceback" not in said.stderr
