from __future__ import annotations

import asyncio
import smtplib

import pytest

from gateway.errors import Permanent, Temporary
from tests.canaries import canary
from tests.inbound.wire import MemoryIntake, eventually, listening

MAIL = b"Subject: Hello\r\n\r\nThe portal is down.\r\n"


async def test_a_mail_reaches_the_intake_as_it_was_sent_with_its_envelope() -> None:
    async with listening() as house:
        client = await house.greeted()
        assert await client.send(MAIL[:-2]) == "250 2.0.0 Ok: kept as 1"
        [(envelope, raw)] = house.intake.mails
        assert raw == MAIL
        assert envelope.via == "smtp"
        assert envelope.mail_from == "anna@example.com"
        assert envelope.recipients == ("support@desk.example",)
        assert envelope.peer == "127.0.0.1"
        assert envelope.helo == "client.example"
        assert envelope.auth == ""
        assert not envelope.tls


async def test_ehlo_offers_what_is_there_and_nothing_else() -> None:
    async with listening(max_message_bytes=1000) as house:
        client = await house.connect()
        assert await client.reply() == "220 mx.desk.example ESMTP"
        lines = (await client.say(b"EHLO me")).splitlines()
        offers = {line[4:] for line in lines[1:]}
        assert lines[0] == "250-mx.desk.example"
        assert offers == {"SIZE 1000", "8BITMIME", "SMTPUTF8", "PIPELINING", "ENHANCEDSTATUSCODES"}


async def test_helo_is_enough_for_a_mail() -> None:
    async with listening() as house:
        client = await house.connect()
        await client.reply()
        assert await client.say(b"HELO old.example") == "250 mx.desk.example"
        assert (await client.send(MAIL))[:3] == "250"


async def test_several_mails_in_one_session_do_not_mix() -> None:
    async with listening() as house:
        client = await house.greeted()
        for text in (b"one", b"two"):
            assert (await client.send(text))[:3] == "250"
        assert [raw for _, raw in house.intake.mails] == [b"one\r\n", b"two\r\n"]
        assert await client.say(b"QUIT") == "221 2.0.0 Bye"
        assert await client.ended()


async def test_pipelined_commands_get_their_replies_in_order() -> None:
    async with listening() as house:
        client = await house.greeted()
        client.write(
            b"MAIL FROM:<a@example.com>\r\nRCPT TO:<nobody@desk.example>\r\n"
            b"RCPT TO:<support@desk.example>\r\nRCPT TO:<sales@desk.example>\r\nDATA\r\n"
        )
        assert await client.codes(5) == ["250", "550", "250", "250", "354"]
        client.write(b"x\r\n.\r\nNOOP\r\nMAIL FROM:<b@example.com>\r\nRCPT TO:<support@desk.example>\r\nDATA\r\n")
        assert await client.codes(5) == ["250", "250", "250", "250", "354"]
        assert (await client.say(b"y\r\n."))[:3] == "250"
        assert [e.recipients for e, _ in house.intake.mails] == [
            ("support@desk.example", "sales@desk.example"),
            ("support@desk.example",),
        ]


async def test_what_arrives_while_the_intake_works_is_answered_afterwards() -> None:
    intake = MemoryIntake(gate=asyncio.Event())
    async with listening(intake) as house:
        client = await house.greeted()
        await client.begin()
        client.write(b"x\r\n.\r\n")
        await asyncio.wait_for(intake.began.wait(), 10)
        client.write(b"NOOP\r\nQUIT\r\n")
        assert intake.gate is not None
        intake.gate.set()
        assert await client.codes(3) == ["250", "250", "221"]


