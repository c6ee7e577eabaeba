from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.db.engine import upgrade
from gateway.db.store import Store, open_store
from tests.databases import fresh_database, postgresql_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgresql_server(tmp_path_factory.mktemp("postgresql")) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty, migrated database of each kind."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'gateway.db'}"
    else:
        url = fresh_database(request.getfixturevalue("server"))
    upgrade(url)
    return url


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = open_store(url, "node-a", serve=True)
    yield store
    store.close()
