from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

import pytest

from tests.inbound.wire import listening

V2 = b"\r\n\r\n\x00\r\nQUIT\n"
V2_IPV4 = V2 + b"\x21\x11" + struct.pack("!H4s4sHH", 12, IPv4Address("192.0.2.7").packed, b"\x7f\0\0\1", 4711, 25)
V2_IPV6 = V2 + b"\x21\x21" + struct.pack("!H16s16sHH", 36, IPv6Address("2001:db8::7").packed, b"\0" * 16, 4711, 25)
V2_HEALTH_CHECK = V2 + b"\x20\x00\x00\x00"


@pytest.mark.parametrize(
    ("header", "peer"),
    [
        (b"PROXY TCP4 192.0.2.7 127.0.0.1 4711 25\r\n", "192.0.2.7"),
        (b"PROXY TCP6 2001:db8::7 ::1 4711 25\r\n", "2001:db8::7"),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
        (V2_IPV4, "192.0.2.7"),
        (V2_IPV6, "2001:db8::7"),
        (V2_HEALTH_CHECK, "127.0.0.1"),
    ],
)
async def test_the_peer_is_the_one_behind_the_balancer(header: bytes, peer: str) -> None:
    async with listening(proxy_protocol=True) as house:
        client = await house.connect()
        client.write(header + b"EHLO client.example\r\n")
        assert await client.codes(2) == ["220", "250"]
        assert (await client.send(b"x"))[:3] == "250"
        assert house.intake.mails[0][0].peer == peer


@pytest.mark.incident("CVE-2026-34720")
@pytest.mark.parametrize(
    "header", [b"EHLO client.example\r\n", b"PROXY TCP4 nonsense\r\n", V2[:-1] + b"\0" + b"x" * 20]
)
async def test_a_connection_without_a_proper_header_is_ended(header: bytes) -> None:
    async with listening(proxy_protocol=True) as house:
        client = await house.connect()
        client.write(header)
        assert await client.ended()


async def test_connections_are_counted_by_the_peer_behind_the_balancer() -> None:
    async with listening(proxy_protocol=True, max_connections_per_peer=1) as house:
        for address, code in ((b"192.0.2.1", "220"), (b"192.0.2.2", "220"), (b"192.0.2.1", "421")):
            client = await house.connect()
            client.write(b"PROXY TCP4 " + address + b" 127.0.0.1 4711 25\r\n")
            assert (await client.reply())[:3] == code


async def test_without_the_setting_the_header_is_no_command() -> None:
    async with listening() as house:
        client = await house.greeted()
        assert (await client.say(b"PROXY TCP4 192.0.2.7 127.0.0.1 4711 25"))[:3] == "500"
        await client.send(b"x")
        assert house.intake.mails[0][0].peer == "127.0.0.1"