async def test_bytes_that_dribble_in_make_the_same_mail() -> None:
    async with listening() as house:
        client = await house.greeted()
        for byte in b"MAIL FROM:<a@example.com>\r\nRCPT TO:<support@desk.example>\r\nDATA\r\n..x\r\n.y\r\n\r\n.\r\n":
            client.write(bytes([byte]))
            await client.writer.drain()
            await asyncio.sleep(0)
        assert await client.codes(4) == ["250", "250", "354", "250"]
        assert house.intake.mails[0][1] == b".x\r\ny\r\n\r\n"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (b"<>", ""),
        (b" <anna@example.com>", "anna@example.com"),
        (b"anna@example.com", "anna@example.com"),
        (b"<@relay.example,@other.example:anna@example.com>", "anna@example.com"),
        (b'<"anna b"@example.com>', '"anna b"@example.com'),
        (b'<"anna"@example.com>', "anna@example.com"),
        (b'<"a\\"b@evil"@example.com>', '"a\\"b@evil"@example.com'),
        (b"<anna@[127.0.0.1]>", "anna@[127.0.0.1]"),
        (b"<anna@[IPv6:::1]>", "anna@[IPv6:::1]"),
        (b"<a..b.@docomo.example>", "a..b.@docomo.example"),
        (b"<anna@example.com> BODY=8BITMIME SIZE=123", "anna@example.com"),
        (b"<anna@example.com> body=7bit", "anna@example.com"),
        (b"<anna@example.com> AUTH=<>", "anna@example.com"),
        ("<änna@bücher.example> SMTPUTF8".encode(), "änna@bücher.example"),
    ],
)
async def test_sender_forms(said: bytes, kept: str) -> None:
    async with listening() as house:
        client = await house.greeted()
        assert await client.say(b"MAIL FROM:" + said) == "250 2.1.0 Ok"
        client.write(b"RCPT TO:<support@desk.example>\r\nDATA\r\nx\r\n.\r\n")
        assert await client.codes(3) == ["250", "354", "250"]
        assert house.intake.mails[0][0].mail_from == kept


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (b"MAIL", "501 5.5.4"),
        (b"MAIL <anna@example.com>", "501 5.5.4"),
        (b"MAIL FROM:<anna@example.com", "501 5.1.7"),
        (b"MAIL FROM:<anna@example.com>x", "501 5.1.7"),
        (b"MAIL FROM:<an na@example.com>", "501 5.1.7"),
        (b"MAIL FROM:<anna@exa\rmple.com>", "501 5.1.7"),
        (b"MAIL FROM:<anna@exa\nmple.com>", "501 5.1.7"),
        (b"MAIL FROM:<anna\0@example.com>", "501 5.1.7"),
        (b"MAIL FROM:<" + b"a" * 2000 + b"@example.com>", "501 5.1.7"),
        (b"MAIL FROM:<root>", "553 5.1.7"),
        ("MAIL FROM:<änna@example.com>".encode(), "553 5.6.7"),
        (b"MAIL FROM:<\xff@example.com> SMTPUTF8", "501 5.1.3"),
        (b"MAIL FROM:<anna@example.com> SIZE=", "501 5.5.4"),
        (b"MAIL FROM:<anna@example.com> SIZE=1e3", "501 5.5.4"),
        (b"MAIL FROM:<anna@example.com> SMTPUTF8=1", "501 5.5.4"),
        (b"MAIL FROM:<anna@example.com> BODY=BINARYMIME", "501 5.5.4"),
        (b"MAIL FROM:<anna@example.com> RET=FULL", "555 5.5.4"),
        (b"MAIL FROM:<anna@example.com> SIZE=25000001", "552 5.3.4"),
        (b"RCPT TO:<support@desk.example>", "503 5.5.1"),
        (b"DATA", "503 5.5.1"),
        (b"EXPN staff", "502 5.5.1"),
        (b"VRFY support", "252 2.5.0"),
        (b"HELP", "214 2.0.0"),
        (b"NOOP anything", "250 2.0.0"),
        (b"RSET", "250 2.0.0"),
        (b"EHLO", "501 5.5.4"),
        (b"HELO", "501 5.5.4"),
        (b"LHLO me", "500 5.5.1"),
        (b"BDAT 5 LAST", "500 5.5.1"),
        (b"", "500 5.5.1"),
        (b"GET / HTTP/1.1", "500 5.5.1"),
        (b"STARTTLS", "454 4.7.0"),
    ],
)
async def test_answers_to_single_commands(command: bytes, code: str) -> None:
    async with listening(max_message_bytes=25_000_000) as house:
        client = await house.greeted()
        assert (await client.say(command)).startswith(code)
        assert (await client.send(MAIL))[:3] == "250"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (b"RCPT TO:<nobody@desk.example>", "550 5.1.1"),
        (b"RCPT TO:<support@elsewhere.example>", "550 5.1.1"),
        (b"RCPT TO:<Postmaster>", "250 2.1.5"),
        (b"RCPT TO:<Support@Desk.Example>", "250 2.1.5"),
        (b'RCPT TO:<"support"@desk.example>', "250 2.1.5"),
        (b'RCPT TO:<"support@desk.example x"@desk.example>', "550 5.1.1"),
        (b"RCPT TO:<@relay.example:support@desk.example>", "250 2.1.5"),
        (b"RCPT TO:support@desk.example", "250 2.1.5"),
        (b"RCPT TO:<>", "501 5.1.3"),
        (b"RCPT TO:", "501 5.1.3"),
        (b"RCPT FOR:<support@desk.example>", "501 5.5.4"),
        (b"RCPT TO:<support@desk.example> NOTIFY=NEVER", "555 5.5.4"),
        ("RCPT TO:<süpport@desk.example>".encode(), "553 5.6.7"),
        (b"MAIL FROM:<second@example.com>", "503 5.5.1"),
        (b"DATA now", "501 5.5.4"),
        (b"DATA", "503 5.5.1"),
        (b"AUTH PLAIN AGEAYg==", "503 5.5.1"),
    ],
)
async def test_answers_inside_a_mail_transaction(command: bytes, code: str) -> None:
    async with listening() as house:
        client = await house.greeted()
        await client.say(b"MAIL FROM:<anna@example.com>")
        assert (await client.say(command)).startswith(code)


async def test_mail_needs_a_greeting_first() -> None:
    async with listening() as house:
        client = await house.connect()
        await client.reply()
        assert (await client.say(b"MAIL FROM:<anna@example.com>")).startswith("503 5.5.1")


