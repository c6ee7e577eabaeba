"""``gateway ingest``: what is kept, under which envelope, and what an MTA is told."""

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.inbound import files
from gateway.inbound.files import Source
from gateway.model import Envelope
from tests.cli.conftest import Run

MAIL = b"From: maria@customer.example\nTo: support@desk.example\nSubject: hello\n\ntext\n"


@pytest.fixture(autouse=True)
def no_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("ORIGINAL_RECIPIENT", "SENDER"):
        monkeypatch.delenv(variable, raising=False)


def test_a_file_is_kept_worked_on_and_listed(configured: Run, tmp_path: Path) -> None:
    (tmp_path / "mail.eml").write_bytes(MAIL)
    assert configured("ingest", "mail.eml", "--json").json == [{"file": "mail.eml", "id": 1, "error": None}]
    (row,) = configured("mail", "list", "--json").json
    assert (row["id"], row["via"], row["recipients"], row["state"]) == (1, "file", ["support@desk.example"], "ticket")


def test_what_an_mta_pipes_in_carries_its_envelope(configured: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORIGINAL_RECIPIENT", "support+TOKEN@desk.example")
    monkeypatch.setenv("SENDER", "bounce@customer.example")
    assert configured("ingest", stdin=b"From x Thu Jan  1 00:00:00 2026\n" + MAIL).status == 0
    (row,) = configured("mail", "list", "--json").json
    assert (row["via"], row["mail_from"]) == ("pipe", "bounce@customer.example")
    assert row["recipients"] == ["support+TOKEN@desk.example"]


def test_options_win_over_the_environment(configured: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDER", "bounce@customer.example")
    configured(
        "ingest", "-", "--sender", "", "--recipient", "a@desk.example", "--recipient", "b@desk.example", stdin=MAIL
    )
    (row,) = configured("mail", "list", "--json").json
    assert (row["mail_from"], row["recipients"]) == ("", ["a@desk.example", "b@desk.example"])


def test_one_bad_file_does_not_stop_the_others(configured: Run, tmp_path: Path) -> None:
    (tmp_path / "good.eml").write_bytes(MAIL)
    (tmp_path / "empty.eml").write_bytes(b"")
    result = configured("ingest", "empty.eml", "none.eml", "good.eml")
    assert result.status == 1
    assert "kept mail 1" in result.out
    assert len(result.err.splitlines()) == 2


@pytest.mark.parametrize(
    "path", [b"=?utf-7?q?+2D0-?=@customer.example", b'"\xff"@customer.example', b"a" * 70_000 + b"@customer.example"]
)
def test_no_return_path_keeps_a_mail_from_being_taken(configured: Run, tmp_path: Path, path: bytes) -> None:
    (tmp_path / "bad.eml").write_bytes(b"Return-Path: <" + path + b">\n" + MAIL)
    (tmp_path / "good.eml").write_bytes(MAIL)
    assert configured("ingest", "bad.eml", "good.eml").status == 0
    assert len(configured("mail", "list", "--json").json) == 2


def test_an_envelope_of_any_bytes_is_taken(configured: Run) -> None:
    told = ("--sender", "\udcff@x.y", "--recipient", "\udcfe@desk.example")  # as Python shows bytes of an argument
    assert configured("ingest", "-", *told, stdin=MAIL).status == 0
    (row,) = configured("mail", "list", "--json").json
    assert (row["mail_from"], row["recipients"]) == ("\ufffd@x.y", ["\ufffd@desk.example"])


def test_a_mail_over_which_we_fail_stops_no_other_and_an_mta_keeps_it(
    configured: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(source: Source, *others: object, **more: object) -> Envelope:
        if b"bad" in source.raw:
            raise RecursionError
        return envelope(source, *others, **more)

    envelope = files.envelope
    monkeypatch.setattr(files, "envelope", fail)
    (tmp_path / "bad.eml").write_bytes(MAIL + b"bad\n")
    (tmp_path / "good.eml").write_bytes(MAIL)
    result = configured("ingest", "bad.eml", "good.eml")
    assert (result.status, result.err) == (75, "error: bad.eml: could not be kept: RecursionError\n")
    assert len(configured("mail", "list", "--json").json) == 1


def test_a_mail_that_is_too_large_is_refused_for_good(configured: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_SMTP_MAX_MESSAGE_BYTES", "50")
    assert configured("ingest", stdin=MAIL).status == 1


def test_an_mta_keeps_its_mail_while_the_configuration_is_wrong(run: Run, tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text("nonsense", encoding="utf-8")
    assert run("ingest", stdin=MAIL).status == 75


@pytest.mark.parametrize("trouble", ["a file", "no database"])
def test_an_mta_keeps_its_mail_while_it_cannot_be_kept(configured: Run, tmp_path: Path, trouble: str) -> None:
    if trouble == "a file":
        (tmp_path / "var").write_bytes(b"")
    else:
        (tmp_path / "var").mkdir()
        (tmp_path / "var" / "gateway.db").write_bytes(b"no database" * 1000)
    result = configured("ingest", stdin=MAIL)
    assert result.status == 75
    assert result.err.startswith("error: ")
    assert "Traceback" not in result.err


def test_an_mta_keeps_its_mail_while_the_database_server_is_down(
    configured: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("psycopg", reason="the extra postgresql is not installed")
    monkeypatch.setenv("GATEWAY_DATABASE", "postgresql://nobody:hunter2@127.0.0.1:1/none?connect_timeout=2")
    result = configured("ingest", stdin=MAIL)
    assert result.status == 75
    assert "hunter2" not in result.err


@pytest.mark.parametrize(
    "arguments",
    [["ingest", "--recipeint", "x"], ["--confg", "gateway.toml", "ingest"], ["--config", ".", "ingest"]],
    ids=["option", "option before the command", "a folder as the configuration"],
)
def test_an_mta_keeps_its_mail_while_it_calls_the_command_wrongly(configured: Run, arguments: list[str]) -> None:
    result = configured(*arguments, stdin=MAIL)
    assert result.status == 75
    assert result.err


def test_an_mta_keeps_its_mail_while_something_fails_that_nobody_thought_of(
    configured: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("gateway.inbound.files.envelope", fails)
    result = configured("ingest", stdin=MAIL)
    assert (result.status, result.err) == (75, "error: standard input: could not be kept: ZeroDivisionError\n")


def test_once_a_mail_is_kept_nothing_makes_an_mta_bounce_it(configured: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("gateway.app.work_off", fails)
    result = configured("ingest", stdin=MAIL)
    assert (result.status, result.err) == (0, "error: kept, but not worked on yet: ZeroDivisionError()\n")
    assert [row["state"] for row in configured("mail", "list", "--json").json] == ["received"]


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_kept_mail_is_no_failure_where_nobody_can_be_told(configured: Run, tmp_path: Path, more: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "gateway", "ingest", *more]
        done = subprocess.run(command, input=MAIL, stdout=full, stderr=subprocess.PIPE, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert len(configured("mail", "list", "--json").json) == 1
