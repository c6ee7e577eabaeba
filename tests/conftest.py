"""What all tests share."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TextIO

import pytest
import structlog
from hypothesis import settings

from gateway import log
from tests.canaries import in_process_log as in_process_log

settings.register_profile("default", deadline=None, max_examples=50)
settings.register_profile("fuzz", deadline=None, max_examples=20_000)
settings.load_profile("default")

SHARED = Path(__file__).resolve().parents[2] / "shared"

for variable in [name for name in os.environ if name.startswith("GATEWAY_")]:
    del os.environ[variable]  # a setting of whoever runs the tests is none of theirs


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of corpora that lies beside the checkout where there is one."""
    if not SHARED.is_dir():
        pytest.skip("no folder 'shared' beside the checkout")
    return SHARED


@pytest.fixture(autouse=True)
def _log_of_its_own(in_process_log: TextIO) -> Iterator[None]:
    """Whoever sets up the log writes into a stream that ends with the test; the next one starts anew."""
    log.set_up("debug", "json", in_process_log)
    yield
    structlog.reset_defaults()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With REQUIRE_PEERS set, a test whose peer program is missing fails instead of skipping."""
    report = yield
    if report.skipped and item.get_closest_marker("peer") and os.environ.get("REQUIRE_PEERS"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} skipped, and REQUIRE_PEERS is set: {report.longrepr}"
    return report
