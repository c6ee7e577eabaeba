from __future__ import annotations

import asyncio
import random

import pytest

from gateway.inbound.limits import LOGIN_WINDOW_SECONDS, Door, peer_key
from gateway.settings import Smtp
from tests.inbound.wire import MemoryIntake, eventually, listening

KEEPS_ALIVE = b"NOOP\r\n"


@pytest.mark.incident("Size of a mail")
async def test_a_size_declared_too_large_is_refused_at_mail() -> None:
    async with listening(max_message_bytes=1000) as house:
        client = await house.greeted()
        assert (await client.say(b"MAIL FROM:<a@example.com> SIZE=1001")).startswith("552 5.3.4")
        assert (await client.say(b"MAIL FROM:<a@example.com> SIZE=1000"))[:3] == "250"


@pytest.mark.incident("Size of a mail")
async def test_a_mail_too_large_is_refused_after_its_dot_and_the_session_goes_on() -> None:
    async with listening(max_message_bytes=1000) as house:
        client = await house.greeted()
        assert (await client.send(b"x" * 999)).startswith("552 5.3.4")
        assert (await client.send(b"x" * 998))[:3] == "250"
        assert [len(raw) for _, raw in house.intake.mails] == [1000]


@pytest.mark.incident("Size of a mail")
async def test_a_mail_without_end_is_cut_off() -> None:
    async with listening(max_message_bytes=1000) as house:
        client = await house.greeted()
        await client.begin()
        client.write(b"x" * 100_000)
        assert (await client.reply()).startswith("552 5.3.4")
        assert await client.ended()


@pytest.mark.incident("Memory of large mails")
async def test_octets_in_flight_are_bounded_over_all_sessions() -> None:
    async with listening(max_bytes_in_flight=10_000) as house:
        slow, quick = await house.greeted(), await house.greeted()
        await slow.begin()
        slow.write(b"x" * 9_000)
        await eventually(lambda: house.listener.bytes_in_flight == 9_000)
        assert (await quick.send(b"y" * 9_000)).startswith("452 4.3.1")
        assert (await slow.say(b"\r\n."))[:3] == "250"
        assert (await quick.send(b"y" * 9_000))[:3] == "250"
        assert house.listener.bytes_in_flight == 0


async def test_octets_of_a_mail_cut_off_are_given_back() -> None:
    async with listening() as house:
        client = await house.greeted()
        await client.begin()
        client.write(b"x" * 9_000)
        await eventually(lambda: house.listener.bytes_in_flight == 9_000)
        client.writer.transport.abort()
        await eventually(lambda: house.listener.bytes_in_flight == 0)


@pytest.mark.incident("20,000 recipients")
async def test_recipients_beyond_the_limit_are_put_off_and_the_mail_goes_through() -> None:
    async with listening(max_recipients=3) as house:
        client = await house.greeted()
        await client.say(b"MAIL FROM:<a@example.com>")
        client.write(b"RCPT TO:<support@desk.example>\r\n" * 5 + b"DATA\r\nx\r\n.\r\n")
        assert await client.codes(7) == ["250", "250", "250", "452", "452", "354", "250"]
        assert len(house.intake.mails[0][0].recipients) == 3


@pytest.mark.incident("20,000 recipients")
async def test_thousands_of_pipelined_recipients_end_the_session() -> None:
    async with listening(max_recipients=10, max_errors=5) as house:
        client = await house.greeted()
        await client.say(b"MAIL FROM:<a@example.com>")
        client.write(b"RCPT TO:<support@desk.example>\r\n" * 200)
        codes = await client.codes(27)
        assert codes == ["250"] * 10 + ["452"] * 16 + ["421"]
        assert await client.ended()


@pytest.mark.incident("Errors and idle commands")
async def test_too_many_errors_end_the_session() -> None:
    async with listening(max_errors=3) as house:
        client = await house.greeted()
        for _ in range(3):
            assert (await client.say(b"XYZZY"))[:3] == "500"
        client.write(b"XYZZY\r\n")
        assert await client.codes(2) == ["500", "421"]
        assert await client.ended()


