from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.running import Gateway


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """A running gateway with one mailbox, one agent and the Maildir outbox."""
    gateway = Gateway(tmp_path)
    gateway.start()
    yield gateway
    gateway.kill()
