from __future__ import annotations

import asyncio
import smtplib

import pytest

from gateway.errors import Temporary
from tests.inbound.wire import MemoryIntake, listening


@pytest.mark.parametrize(
    ("problem", "code"), [(None, "250"), (Temporary("later"), "451"), (RuntimeError("secret"), "451")]
)
async def test_each_recipient_gets_an_answer_after_the_dot(problem: Exception | None, code: str) -> None:
    async with listening(MemoryIntake(problem=problem), lmtp=True) as house:
        client = await house.greeted()
        client.write(
            b"MAIL FROM:<>\r\nRCPT TO:<support@desk.example>\r\nRCPT TO:<nobody@desk.example>\r\n"
            b"RCPT TO:<sales@desk.example>\r\nDATA\r\n"
        )
        assert await client.codes(5) == ["250", "250", "550", "250", "354"]
        client.write(b"x\r\n.\r\nNOOP\r\n")
        assert await client.codes(3) == [code, code, "250"]
        if problem is None:
            [(envelope, _)] = house.intake.mails
            assert (envelope.via, envelope.recipients) == ("lmtp", ("support@desk.example", "sales@desk.example"))


async def test_a_mail_too_large_is_refused_for_each_recipient() -> None:
    async with listening(lmtp=True, max_message_bytes=100) as house:
        client = await house.greeted()
        await client.begin(recipients=2)
        client.write(b"x" * 200 + b"\r\n.\r\n")
        assert await client.codes(2) == ["552", "552"]


async def test_data_without_recipients_is_refused() -> None:
    async with listening(lmtp=True) as house:
        client = await house.greeted()
        await client.say(b"MAIL FROM:<a@example.com>")
        assert (await client.say(b"DATA")).startswith("503 5.5.1")


@pytest.mark.parametrize("command", [b"HELO x", b"EHLO x"])
async def test_smtps_greetings_are_not_lmtps(command: bytes) -> None:
    async with listening(lmtp=True) as house:
        client = await house.connect()
        assert await client.reply() == "220 mx.desk.example LMTP"
        assert (await client.say(command)).startswith("500 5.5.1")
        assert (await client.say(b"MAIL FROM:<a@example.com>")).startswith("503 5.5.1 Say LHLO")


async def test_pythons_own_client_delivers() -> None:
    async with listening(lmtp=True) as house:

        def send() -> None:
            with smtplib.LMTP(*house.listener.address) as lmtp:
                lmtp.sendmail("anna@example.com", "support@desk.example", "Subject: x\n\ny")

        await asyncio.to_thread(send)
        assert len(house.intake.mails) == 1