@pytest.mark.incident("Errors and idle commands")
async def test_errors_of_the_greeting_commands_count_too() -> None:
    async with listening(max_errors=2) as house:
        client = await house.greeted()
        for _ in range(2):
            assert (await client.say(b"STARTTLS"))[:3] == "454"
        client.write(b"STARTTLS\r\n")
        assert await client.codes(2) == ["454", "421"]


@pytest.mark.incident("Timeouts of a session")
@pytest.mark.parametrize("command", [b"NOOP", b"RSET", b"VRFY x", b"HELP", b"EHLO x"])
async def test_commands_that_bring_no_mail_nearer_end_the_session(command: bytes) -> None:
    async with listening(max_junk_commands=3) as house:
        client = await house.connect()
        await client.reply()
        for _ in range(3):
            assert (await client.say(command))[0] == "2"
        assert (await client.say(command)).startswith("421 4.7.0")
        assert await client.ended()


async def test_a_mail_makes_up_for_the_commands_before_it() -> None:
    async with listening(max_junk_commands=3) as house:
        client = await house.greeted()
        for _ in range(3):
            client.write(KEEPS_ALIVE * 2)
            assert await client.codes(2) == ["250", "250"]
            assert (await client.send(b"x"))[:3] == "250"


@pytest.mark.incident("Connections")
async def test_connections_of_one_peer_are_counted_and_released() -> None:
    async with listening(max_connections_per_peer=2) as house:
        first, _second = await house.greeted(), await house.greeted()
        third = await house.connect()
        assert (await third.reply()).startswith("421 4.7.0")
        assert await third.ended()
        await first.say(b"QUIT")
        assert await first.ended()
        again = await house.connect()
        assert (await again.reply())[:3] == "220"


@pytest.mark.incident("Connections")
async def test_connections_are_counted_in_all() -> None:
    async with listening(max_connections=1) as house:
        await house.greeted()
        client = await house.connect()
        assert (await client.reply()).startswith("421 4.3.2")


async def test_a_silent_client_is_sent_away() -> None:
    async with listening(command_seconds=0.1) as house:
        client = await house.connect()
        assert await client.codes(2) == ["220", "421"]
        assert await client.ended()


@pytest.mark.incident("Timeouts of a session")
async def test_dribbling_bytes_of_a_command_do_not_hold_a_session() -> None:
    async with listening(command_seconds=0.3) as house:
        client = await house.greeted()
        dribble = asyncio.create_task(_dribble(client.write, b"N" * 10_000))
        assert (await client.reply()).startswith("421 4.4.2")
        dribble.cancel()


@pytest.mark.incident("Timeouts of a session")
async def test_data_slower_than_the_least_rate_is_cut_although_it_never_pauses() -> None:
    async with listening(command_seconds=0.3, data_bytes_per_second=1_000_000) as house:
        client = await house.greeted()
        await client.begin()
        dribble = asyncio.create_task(_dribble(client.write, b"x" * 10_000))
        assert (await client.reply()).startswith("421 4.4.2")
        dribble.cancel()
        assert house.intake.mails == []


@pytest.mark.incident("Timeouts of a session")
async def test_data_that_keeps_the_rate_may_take_longer_than_a_command() -> None:
    async with listening(command_seconds=0.3, data_bytes_per_second=1) as house:
        client = await house.greeted()
        await client.begin()
        await _dribble(client.write, b"x" * 60)
        assert (await client.say(b"\r\n."))[:3] == "250"


@pytest.mark.incident("Timeouts of a session")
async def test_a_session_ends_at_last_however_busy_it_is() -> None:
    async with listening(session_seconds=0.3, max_junk_commands=1_000_000) as house:
        client = await house.greeted()
        answer = "250"
        while answer[:3] == "250":
            answer = await client.say(b"NOOP")
        assert answer.startswith("421 4.4.2")


