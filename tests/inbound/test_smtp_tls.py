from __future__ import annotations

import asyncio
import smtplib
import ssl
from base64 import b64encode

import pytest
import trustme

from tests.canaries import canary
from tests.inbound.wire import PASSWORD, Client, listening

PLAIN = b64encode(f"\0ann@desk.example\0{PASSWORD}".encode())
WRONG = b64encode(f"\0ann@desk.example\0{canary('guess')}".encode())


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("mx.desk.example").configure_cert(context)
    return context


@pytest.fixture
def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def secured(client: Client, client_tls: ssl.SSLContext) -> Client:
    await client.start_tls(client_tls)
    assert (await client.say(b"EHLO client.example"))[:3] == "250"
    return client


async def test_starttls_is_offered_with_a_certificate_and_auth_only_behind_it(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with listening(tls=server_tls) as house:
        client = await house.greeted()
        clear = await client.say(b"EHLO me")
        assert "STARTTLS" in clear
        assert "AUTH" not in clear
        await client.start_tls(client_tls)
        assert (await client.say(b"MAIL FROM:<a@example.com>")).startswith("503 5.5.1")
        safe = await client.say(b"EHLO me")
        assert "250-AUTH LOGIN PLAIN" in safe
        assert "STARTTLS" not in safe
        assert (await client.send(b"x"))[:3] == "250"
        assert house.intake.mails[0][0].tls
        assert (await client.say(b"STARTTLS")).startswith("503 5.5.1")


@pytest.mark.incident("CVE-2011-0411")
async def test_what_was_pipelined_before_tls_is_never_acted_on(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with listening(tls=server_tls) as house:
        client = await house.greeted()
        client.write(b"STARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@example.com>\r\nRCPT TO:<support@desk.example>\r\n")
        assert (await client.reply()).startswith("220 2.0.0")
        await asyncio.wait_for(client.writer.start_tls(client_tls, server_hostname="mx.desk.example"), 10)
        assert (await client.say(b"NOOP")).startswith("250 2.0.0 Ok")
        assert (await client.say(b"DATA")).startswith("503")
        assert (await client.say(b"MAIL FROM:<a@example.com>")).startswith("503 5.5.1 Say EHLO")


@pytest.mark.incident("CVE-2011-0411")
async def test_half_a_command_from_before_tls_is_dropped_too(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with listening(tls=server_tls) as house:
        client = await house.greeted()
        client.write(b"STARTTLS\r\nXYZ")
        assert (await client.reply())[:3] == "220"
        await asyncio.wait_for(client.writer.start_tls(client_tls, server_hostname="mx.desk.example"), 10)
        assert (await client.say(b"NOOP"))[:3] == "250"


async def test_a_handshake_that_fails_ends_the_session_and_nothing_else(server_tls: ssl.SSLContext) -> None:
    async with listening(tls=server_tls) as house:
        client = await house.greeted()
        assert (await client.say(b"STARTTLS"))[:3] == "220"
        client.write(b"MAIL FROM:<a@example.com>\r\n")
        async with asyncio.timeout(10):
            assert not (await client.reader.read()).startswith(b"2")
        assert (await (await house.greeted()).send(b"x"))[:3] == "250"


@pytest.mark.incident("CVE-2016-0772")
@pytest.mark.parametrize("command", [b"AUTH PLAIN " + PLAIN, b"AUTH LOGIN", b"auth plain " + PLAIN])
async def test_no_password_is_taken_in_clear(command: bytes, server_tls: ssl.SSLContext) -> None:
    for tls in (None, server_tls):
        async with listening(tls=tls) as house:
            client = await house.greeted()
            assert (await client.say(command)).startswith("538 5.7.11")
            await client.send(b"x")
            assert house.intake.mails[0][0].auth == ""


@pytest.mark.parametrize(
    "lines",
    [
        [b"AUTH PLAIN " + PLAIN],
        [b"auth plain " + PLAIN],
        [b"AUTH PLAIN", PLAIN],
        [b"AUTH LOGIN", b64encode(b"ann@desk.example"), b64encode(PASSWORD.encode())],
        [b"AUTH LOGIN " + b64encode(b"ann@desk.example"), b64encode(PASSWORD.encode())],
    ],
)
async def test_staff_log_in_over_tls(
    lines: list[bytes], server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with listening(tls=server_tls) as house:
        client = await secured(await house.greeted(), client_tls)
        for line in lines[:-1]:
            assert (await client.say(line))[:3] == "334"
        assert (await client.say(lines[-1])).startswith("235 2.7.0")
        assert (await client.say(b"AUTH PLAIN " + PLAIN)).startswith("503 5.5.1")
        await client.send(b"x")
        assert house.intake.mails[0][0].auth == "ann@desk.example"


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([b"AUTH PLAIN " + WRONG], "535 5.7.8"),
        ([b"AUTH PLAIN " + b64encode(b"\0\xff\0\xfe")], "535 5.7.8"),
        ([b"AUTH PLAIN ???"], "501 5.5.2"),
        ([b"AUTH PLAIN " + b64encode(b"no zeros")], "501 5.5.2"),
        ([b"AUTH PLAIN", b"*"], "501 5.7.0"),
        ([b"AUTH LOGIN", b"???"], "501 5.5.2"),
        ([b"AUTH CRAM-MD5"], "504 5.5.4"),
        ([b"AUTH"], "501 5.5.4"),
        ([b"AUTH PLAIN a b"], "501 5.5.4"),
        ([b"AUTH PLAIN", b"A" * 13_000], "500 5.5.6"),
        ([b"AUTH LOGIN", b"A" * 13_000], "500 5.5.6"),
    ],
)
async def test_logins_that_fail(
    lines: list[bytes], code: str, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with listening(tls=server_tls) as house:
        client = await secured(await house.greeted(), client_tls)
        for line in lines[:-1]:
            assert (await client.say(line))[:3] == "334"
        assert (await client.say(lines[-1])).startswith(code)
        await client.send(b"x")
        assert house.intake.mails[0][0].auth == ""


@pytest.mark.incident("Errors and idle commands")
async def test_guessing_passwords_is_stopped_over_all_connections_of_a_peer(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with listening(tls=server_tls, max_login_failures=2) as house:
        for _ in range(2):
            client = await secured(await house.greeted(), client_tls)
            assert (await client.say(b"AUTH PLAIN " + WRONG))[:3] == "535"
        client = await secured(await house.greeted(), client_tls)
        assert (await client.say(b"AUTH PLAIN " + PLAIN)).startswith("454 4.7.0")


@pytest.mark.incident("Exceptions told to clients")
async def test_an_intake_that_fails_at_a_login_shows_no_reason(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with listening(tls=server_tls) as house:

        def fails(username: str, password: str) -> str:
            raise RuntimeError(f"db password={canary('password')}")

        house.intake.authenticate = fails  # type: ignore[method-assign]
        client = await secured(await house.greeted(), client_tls)
        assert await client.say(b"AUTH PLAIN " + PLAIN) == "451 4.3.0 Temporary trouble here, try again later"
        assert (await client.say(b"NOOP"))[:3] == "250"


async def test_large_pipelined_mails_come_through_tls(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    text = b"".join(b".%d\r\n" % n for n in range(100_000))
    async with listening(tls=server_tls) as house:
        client = await secured(await house.greeted(), client_tls)
        client.write(b"MAIL FROM:<a@example.com>\r\nRCPT TO:<support@desk.example>\r\nDATA\r\n")
        client.write(text.replace(b".", b"..") + b".\r\n")
        assert await client.codes(4) == ["250", "250", "354", "250"]
        assert house.intake.mails[0][1] == text


async def test_pythons_own_client_logs_in_and_delivers(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    client_tls.check_hostname = False  # smtplib checks against the address that it connected to

    async with listening(tls=server_tls) as house:

        def send() -> None:
            with smtplib.SMTP(*house.listener.address, timeout=10) as smtp:
                smtp.starttls(context=client_tls)
                smtp.login("ann@desk.example", PASSWORD)
                smtp.sendmail("ann@desk.example", "support@desk.example", "Subject: x\n\ny")

        await asyncio.to_thread(send)
        [(envelope, _)] = house.intake.mails
        assert (envelope.auth, envelope.tls) == ("ann@desk.example", True)
