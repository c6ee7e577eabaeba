"""``gateway mail replay`` in front of what tests/test_replay.py proves."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.cli.conftest import Run

MAIL = b"From: Kim <kim@example.net>\r\nTo: support@desk.example\r\nSubject: x\r\n\r\nHello\r\n"


@pytest.fixture
def kept(configured: Run, tmp_path: Path) -> Run:
    """With one mail that failed."""
    (tmp_path / "a.eml").write_bytes(MAIL)
    assert configured("ingest", "a.eml").status == 0
    with closing(sqlite3.connect(tmp_path / "var" / "gateway.db", isolation_level=None)) as connection:
        connection.execute("UPDATE mail SET state = 'failed'")
    return configured


def states(run: Run) -> list[str]:
    return [row["state"] for row in run("mail", "list", "--json").json]


def test_a_dry_run_shows_what_would_become_of_it_and_leaves_it(kept: Run) -> None:
    result = kept("mail", "replay", "--all", "--dry-run")
    assert result.status == 0, result.err
    assert "state: failed -> ticket" in result.out
    assert "goes through again" in result.out
    assert "nothing was" in result.out
    assert states(kept) == ["failed"]


def test_a_failed_mail_goes_through_again(kept: Run) -> None:
    (told,) = kept("mail", "replay", "1", "--json").json
    assert told["again"]
    assert states(kept) == ["received"]


def test_a_time_chooses_what_came_since(kept: Run) -> None:
    assert kept("mail", "replay", "--since", "2999-01-01", "--json").json == []
    assert len(kept("mail", "replay", "--since", "2001-01-01", "--dry-run", "--json").json) == 1


def test_a_time_means_what_its_offset_says(kept: Run) -> None:
    zone = timezone(timedelta(hours=5))
    (row,) = kept("mail", "list", "--json").json
    came = datetime.fromisoformat(row["received_at"])
    for moment, chosen in ((came - timedelta(hours=1), 1), (came + timedelta(hours=1), 0)):
        for written in (moment.isoformat(), moment.astimezone(zone).isoformat(), f"{moment:%Y%m%dT%H%M%S}"):
            assert len(kept("mail", "replay", "--since", written, "--dry-run", "--json").json) == chosen, written


@pytest.mark.parametrize("written", ["5", "2099", "1700000000", "yesterday", "2026-13-01"])
def test_what_is_no_time_chooses_no_mail(kept: Run, written: str) -> None:
    result = kept("mail", "replay", "--since", written)
    assert result.status == 2
    assert "is no time" in result.err
    assert states(kept) == ["failed"]


@pytest.mark.parametrize("arguments", [[], ["1", "--all"], ["--all", "--since", "2026-01-01"]])
def test_one_way_to_choose_is_needed(kept: Run, arguments: list[str]) -> None:
    assert kept("mail", "replay", *arguments).status == 2


def test_a_mail_that_is_not_there_is_told(kept: Run) -> None:
    result = kept("mail", "replay", "7")
    assert result.status == 1
    assert "there is no mail 7" in result.err
