"""The audit of whole tickets sees each thing that may be lost or come twice."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.audit import Books, Report
from tests.faults.forked import Forked
from tests.faults.kinds import KINDS
from tests.faults.letters import ON_CALL, Letter
from tests.faults.scene import Scene
from tests.faults.sink import Arrival
from tests.faults.syscalls import begin, send
from tests.faults.tickets import Case, audit_tickets

_TABLES = ("mail", "ticket", "participant", "message", "attachment", "outgoing", "page", "event")
_LOSE = "DELETE FROM {0} WHERE id = (SELECT max(id) FROM {0})"
_DOUBLE = """
CREATE TEMP TABLE another AS SELECT * FROM {0} WHERE id = (SELECT max(id) FROM {0});
UPDATE another SET id = id + 1;
INSERT INTO {0} SELECT * FROM another;
"""
IN_THE_BOOKS = {
    **{f"{table}: one is lost": _LOSE.format(table) for table in _TABLES},
    **{f"{table}: one is there twice": _DOUBLE.format(table) for table in _TABLES if table != "ticket"},
    "a second ticket": _DOUBLE.format("ticket").replace("id = id + 1", "id = id + 1, number = number || 'b'"),
    "a mail in no ticket": "UPDATE mail SET ticket_id = NULL WHERE id = 1",
    "a mail with other bytes": "UPDATE mail SET raw = x'00' WHERE raw IS NOT NULL",
    "a mail not sent": "UPDATE outgoing SET state = 'failed' WHERE id = 1",
    "a bounce forgotten": "UPDATE participant SET undeliverable = 0",
    "a command forgotten": "UPDATE ticket SET status = 'open' WHERE status = 'solved'",
}
AT_THE_RELAY: dict[str, Callable[[list[Arrival]], list[Arrival]]] = {
    "a mail that never arrived": lambda came: came[1:],
    "a mail that nobody wrote": lambda came: [*came, replace(came[0], message_id="another@example.com")],
    "a repeat with other bytes": lambda came: [*came, replace(came[0], digest="another")],
    "a page that never arrived": lambda came: [a for a in came if a.recipient != ON_CALL],
    "a second page": lambda came: [*came, *(replace(a, message_id="again") for a in came if a.recipient == ON_CALL)],
}


class Played:
    """What is left when each kind of mail went through undisturbed."""

    def __init__(self, folder: Path) -> None:
        self.cases: list[Case] = []
        with Scene(folder, "nothing", 1, connections=1, kind=Forked) as scene:
            scene.gateway.start()
            for kind in KINDS:
                send(scene, begin(scene, kind, self.cases))
            assert scene.gateway.stop() == 0
            self.data = scene.data
            self.letters: list[Letter] = scene.letters.made
            self.arrivals: list[Arrival] = scene.sink.arrivals

    def audit(self, data: Path, arrivals: list[Arrival]) -> list[str]:
        """What is wrong."""
        report, books = Report("nothing", 1), Books(f"sqlite:///{data / 'gateway.db'}")
        with closing(books):
            audit_tickets(self.cases, report, books, self.letters, arrivals)
        return report.wrong


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return Played(tmp_path_factory.mktemp("played"))


def test_undisturbed_each_kind_of_mail_becomes_what_it_should(played: Played) -> None:
    assert played.audit(played.data, played.arrivals) == []


@pytest.mark.parametrize("what", IN_THE_BOOKS)
def test_what_is_wrong_in_the_books_is_seen(played: Played, tmp_path: Path, what: str) -> None:
    shutil.copytree(played.data, tmp_path / "var")
    with closing(sqlite3.connect(tmp_path / "var" / "gateway.db")) as database:
        database.executescript(IN_THE_BOOKS[what])
        assert database.total_changes
    assert played.audit(tmp_path / "var", played.arrivals)


@pytest.mark.parametrize("what", AT_THE_RELAY)
def test_what_is_wrong_at_the_relay_is_seen(played: Played, what: str) -> None:
    assert played.audit(played.data, AT_THE_RELAY[what](played.arrivals))
