"""Rolling upgrades: a migration expands first, so that nodes of the former version live on beside the new ones."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text

from gateway.db import engine
from gateway.db.engine import check_version, open_engine
from gateway.db.store import Store, open_store
from gateway.errors import Permanent
from gateway.model import Envelope

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ENVELOPE = Envelope("smtp", "kim@example.net", ("support@example.com",))


def test_every_migration_says_from_which_program_on_nodes_survive_it() -> None:
    assert [one for one in engine.revisions() if not re.fullmatch(r"0001|\d{4}_from_\d{4}", one)] == []


def test_the_files_of_the_migrations_are_named_after_their_revisions() -> None:
    scripts = ScriptDirectory(str(engine.MIGRATIONS))
    assert engine.revisions() == sorted(script.revision for script in scripts.walk_revisions())
    assert engine.revisions()[-1] == scripts.get_current_head()


def _expand(url: str, store: Store, revision: str) -> None:
    """What a newer program does to the database of ours."""
    with open_engine(url).begin() as connection:
        for table in ("mail", "ticket", "outgoing"):
            connection.execute(text(f"ALTER TABLE {table} ADD COLUMN novelty TEXT"))
        connection.execute(text("CREATE TABLE novel (id INTEGER PRIMARY KEY)"))
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{revision}'"))


def test_a_node_goes_on_while_the_schema_is_expanded_under_it_and_starts_again(url: str, store: Store) -> None:
    _expand(url, store, f"9999_from_{engine.revisions()[-1][:4]}")
    mails = [(ENVELOPE, b"Subject: x\r\n\r\nx\r\n")]
    store.writer.run(lambda connection: store.mails.add(connection, mails, NOW, mine=False))
    again = open_store(url, "node-b", serve=False)
    assert [row.state for row in again.queries.mails()] == ["received"]
    assert len(again.writer.run(lambda connection: again.mails.claim(connection, NOW, 10))) == 1
    again.close()


@pytest.mark.parametrize("revision", ["9999_from_9998", "9999", "nonsense_from_0000x"])
def test_a_node_that_a_newer_schema_has_left_behind_does_not_start(url: str, store: Store, revision: str) -> None:
    with open_engine(url).begin() as connection:
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{revision}'"))
    with pytest.raises(Permanent, match="newer"):
        check_version(store.engine)
