"""Nodes that each do a part of the work."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import app
from gateway.db.store import open_store
from gateway.inbound import worker
from gateway.model import NodeRole
from gateway.oncall import pager
from gateway.outbound import outbox
from tests.databases import migrated_database, postgresql_server
from tests.nodes import node, plain, send, settings_of
from tests.outbound.fakes import until

OUTAGE = "Nobody in our company can log in since 9, error 500 for all 300 users. There is no workaround."


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgresql_server(tmp_path_factory.mktemp("postgresql")) as url:
        yield url


@pytest.fixture
def url(server: str) -> str:
    return migrated_database(server)


async def test_a_mail_goes_its_way_over_three_nodes_by_wake_ups_alone(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, seconds in ((worker, "POLL_SECONDS"), (outbox, "LONGEST_REST"), (pager, "LONGEST_REST")):
        monkeypatch.setattr(module, seconds, 10_000.0)
    store = open_store(url, "test", serve=False)
    parts = {role: settings_of(url, tmp_path / role) for role in NodeRole}
    async with (
        node(parts[NodeRole.DELIVERY], [NodeRole.DELIVERY]),
        node(parts[NodeRole.WORKER], [NodeRole.WORKER]),
        node(parts[NodeRole.INTAKE], [NodeRole.INTAKE]) as intake,
    ):
        await send(intake.smtp, plain(1, OUTAGE))
        await until(lambda: {m.state for m in store.queries.outgoing()} == {"sent"}, 60)
        await until(lambda: (found := store.queries.ticket("SUP-1")) and [p.state for p in found.pages] == ["sent"], 60)
    store.close()


async def test_a_node_that_only_takes_in_leaves_the_mail_to_the_others(tmp_path: Path) -> None:
    settings = settings_of("", tmp_path / "var")
    async with node(settings, [NodeRole.INTAKE]) as intake:
        await send(intake.smtp, plain(1))
        store = open_store(settings.database_url, "test", serve=False)
        assert [row.state for row in store.queries.mails()] == ["received"]
    async with node(settings):
        await until(lambda: [row.state for row in store.queries.mails()] == ["ticket"], 60)
    store.close()


async def test_a_stop_does_not_wait_for_a_relay_that_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "FINISH_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = settings_of("", tmp_path / "var", relay=f"smtp://127.0.0.1:{silent.getsockname()[1]}")
        async with node(settings) as running:
            await send(running.smtp, plain(1))
            _waits = await asyncio.to_thread(silent.accept)
            told = time.monotonic()
        assert time.monotonic() - told < settings.outbound.timeout_seconds / 2
    store = open_store(settings.database_url, "test", serve=False)
    assert {(row.state, row.attempts) for row in store.queries.outgoing()} == {("waiting", 0)}
    store.close()


async def test_a_node_without_intake_listens_nowhere(tmp_path: Path) -> None:
    async with node(settings_of("", tmp_path / "var"), [NodeRole.DELIVERY]) as addresses:
        assert addresses.smtp == ("", 0)
