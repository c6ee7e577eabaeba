from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from gateway import http
from gateway.errors import ConfigurationError
from gateway.http import Monitor


@dataclass
class Answer:
    status: int
    text: str


def get(url: str) -> Answer:
    try:
        with urllib.request.urlopen(url, timeout=30) as response:
            return Answer(response.status, response.read().decode())
    except urllib.error.HTTPError as refused:
        with refused:
            return Answer(refused.code, refused.read().decode())


@asynccontextmanager
async def monitor(trouble: str = "") -> AsyncIterator[str]:
    running = Monitor("127.0.0.1:0", asyncio.get_running_loop(), lambda: trouble)
    try:
        yield "http://{}:{}".format(*running.address)
    finally:
        await asyncio.to_thread(running.close)


async def test_a_node_without_trouble_is_alive_and_ready() -> None:
    async with monitor() as url:
        assert await asyncio.to_thread(get, f"{url}/healthz") == Answer(200, "ok\n")
        assert await asyncio.to_thread(get, f"{url}/readyz") == Answer(200, "ok\n")


async def test_a_node_in_trouble_says_why_it_is_not_ready_and_is_alive_all_the_same() -> None:
    async with monitor("the disk is full") as url:
        assert await asyncio.to_thread(get, f"{url}/readyz") == Answer(503, "the disk is full\n")
        assert await asyncio.to_thread(get, f"{url}/healthz") == Answer(200, "ok\n")


async def test_an_event_loop_that_hangs_is_told_while_it_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LOOP_SECONDS", 0.05)
    async with monitor() as url:
        answer = get(f"{url}/healthz")  # blocks the loop itself, as a hanging gateway does
    assert answer.status == 503
    assert "event loop" in answer.text


async def test_the_metrics_are_in_the_text_form_of_prometheus() -> None:
    async with monitor() as url:
        answer = await asyncio.to_thread(get, f"{url}/metrics")
    assert "# TYPE gateway_mails_done_total counter" in answer.text
    assert "process_resident_memory_bytes" in answer.text


async def test_other_paths_are_not_found() -> None:
    async with monitor() as url:
        assert (await asyncio.to_thread(get, f"{url}/")).status == 404


async def test_a_taken_address_is_a_mistake_of_the_configuration() -> None:
    async with monitor() as url:
        with pytest.raises(ConfigurationError, match=r"metrics\.listen"):
            Monitor(url.removeprefix("http://"), asyncio.get_running_loop(), lambda: "")
