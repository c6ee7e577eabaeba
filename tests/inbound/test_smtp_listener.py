from __future__ import annotations

import asyncio
import shutil
import subprocess

import pytest

from gateway.errors import ConfigurationError
from gateway.inbound.smtp import Listener
from gateway.settings import Smtp
from tests.inbound.wire import PATIENCE, MemoryIntake, listening


async def test_an_address_that_is_taken_is_a_mistake_of_the_configuration() -> None:
    async with listening() as house:
        host, port = house.listener.address
        with pytest.raises(ConfigurationError, match=r"^cannot listen on \S+: Address already in use; stop"):
            await Listener(Smtp(), f"{host}:{port}", "mx", MemoryIntake()).start()


async def test_stopping_sends_idle_clients_away_and_takes_no_new_ones() -> None:
    async with listening() as house:
        idle, (host, port) = await house.greeted(), house.listener.address
        await asyncio.wait_for(house.listener.stop(PATIENCE), PATIENCE)
        assert (await idle.reply()).startswith("421 4.3.2")
        assert await idle.ended()
        with pytest.raises(OSError, match="onnect"):
            await asyncio.open_connection(host, port)


async def test_stopping_lets_a_mail_under_way_be_finished() -> None:
    async with listening() as house:
        client = await house.greeted()
        await client.begin()
        stop = asyncio.create_task(house.listener.stop(PATIENCE))
        await asyncio.sleep(0)
        client.write(b"x\r\n.\r\n")
        assert await client.codes(2) == ["250", "421"]
        await asyncio.wait_for(stop, PATIENCE)
        assert len(house.intake.mails) == 1


async def test_stopping_waits_for_the_intake_even_when_the_client_left() -> None:
    intake = MemoryIntake(gate=asyncio.Event())
    async with listening(intake) as house:
        client = await house.greeted()
        await client.begin()
        client.write(b"x\r\n.\r\n")
        await asyncio.wait_for(intake.began.wait(), PATIENCE)
        client.writer.transport.abort()
        stop = asyncio.create_task(house.listener.stop(PATIENCE))
        await asyncio.sleep(0.05)
        assert not stop.done()
        assert intake.gate is not None
        intake.gate.set()
        await asyncio.wait_for(stop, PATIENCE)
        assert len(intake.mails) == 1


async def test_stopping_does_not_wait_longer_than_the_grace() -> None:
    async with listening() as house:
        client = await house.greeted()
        await client.begin()
        await asyncio.wait_for(house.listener.stop(0.05), PATIENCE)
        assert (await client.reply()).startswith("421 4.3.2")
        assert house.intake.mails == []


async def test_a_session_may_begin_no_mail_while_stopping() -> None:
    async with listening() as house:
        client = await house.greeted()
        await client.say(b"MAIL FROM:<a@example.com>")
        stop = asyncio.create_task(house.listener.stop(PATIENCE))
        await asyncio.sleep(0)
        assert (await client.say(b"RSET"))[:3] == "250"
        assert (await client.say(b"MAIL FROM:<a@example.com>")).startswith("421 4.3.2")
        await asyncio.wait_for(stop, PATIENCE)


@pytest.mark.peer
async def test_swaks_delivers() -> None:
    swaks = shutil.which("swaks")
    if swaks is None:
        pytest.skip("swaks is not installed")
    async with listening() as house:
        server = "{}:{}".format(*house.listener.address)
        arguments = [swaks, "--server", server, "--from", "a@example.com", "--to", "support@desk.example", "--pipeline"]
        ran = await asyncio.to_thread(subprocess.run, arguments, capture_output=True, timeout=30, check=False)
        assert ran.returncode == 0, ran.stdout
        assert len(house.intake.mails) == 1