@pytest.mark.parametrize("command", [b"RSET", b"EHLO again.example", b"HELO again.example"])
async def test_a_transaction_is_forgotten_by(command: bytes) -> None:
    async with listening() as house:
        client = await house.greeted()
        await client.say(b"MAIL FROM:<anna@example.com>")
        await client.say(b"RCPT TO:<support@desk.example>")
        assert (await client.say(command))[:3] == "250"
        assert (await client.say(b"DATA")).startswith("503 5.5.1")


@pytest.mark.incident("Log injection")
async def test_a_greeting_name_cannot_bring_control_characters_into_the_envelope() -> None:
    async with listening() as house:
        client = await house.connect()
        await client.reply()
        assert (await client.say(b"EHLO a\x1b[2Jb\xff\nc"))[:3] == "250"
        assert (await client.send(MAIL))[:3] == "250"
        assert house.intake.mails[0][0].helo.isprintable()


@pytest.mark.incident("Exceptions told to clients")
@pytest.mark.parametrize(
    ("problem", "answer"),
    [
        (RuntimeError(f"db password={canary('password')}"), "451 4.3.0 Temporary trouble here, try again later"),
        (Temporary("Busy, come back", "secret path"), "451 4.3.0 Busy, come back"),
        (Temporary("No room\r\n250 forged", code="4.3.1"), "452 4.3.1 No room 250 forged"),
        (Permanent("Not this one", "secret", code="5.7.1"), "554 5.7.1 Not this one"),
    ],
)
async def test_the_intakes_failures_show_only_what_is_public(problem: Exception, answer: str) -> None:
    async with listening(MemoryIntake(problem=problem)) as house:
        client = await house.greeted()
        assert await client.send(MAIL) == answer
        house.intake.problem = None
        assert (await client.send(MAIL))[:3] == "250"


@pytest.mark.parametrize(("question", "codes"), [("knows", ["250", "451", "503"]), ("trouble", ["451", "503", "503"])])
async def test_an_intake_that_fails_at_a_question_puts_the_mail_off(question: str, codes: list[str]) -> None:
    def fails(*asked: str) -> bool:
        raise RuntimeError(f"db password={canary('password')}")

    async with listening() as house:
        setattr(house.intake, question, fails)
        client = await house.greeted()
        client.write(b"MAIL FROM:<anna@example.com>\r\nRCPT TO:<support@desk.example>\r\nDATA\r\n")
        assert await client.codes(3) == codes


@pytest.mark.incident("Size of a mail")
async def test_while_there_is_trouble_the_sender_keeps_the_mail() -> None:
    async with listening(MemoryIntake(trouble_now="disk /var full")) as house:
        client = await house.greeted()
        answer = await client.say(b"MAIL FROM:<anna@example.com>")
        assert answer.startswith("452 4.3.1")
        assert "/var" not in answer
        house.intake.trouble_now = ""
        assert (await client.send(MAIL))[:3] == "250"


async def test_the_250_waits_for_the_intake() -> None:
    intake = MemoryIntake(gate=asyncio.Event())
    async with listening(intake) as house:
        client = await house.greeted()
        await client.begin()
        client.write(b"x\r\n.\r\n")
        await asyncio.wait_for(intake.began.wait(), 10)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.reader.read(1), 0.05)
        assert intake.gate is not None
        intake.gate.set()
        assert (await client.reply())[:3] == "250"


async def test_a_mail_whose_client_left_after_the_dot_is_kept() -> None:
    intake = MemoryIntake(gate=asyncio.Event())
    async with listening(intake) as house:
        client = await house.greeted()
        await client.begin()
        client.write(b"x\r\n.\r\n")
        await asyncio.wait_for(intake.began.wait(), 10)
        client.writer.transport.abort()
        assert intake.gate is not None
        intake.gate.set()
        await eventually(lambda: intake.mails)


async def test_a_mail_cut_off_before_the_dot_is_not_kept() -> None:
    async with listening() as house:
        client = await house.greeted()
        await client.begin()
        client.write(b"half a mail\r\n.\r")
        client.finish()
        assert await client.ended()
        assert house.intake.mails == []


async def test_a_client_that_sends_all_and_shuts_its_side_still_gets_its_answers() -> None:
    async with listening() as house:
        client = await house.connect()
        client.write(
            b"EHLO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<support@desk.example>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n"
        )
        client.finish()
        assert await client.codes(7) == ["220", "250", "250", "250", "354", "250", "221"]


async def test_pythons_own_client_delivers() -> None:
    async with listening() as house:

        def send() -> None:
            with smtplib.SMTP(*house.listener.address, timeout=10) as smtp:
                text = ".dots\r\n..more\r\n.\r\nüml".encode()
                recipients = ["support@desk.example", "sales@desk.example"]
                smtp.sendmail("anna@example.com", recipients, text, ["BODY=8BITMIME"])

        await asyncio.to_thread(send)
        [(envelope, raw)] = house.intake.mails
        assert raw == ".dots\r\n..more\r\n.\r\nüml\r\n".encode()
        assert envelope.recipients == ("support@desk.example", "sales@desk.example")
