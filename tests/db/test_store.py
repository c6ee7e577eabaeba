from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from stat import S_IMODE

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from gateway import log
from gateway.db.engine import open_engine, reading
from gateway.db.ids import BLOCK
from gateway.db.raw import Segments
from gateway.db.schema import metadata, ticket
from gateway.db.store import Store, open_store
from gateway.errors import Permanent, Temporary


def test_the_migrations_make_the_schema_of_the_program(store: Store) -> None:
    with reading(store.engine).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


@pytest.mark.incident("SQLite WAL reset")
def test_a_second_process_may_not_serve_the_same_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'g.db'}"
    first = open_store(url, "node-a", serve=True)
    with pytest.raises(Permanent, match="another gateway process"):
        open_store(url, "node-b", serve=True)
    open_store(url, "command", serve=False).close()
    first.close()
    open_store(url, "node-b", serve=True).close()


def test_nobody_else_may_look_into_a_data_folder_that_is_made(tmp_path: Path) -> None:
    umask = os.umask(0o022)
    try:
        open_store(f"sqlite:///{tmp_path / 'desk' / 'var' / 'g.db'}", "node-a", serve=True).close()
    finally:
        os.umask(umask)
    data = tmp_path / "desk" / "var"
    assert [S_IMODE(folder.stat().st_mode) for folder in (data, data.parent)] == [0o700, 0o755]


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    file = tmp_path / "g.db"
    file.write_bytes(b"This is a letter, not a database. " * 100)
    with pytest.raises(Permanent, match="cannot be used as a database"):
        open_store(f"sqlite:///{file}", "node-a", serve=True)


def test_an_older_schema_names_the_command_that_mends_it(store: Store, url: str) -> None:
    with open_engine(url).begin() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
    if store.embedded:
        pytest.skip("an embedded database is migrated when it is opened")
    with pytest.raises(Temporary, match="gateway db upgrade"):
        open_store(url, "node-b", serve=False)


def test_a_newer_schema_is_refused(store: Store, url: str) -> None:
    with open_engine(url).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'ffff'"))
    with pytest.raises(Permanent, match="newer"):
        open_store(url, "node-b", serve=False)


@pytest.mark.incident("SQLite synchronous")
def test_commits_survive_a_power_cut_by_setting(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'g.db'}")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_server_that_is_gone_is_noticed_soon_unless_the_url_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[dict[str, object]] = []
    monkeypatch.setattr("gateway.db.engine.create_engine", lambda _url, **options: seen.append(options["connect_args"]))
    open_engine("postgresql://desk@db.example/desk?connect_timeout=3")
    (patience,) = seen
    assert "connect_timeout" not in patience
    assert 0 < int(str(patience["tcp_user_timeout"])) <= 30_000


def test_ids_are_never_given_twice(store: Store) -> None:
    ids = [store.writer.run(lambda c: store.ids.take(c, ticket)) for _ in range(BLOCK + 5)]
    assert len(set(ids)) == BLOCK + 5


def test_ids_follow_what_another_process_wrote(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'g.db'}"
    first, second = open_store(url, "a", serve=True), open_store(url, "b", serve=False)
    from gateway.model import Envelope
    from tests.db.test_mails import LONG_AGO

    envelope = Envelope("smtp", "", ("support@example.com",))
    ids = [
        store.writer.run(lambda c, store=store: store.mails.add(c, [(envelope, b"x")], LONG_AGO, mine=False))[0].id
        for store in (first, second, first, second, second, first)
    ]
    assert ids == [1, 2, 3, 4, 5, 6]
    first.close()
    second.close()


def test_a_segment_gives_back_what_was_written_also_after_it_was_closed(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    first, second = segments.append([b"one", b""])
    segments.close()
    (third,) = segments.append([b"three"])
    assert [segments.read(r) for r in (first, second, third)] == [b"one", b"", b"three"]
    assert first.split(":")[0] != third.split(":")[0]


def test_a_stray_file_among_the_segments_is_left_alone_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.set_up("warning", "json")
    strays = ["00000007 (copy).seg", "notes.seg", ".DS_Store", "123456789.seg"]
    for name in strays:
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (0, 0))
    segments = Segments(tmp_path)
    (reference,) = segments.append([b"one"])
    assert reference.startswith("00000001.seg:")
    segments.sweep([], datetime.now(UTC))
    assert {path.name for path in tmp_path.iterdir()} == {*strays, "00000001.seg"}
    told = capsys.readouterr().err
    assert all(name in told for name in strays)


@pytest.mark.parametrize("reference", ["", "../../etc/passwd:0:5", "00000001.seg:0", "00000001.seg:0:99"])
def test_a_wrong_reference_is_an_error_not_a_file(tmp_path: Path, reference: str) -> None:
    segments = Segments(tmp_path)
    segments.append([b"one"])
    with pytest.raises((ValueError, FileNotFoundError)):
        segments.read(reference)
