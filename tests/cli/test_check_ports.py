"""What ``gateway check`` says of the addresses while a gateway runs, or something else does."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.cli.check import Level
from gateway.cli.check_ports import ports
from gateway.model import NodeRole
from gateway.settings import Settings
from tests.e2e.running import free_port
from tests.nodes import node, settings_of

ELSEWHERE = "postgresql://desk@db.example/desk"
"""A database that tells nothing of who runs on this machine."""


def on(database: str, settings: Settings) -> Settings:
    return settings.model_copy(update={"gateway": settings.gateway.model_copy(update={"database": database})})


def listening(tmp_path: Path, *, proxied: bool = False) -> Settings:
    smtp, lmtp, metrics = (f"127.0.0.1:{free_port()}" for _ in range(3))
    more = {"lmtp": {"listen": lmtp}, "metrics": {"listen": metrics}}
    return settings_of("", tmp_path / "var", smtp={"listen": smtp, "proxy_protocol": proxied}, **more)


@pytest.mark.parametrize("database", ["", ELSEWHERE])
@pytest.mark.parametrize("proxied", [False, True])
async def test_addresses_that_the_gateway_itself_has_are_right(tmp_path: Path, database: str, proxied: bool) -> None:
    settings = listening(tmp_path, proxied=proxied)
    async with node(settings):
        found = await asyncio.to_thread(lambda: list(ports(on(database, settings))))
    assert {one.what: one.level for one in found} == dict.fromkeys(
        ["smtp.listen", "lmtp.listen", "metrics.listen"], Level.OK
    )
    assert all("in use" in one.says for one in found)


@pytest.mark.parametrize("roles", [[NodeRole.INTAKE], [NodeRole.WORKER]])
async def test_one_address_is_enough_to_know_a_node_by(tmp_path: Path, roles: Sequence[NodeRole]) -> None:
    settings = listening(tmp_path)
    async with node(settings, roles):
        found = await asyncio.to_thread(lambda: list(ports(on(ELSEWHERE, settings))))
    assert Level.FAIL not in {one.level for one in found}


@pytest.mark.parametrize("greeting", [b"220 example.com ESMTP Postfix\r\n", b"", b"HTTP/1.0 200 OK\r\n\r\nok\n"])
def test_what_else_listens_there_is_a_mistake(tmp_path: Path, greeting: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings = settings_of("", tmp_path / "var", smtp={"listen": f"127.0.0.1:{other.getsockname()[1]}"})

        def greet() -> None:
            connection, _ = other.accept()
            with connection:
                connection.sendall(greeting)

        greeter = threading.Thread(target=greet)
        greeter.start()
        (found,) = ports(on(ELSEWHERE, settings))
        greeter.join()
    assert found.level is Level.FAIL
    assert "stop what listens there" in found.remedy
