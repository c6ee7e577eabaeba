"""Against real sockets: aiosmtpd as the relay, and a scripted one for what no decent relay does."""

import asyncio
import ssl
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import GatewayError, Permanent, Temporary, Unfit
from gateway.oauth import Tokens
from gateway.outbound.conversation import quoted
from gateway.outbound.relay import Relay
from gateway.settings import Oauth, Outbound
from tests.canaries import canary

MAIL = b"Subject: x\r\n\r\n.one\r\n..two\r\nthree\r\n"


class Sink:
    """Keeps what it gets; ``refusals`` says its replies to recipients."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []
        self.sessions: set[int] = set()
        self.refusals: dict[str, str] = {}
        self.tls: list[bool] = []

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.mails.append(envelope)
        self.sessions.add(id(session))
        self.tls.append(session.ssl is not None)
        return "250 2.0.0 kept"


@asynccontextmanager
async def listening(factory: Callable[[], asyncio.Protocol], tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def smtp(sink: Sink, **options: Any) -> Callable[[], SMTP]:
    return lambda: SMTP(sink, hostname="sink", enable_SMTPUTF8=True, loop=asyncio.get_running_loop(), **options)


@asynccontextmanager
async def relay_to(
    port: int,
    scheme: str = "smtp",
    context: ssl.SSLContext | None = None,
    tokens: Tokens | None = None,
    **values: object,
) -> AsyncIterator[Relay]:
    settings = Outbound.model_validate({"tls": "none", "timeout_seconds": 5} | values)
    relay = Relay(f"{scheme}://localhost:{port}", settings, "gateway.example", tokens, context)
    try:
        yield relay
    finally:
        await relay.close()


async def send(
    relay: Relay, recipient: str = "r@x.example", data: bytes = MAIL, mail_from: str = "s@example.com"
) -> str:
    return await relay.send(mail_from, recipient, data, "1@example.com")


async def test_a_mail_arrives_byte_for_byte_over_a_kept_connection() -> None:
    sink = Sink()
    async with listening(smtp(sink)) as port, relay_to(port) as relay:
        assert await send(relay) == f"smtp://localhost:{port}"
        await send(relay, mail_from="")
    assert [mail.content for mail in sink.mails] == [MAIL, MAIL]
    assert [mail.mail_from for mail in sink.mails] == ["s@example.com", "<>"]
    assert len(sink.sessions) == 1


async def test_mails_at_the_same_time_share_no_more_connections_than_the_settings_allow() -> None:
    sink = Sink()
    async with listening(smtp(sink)) as port, relay_to(port, connections=3) as relay:
        await asyncio.gather(*(send(relay) for _ in range(20)))
    assert len(sink.mails) == 20
    assert len(sink.sessions) == 3


async def test_a_connection_that_cannot_be_had_keeps_nobody_waiting_for_ever() -> None:
    async with listening(asyncio.Protocol) as port:
        pass
    async with relay_to(port, connections=1) as relay:
        results = await asyncio.gather(*(send(relay) for _ in range(5)), return_exceptions=True)
    assert [type(result) for result in results] == [Temporary] * 5


async def test_a_mail_behind_a_refused_one_goes_over_another_connection() -> None:
    sink = Sink()
    sink.refusals["bad@x.example"] = "550 5.1.1 no such user"
    async with listening(smtp(sink)) as port, relay_to(port, connections=1) as relay:
        await send(relay)
        refused, taken = await asyncio.gather(send(relay, "bad@x.example"), send(relay), return_exceptions=True)
    assert isinstance(refused, Permanent)
    assert taken == f"smtp://localhost:{port}"
    assert len(sink.mails) == 2


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        ("550 5.1.1 no such user", Permanent, "5.1.1"),
        ("451 4.7.1 greylisted", Temporary, "4.7.1"),
        ("552 too much", Permanent, "5.0.0"),
        ("530 5.7.0 authenticate first", Temporary, "5.7.0"),
    ],
)
async def test_a_refusal_is_permanent_or_temporary_as_the_relay_says(
    reply: str, kind: type[GatewayError], code: str
) -> None:
    sink = Sink()
    sink.refusals["bad@x.example"] = reply
    async with listening(smtp(sink)) as port, relay_to(port) as relay:
        with pytest.raises(kind) as refusal:
            await send(relay, "bad@x.example")
        await send(relay)
    assert reply in refusal.value.private
    assert reply not in refusal.value.public
    assert refusal.value.code == code
    assert [mail.rcpt_tos for mail in sink.mails] == [["r@x.example"]]


async def test_a_relay_that_is_not_there_is_temporary() -> None:
    async with listening(asyncio.Protocol) as port:
        pass
    async with relay_to(port) as relay:
        with pytest.raises(Temporary):
            await send(relay)


@pytest.mark.incident("CVE-2025-13033")
@pytest.mark.parametrize("address", ["a b@x.example", "a@x.example>\r\nDATA", "<a@x.example>", "x" * 400])
async def test_an_address_that_cannot_be_written_never_reaches_the_relay(address: str) -> None:
    async with relay_to(1) as relay:
        with pytest.raises(Permanent):
            await send(relay, address)


async def test_an_address_beyond_ascii_goes_by_smtputf8_or_not_at_all() -> None:
    sink = Sink()
    async with listening(smtp(sink)) as port, relay_to(port) as relay:
        await send(relay, "jörg@x.example", "To: jörg@x.example\r\n\r\nx\r\n".encode())
    assert sink.mails[0].rcpt_tos == ["jörg@x.example"]
    assert sink.mails[0].mail_options is not None
    assert {"SMTPUTF8", "BODY=8BITMIME"} <= set(sink.mails[0].mail_options)
    plain = lambda: SMTP(sink, enable_SMTPUTF8=False, loop=asyncio.get_running_loop())  # noqa: E731
    async with listening(plain) as port, relay_to(port) as relay:
        with pytest.raises(Unfit) as refusal:
            await send(relay, "jörg@x.example")
    assert refusal.value.code == "5.6.7"


async def test_a_body_beyond_ascii_goes_as_8bitmime() -> None:
    sink = Sink()
    async with listening(smtp(sink)) as port, relay_to(port) as relay:
        await send(relay, data="Subject: x\r\n\r\nGrüße\r\n".encode())
    assert sink.mails[0].mail_options == ["SIZE=23", "BODY=8BITMIME"]


async def test_a_relay_that_takes_no_body_beyond_ascii_is_not_asked_to() -> None:
    async with scripted(b"250 ok\r\n") as port, relay_to(port) as relay:
        with pytest.raises(Unfit, match="8BITMIME"):
            await send(relay, data="Subject: x\r\n\r\nGrüße\r\n".encode())


class Certificates:
    def __init__(self) -> None:
        self.authority = trustme.CA()
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert("localhost").configure_cert(self.server)
        self.client = ssl.create_default_context()
        self.authority.configure_trust(self.client)


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    return Certificates()


async def test_tls_is_used_where_it_is_offered_even_unverified(certificates: Certificates) -> None:
    sink = Sink()
    async with (
        listening(smtp(sink, tls_context=certificates.server)) as port,
        relay_to(port, tls="opportunistic") as relay,
    ):
        await send(relay)
        await send(relay)
    assert sink.tls == [True, True]


async def test_opportunistic_tls_goes_without_where_none_is_offered() -> None:
    sink = Sink()
    async with listening(smtp(sink)) as port, relay_to(port, tls="opportunistic") as relay:
        await send(relay)
    assert sink.tls == [False]


@pytest.mark.incident("CVE-2016-0772")
async def test_required_tls_sends_nothing_without() -> None:
    sink = Sink()
    async with listening(smtp(sink)) as port, relay_to(port, tls="required") as relay:
        with pytest.raises(Temporary):
            await send(relay)
    assert sink.mails == []


async def test_required_tls_wants_a_certificate_that_it_can_trust(certificates: Certificates) -> None:
    sink = Sink()
    async with listening(smtp(sink, tls_context=certificates.server)) as port:
        async with relay_to(port, tls="required") as relay:
            with pytest.raises(Temporary):
                await send(relay)
        assert sink.mails == []
        async with relay_to(port, context=certificates.client, tls="required") as relay:
            await send(relay)
    assert sink.tls == [True]


@pytest.mark.incident("CVE-2011-0411")
async def test_what_came_from_a_relay_before_tls_is_no_reply_to_what_we_say_inside(certificates: Certificates) -> None:
    inside: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 relay\r\n")
        await reader.readline()
        writer.write(b"250-relay\r\n250 STARTTLS\r\n")
        await reader.readline()
        injected = b"250 PIPELINING\r\n" + b"".join(TAKEN).replace(b"D", b"")
        writer.write(b"220 2.0.0 go\r\n" + injected)
        await writer.start_tls(certificates.server)
        while line := await reader.readline():
            inside.append(line)
            writer.write(b"550 5.7.1 nothing is taken here\r\n")

    async def safely(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await talk(reader, writer)
        writer.close()

    server = await asyncio.start_server(safely, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with relay_to(port, context=certificates.client, tls="required") as relay:
        with pytest.raises(GatewayError):
            await send(relay)
    server.close()
    assert MAIL[:10] not in b"".join(inside)


async def test_smtps_speaks_tls_from_the_start(certificates: Certificates) -> None:
    sink = Sink()
    async with (
        listening(smtp(sink), certificates.server) as port,
        relay_to(port, "smtps", certificates.client) as relay,
    ):
        await send(relay)
        await send(relay)
    assert len(sink.mails) == 2


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_large_mail_arrives_byte_for_byte(scheme: str, certificates: Certificates) -> None:
    sink, tls = Sink(), certificates if scheme == "smtps" else None
    mail = MAIL + b"\r\n".join([b"QUJD" * 19] * 4000) + b"\r\n.end\r\n"
    async with (
        listening(smtp(sink), tls and tls.server) as port,
        relay_to(port, scheme, tls and tls.client) as relay,
    ):
        await asyncio.gather(*(send(relay, data=mail) for _ in range(3)))
    assert [one.content == mail for one in sink.mails] == [True] * 3


@pytest.mark.incident("CVE-2016-0772")
async def test_a_password_is_given_over_tls_and_never_without(certificates: Certificates) -> None:
    sink, logins = Sink(), []

    def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
        logins.append((getattr(data, "login", b""), getattr(data, "password", b"")))
        return AuthResult(success=True)

    options = {"tls_context": certificates.server, "authenticator": authenticate, "auth_required": True}
    values: dict[str, Any] = {"tls": "opportunistic", "username": "desk", "password": canary("password")}
    async with listening(smtp(sink, **options)) as port, relay_to(port, context=certificates.client, **values) as relay:
        await send(relay)
    assert logins == [(b"desk", canary("password").encode())]
    open_to_all = {"authenticator": authenticate, "auth_require_tls": False}
    async with listening(smtp(sink, **open_to_all)) as port, relay_to(port, **values) as relay:
        with pytest.raises(Temporary):
            await send(relay)
    assert len(logins) == 1


class TokenSink(Sink):
    """Takes logins by one token only."""

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:
        return AuthResult(success=b64decode(args[1]) == b"user=desk\x01auth=Bearer new\x01\x01", handled=False)


async def test_a_token_that_the_relay_refuses_is_replaced_and_the_mail_waits(certificates: Certificates) -> None:
    given = iter(["old", "new"])

    class Given(Tokens):
        def _fetch(self) -> tuple[str, float]:
            return next(given), 3600.0

    sink = TokenSink()
    tokens = Given(Oauth(token_url="https://id.example", client_id="desk"))
    settings = {"tls": "opportunistic", "username": "desk", "login": "oauth"}
    async with (
        listening(smtp(sink, tls_context=certificates.server, auth_required=True)) as port,
        relay_to(port, context=certificates.client, tokens=tokens, **settings) as relay,
    ):
        with pytest.raises(Temporary):
            await send(relay)
        await send(relay)
    assert len(sink.mails) == 1


async def test_a_mail_waits_while_no_token_is_to_be_had(certificates: Certificates) -> None:
    tokens = Tokens(Oauth(token_url="http://127.0.0.1:1/token", client_id="desk"))
    settings = {"tls": "opportunistic", "username": "desk", "login": "oauth"}
    async with (
        listening(smtp(TokenSink(), tls_context=certificates.server)) as port,
        relay_to(port, context=certificates.client, tokens=tokens, **settings) as relay,
    ):
        with pytest.raises(Temporary, match="no access token"):
            await send(relay)


HELLO = b"250-scripted\r\n250-PIPELINING\r\n250 SIZE 1000\r\n"


@asynccontextmanager
async def scripted(*replies: bytes, hello: bytes = HELLO, connections: list[int] | None = None) -> AsyncIterator[int]:
    """A relay that greets, says EHLO's answer, then one reply for each line (or each mail's data) until it hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if connections is not None:
            connections.append(1)
        writer.write(b"220 scripted\r\n")
        for reply in (hello, *replies):
            await (reader.readuntil(b"\r\n.\r\n") if reply.startswith(b"D") else reader.readline())
            writer.write(reply.removeprefix(b"D"))
            await writer.drain()
        writer.close()

    async def safely(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            writer.close()

    server = await asyncio.start_server(safely, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


TAKEN = (b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n", b"D250 2.0.0 kept\r\n")


@pytest.mark.parametrize(
    "replies",
    [
        (b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n", b"D"),
        (b"250 ok\r\n", b"250 ok\r\n"),
        (),
        (b"nonsense\r\n",),
        (b"250-" + b"x" * 70_000,),
        (b"250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n",),
        (b"421 4.3.2 closing\r\n",),
    ],
)
async def test_a_relay_that_breaks_off_or_talks_nonsense_is_temporary(replies: tuple[bytes, ...]) -> None:
    async with scripted(*replies) as port, relay_to(port) as relay:
        with pytest.raises(Temporary):
            await send(relay)


async def test_a_relay_that_stays_silent_is_temporary() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 x\r\n")
        await reader.readline()
        writer.write(HELLO)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with relay_to(server.sockets[0].getsockname()[1], timeout_seconds=0.05) as relay:
        with pytest.raises(Temporary):
            await send(relay)
    server.close()


async def test_a_kept_connection_that_went_away_is_replaced() -> None:
    connections: list[int] = []
    async with scripted(*TAKEN, connections=connections) as port, relay_to(port) as relay:
        for _ in range(3):
            await send(relay)
    assert len(connections) == 3


async def test_a_kept_connection_that_hangs_up_at_the_next_mail_is_replaced() -> None:
    connections: list[int] = []
    async with scripted(*TAKEN, b"", connections=connections) as port, relay_to(port) as relay:
        await send(relay)
        await send(relay)
    assert len(connections) == 2


@pytest.mark.parametrize("replies", [(b"421 4.3.2 enough\r\n",), (b"250 ok\r\n", b"421 4.3.2 enough\r\n")])
async def test_a_mail_for_which_a_kept_connection_has_no_room_goes_over_a_fresh_one(replies: tuple[bytes, ...]) -> None:
    connections: list[int] = []
    async with scripted(*TAKEN, *replies, connections=connections) as port, relay_to(port, connections=1) as relay:
        await send(relay)
        await asyncio.gather(send(relay), send(relay))
    assert len(connections) == 3


async def test_a_fresh_connection_that_has_no_room_for_a_mail_is_temporary() -> None:
    connections: list[int] = []
    async with scripted(b"421 4.3.2 busy\r\n", connections=connections) as port, relay_to(port) as relay:
        with pytest.raises(Temporary, match="421"):
            await send(relay)
    assert len(connections) == 1


async def test_a_421_after_the_data_is_an_answer_to_the_mail() -> None:
    connections: list[int] = []
    replies = (*TAKEN, *TAKEN[:3], b"D421 4.3.2 closing\r\n")
    async with scripted(*replies, connections=connections) as port, relay_to(port) as relay:
        await send(relay)
        with pytest.raises(Temporary, match="421"):
            await send(relay)
    assert len(connections) == 1


async def test_a_relay_without_pipelining_gets_one_command_at_a_time() -> None:
    async with scripted(*TAKEN, hello=b"250 scripted\r\n") as port, relay_to(port) as relay:
        await send(relay)


async def test_a_mail_beyond_the_size_that_a_relay_takes_is_not_begun() -> None:
    async with scripted(*TAKEN) as port, relay_to(port) as relay:
        with pytest.raises(Unfit, match="1000") as refusal:
            await send(relay, data=MAIL + b"x" * 1000)
        await send(relay)
    assert refusal.value.code == "5.3.4"


async def test_a_relay_that_names_no_size_is_asked() -> None:
    for hello in (b"250-x\r\n250 SIZE 0\r\n", b"250-x\r\n250 SIZE\r\n", b"250-x\r\n250 SIZE much\r\n"):
        async with scripted(*TAKEN, hello=hello) as port, relay_to(port) as relay:
            await send(relay)


@pytest.mark.parametrize(
    ("replies", "kind"),
    [
        ((b"552 too big\r\n",), Unfit),
        ((b"552 5.3.4 too big\r\n",), Unfit),
        ((*TAKEN[:3], b"D552 too big\r\n"), Unfit),
        ((*TAKEN[:3], b"D550 5.2.3 too big\r\n"), Unfit),
        ((*TAKEN[:1], b"552 mailbox full\r\n"), Permanent),
        ((*TAKEN[:3], b"D552 5.2.2 mailbox full\r\n"), Permanent),
        ((b"452 4.3.4 no room now\r\n",), Temporary),
    ],
)
async def test_a_mail_that_is_too_large_is_told_from_a_mailbox_that_is_full(
    replies: tuple[bytes, ...], kind: type[GatewayError]
) -> None:
    async with scripted(*replies) as port, relay_to(port) as relay:
        with pytest.raises(GatewayError) as refusal:
            await send(relay)
    assert type(refusal.value) is kind


async def test_a_refusal_after_the_data_counts() -> None:
    async with scripted(*TAKEN[:3], b"D554 5.7.1 spam\r\n") as port, relay_to(port) as relay:
        with pytest.raises(Permanent, match="554"):
            await send(relay)


@pytest.mark.incident("CVE-2023-51764")
@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"..", b"a", b"\0"]), max_size=30).map(b"".join))
def test_only_the_end_ends_the_data(data: bytes) -> None:
    wire = b"".join(quoted(data))
    assert wire.endswith(b"\r\n.\r\n")
    assert wire.find(b"\r\n.\r\n") == len(wire) - 5
    assert not wire.startswith(b".\r\n") or wire == b".\r\n"
    assert wire.count(b"\r") == wire.count(b"\n") == wire.count(b"\r\n")