async def test_the_end_of_a_session_waits_for_the_intakes_answer() -> None:
    intake = MemoryIntake(gate=asyncio.Event())
    async with listening(intake, session_seconds=0.2, command_seconds=0.2) as house:
        client = await house.greeted()
        await client.begin()
        client.write(b"x\r\n.\r\n")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.reader.read(1), 0.5)
        assert intake.gate is not None
        intake.gate.set()
        assert await client.codes(2) == ["250", "421"]


@pytest.mark.parametrize("line", [b"x" * 20_000, b"MAIL FROM:<a@example.com>\n", b"\x16\x03\x01\n"])
async def test_what_is_no_smtp_is_cut_off(line: bytes) -> None:
    async with listening() as house:
        client = await house.greeted()
        client.write(line)
        assert (await client.reply()).startswith("421 4.7.0")
        assert await client.ended()


@pytest.mark.incident("Connections")
async def test_a_client_that_reads_no_replies_is_cut_off() -> None:
    async with listening(max_junk_commands=10**9, max_errors=10**9) as house:
        client = await house.greeted()
        client.writer.transport.set_write_buffer_limits(1 << 24)
        client.reader._transport.pause_reading()  # type: ignore[attr-defined]
        client.write(b"HELP\r\n" * 2_000_000)
        await eventually(client.writer.transport.is_closing)


@pytest.mark.incident("Received hops")
async def test_mails_that_went_in_circles_are_refused() -> None:
    async with listening(max_received_hops=3) as house:
        client = await house.greeted()
        assert (await client.send(b"Received: a\r\n" * 3 + b"\r\nx"))[:3] == "250"
        assert (await client.send(b"received: a\r\n" * 4 + b"\r\nx")).startswith("554 5.4.6")


@pytest.mark.parametrize("seed", range(20))
async def test_noise_makes_no_mail_and_leaves_the_listener_well(seed: int) -> None:
    noise = random.Random(seed)
    words = [b"MAIL FROM:<a@b>", b"RCPT TO:<", b"DATA", b"\r\n", b"\n", b"\0", b"EHLO x\r\n", b"STARTTLS\r\n", b"AUTH "]
    async with listening(max_connections_per_peer=100) as house:
        client = await house.connect()
        for _ in range(50):
            client.write(noise.choice(words) if noise.random() < 0.5 else noise.randbytes(noise.randrange(200)))
            await asyncio.sleep(0)
        client.finish()
        async with asyncio.timeout(10):
            try:
                answers = await client.reader.read()
            except ConnectionError:
                answers = b""
        assert all(line[:1] in b"245" for line in answers.splitlines())
        assert house.intake.mails == []
        assert (await (await house.greeted()).send(b"x"))[:3] == "250"


async def _dribble(write: object, data: bytes) -> None:
    for byte in data:
        write(bytes([byte]))  # type: ignore[operator]
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
    ],
)
def test_peers_are_told_apart_by_what_one_customer_owns(host: str, key: str) -> None:
    assert peer_key(host) == key


def test_failed_logins_are_forgiven_after_a_while() -> None:
    door = Door(Smtp(max_login_failures=2))
    for _ in range(2):
        assert door.may_log_in("peer", 100.0)
        door.login_failed("peer", 100.0)
    assert not door.may_log_in("peer", 101.0)
    assert door.may_log_in("other", 101.0)
    later = 100.5 + LOGIN_WINDOW_SECONDS
    assert door.may_log_in("peer", later)
    door.login_failed("peer", later)
    assert door.may_log_in("peer", later)


def test_the_memory_of_failed_logins_is_bounded_and_keeps_the_latest() -> None:
    door = Door(Smtp(max_login_failures=1))
    for number in range(10_001):
        door.login_failed(str(number), 0.0)
    assert door.may_log_in("0", 0.0)
    assert not door.may_log_in("1", 0.0)
    assert not door.may_log_in("10000", 0.0)


@pytest.mark.incident("Connections")
def test_a_door_is_crowded_when_nine_tenths_are_inside() -> None:
    door = Door(Smtp(max_connections=10, max_connections_per_peer=10))
    for _ in range(9):
        assert not door.enter("peer")
    assert not door.crowded
    assert not door.enter("peer")
    assert door.crowded
    assert door.enter("peer")[:3] == b"421"
