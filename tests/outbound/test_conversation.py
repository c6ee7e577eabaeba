"""A conversation over a wire that a test holds in its hands."""

import asyncio
import re
from collections.abc import Callable
from operator import itemgetter
from unittest.mock import Mock, patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.outbound import conversation
from gateway.outbound.conversation import Conversation, Refused, Unheard, always, quoted

COMMANDS = [b"MAIL FROM:<s@x>\r\n", b"RCPT TO:<r@x>\r\n", b"DATA\r\n"]
WIRE = b"Subject: x\r\n\r\n..\r\n.\r\n"


class Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[bytes] = []
        self.ended = False
        self.unread = 0

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        pass

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.said.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return self.unread

    def abort(self) -> None:
        self.ended = True

    def is_closing(self) -> bool:
        return self.ended


def start(pipelining: bool = True, timeout: float = 60) -> tuple[Conversation, Wire, asyncio.Task[None]]:
    wire = Wire()
    talk = Conversation(wire, pipelining, timeout)
    return talk, wire, again(talk)


def again(talk: Conversation, ours: Callable[[], bool] = always) -> asyncio.Task[None]:
    return asyncio.ensure_future(talk.send(b"<s@x>", b"<r@x>", b"Subject: x\r\n\r\n.\r\n", ours))


async def test_commands_go_together_and_the_data_follows_its_354() -> None:
    talk, wire, sending = start()
    await asyncio.sleep(0)
    assert wire.said == [b"".join(COMMANDS)]
    talk.data_received(b"250 ok\r\n250 2.1.5 ok\r\n35")
    talk.data_received(b"4 go on\r\n")
    assert wire.said[1:] == [WIRE]
    talk.data_received(b"250-2.0.0\r\n250 kept\r\n")
    await sending
    assert talk.alive


async def test_without_pipelining_each_command_waits_for_the_reply_to_the_one_before() -> None:
    talk, wire, sending = start(pipelining=False)
    for step, reply in enumerate((b"250 ok\r\n", b"251 ok\r\n", b"354 go\r\n")):
        await asyncio.sleep(0)
        assert wire.said == COMMANDS[: step + 1]
        talk.data_received(reply)
    assert wire.said[3:] == [WIRE]
    talk.data_received(b"250 kept\r\n")
    await sending


@pytest.mark.parametrize(
    "replies",
    [
        b"250 ok\r\n250 ok\r\n354 go\r\n250 kept\r\n",
        b"250 ok\r\n250 ok\r\n354 go\r\n354 go\r\n",
        b"250 ok\r\n25O ok\r\n",
        "250 ok\r\n\u0662\u0665\u0660 ok\r\n".encode(),
        b"250_ok\r\n",
    ],
)
async def test_a_relay_that_answers_what_was_not_said_gets_no_data_and_no_further_mail(replies: bytes) -> None:
    talk, wire, sending = start()
    await asyncio.sleep(0)
    talk.data_received(replies)
    with pytest.raises(ConnectionError):
        await sending
    assert WIRE not in wire.said
    assert not talk.alive
    with pytest.raises(ConnectionError):
        await again(talk)


async def test_a_word_between_two_mails_ends_the_conversation() -> None:
    talk, _, sending = start()
    await asyncio.sleep(0)
    talk.data_received(b"250 ok\r\n250 ok\r\n354 go\r\n")
    talk.data_received(b"250 kept\r\n")
    await sending
    talk.data_received(b"421 4.4.2 idle for too long\r\n")
    assert not talk.alive


async def test_a_refusal_says_what_was_refused_in_the_words_of_the_relay() -> None:
    talk, wire, sending = start()
    await asyncio.sleep(0)
    talk.data_received(b"250 ok\r\n550-5.1.1 no such\r\n550 us\xffer\r\n503 no recipients\r\n")
    with pytest.raises(Refused) as refusal:
        await sending
    assert (refusal.value.step, refusal.value.code, refusal.value.text) == ("RCPT", 550, "5.1.1 no such us\ufffder")
    assert len(wire.said) == 1


async def test_the_time_to_answer_begins_anew_with_each_word_of_ours() -> None:
    talk, wire, sending = start(timeout=0.05)
    await asyncio.sleep(0)
    talk.data_received(b"250 ok\r\n250 ok\r\n354 go\r\n")
    talk.data_received(b"250 kept\r\n")
    await sending
    silent = again(talk)
    with pytest.raises(Unheard, match="did not answer"):
        await silent
    assert len(wire.said) == 3
    assert wire.ended


async def test_the_data_of_a_mail_whose_sender_gave_up_is_not_sent() -> None:
    talk, wire, sending = start()
    await asyncio.sleep(0)
    sending.cancel()
    talk.data_received(b"250 ok\r\n250 ok\r\n354 go\r\n")
    with pytest.raises(asyncio.CancelledError):
        await sending
    talk.close()
    talk.connection_lost(None)
    assert not talk.alive
    assert wire.said == [b"".join(COMMANDS)]


GO = b"250 ok\r\n250 ok\r\n354 go\r\n"


async def two() -> tuple[Conversation, Wire, asyncio.Task[None], asyncio.Task[None]]:
    """A mail whose commands were said, and one behind it."""
    talk, wire, first = start()
    await asyncio.sleep(0)
    second = again(talk)
    await asyncio.sleep(0)
    assert wire.said == [b"".join(COMMANDS)]
    assert not talk.room
    return talk, wire, first, second


async def test_the_next_mails_commands_go_right_behind_the_data() -> None:
    talk, wire, first, second = await two()
    talk.data_received(GO)
    assert wire.said[1:] == [WIRE + b"".join(COMMANDS)]
    talk.data_received(b"250 kept\r\n" + GO)
    await first
    assert wire.said[2:] == [WIRE]
    talk.data_received(b"250 kept\r\n")
    await second
    assert talk.idle


async def test_whoever_has_the_next_mail_when_his_last_was_taken_gets_it_into_the_write_of_the_one_in_front() -> None:
    wire = Wire()
    talk = Conversation(wire, pipelining=True, timeout=60)

    async def one_after_the_other() -> None:
        for _ in range(2):
            await talk.send(b"<s@x>", b"<r@x>", b"Subject: x\r\n\r\n.\r\n", always)

    first_and_third, second = asyncio.ensure_future(one_after_the_other()), again(talk)
    await asyncio.sleep(0)
    talk.data_received(GO)
    talk.data_received(b"250 kept\r\n" + GO)
    await asyncio.sleep(0)
    assert wire.said[2:] == [WIRE + b"".join(COMMANDS)]
    talk.data_received(b"250 kept\r\n" + GO)
    await second
    talk.data_received(b"250 kept\r\n")
    await first_and_third


async def test_a_mail_that_comes_while_the_relay_takes_the_one_in_front_does_not_wait_for_that() -> None:
    talk, wire, first = start()
    await asyncio.sleep(0)
    talk.data_received(GO)
    second = again(talk)
    await asyncio.sleep(0)
    assert wire.said[2:] == [b"".join(COMMANDS)]
    talk.data_received(b"250 kept\r\n" + GO)
    await first
    talk.data_received(b"250 kept\r\n")
    await second


async def test_the_refusal_of_one_mail_is_not_the_refusal_of_the_next() -> None:
    talk, _, first, second = await two()
    talk.data_received(b"250 ok\r\n550 5.1.1 no\r\n503 no recipients\r\n")
    with pytest.raises(Refused):
        await first
    with pytest.raises(Unheard):
        await second


async def test_the_refusal_of_the_next_mail_leaves_open_what_became_of_the_one_in_front() -> None:
    talk, _, first, second = await two()
    talk.data_received(GO)
    talk.data_received(b"250 kept\r\n550 5.1.8 no sender\r\n")
    with pytest.raises(Refused):
        await second
    await first


async def test_where_the_connection_ends_only_a_mail_whose_data_went_may_have_arrived() -> None:
    talk, _, first, second = await two()
    talk.data_received(GO)
    talk.connection_lost(None)
    with pytest.raises(ConnectionError) as lost:
        await first
    assert not isinstance(lost.value, Unheard)
    with pytest.raises(Unheard):
        await second


async def test_a_mail_that_another_node_may_have_by_now_is_not_handed_over() -> None:
    wire = Wire()
    talk = Conversation(wire, pipelining=True, timeout=60)
    sending = again(talk, ours=lambda: False)
    await asyncio.sleep(0)
    talk.data_received(GO)
    with pytest.raises(ConnectionError, match="not in hand"):
        await sending
    assert wire.said == [b"".join(COMMANDS)]


class Clock:
    """The loop's clock in the hands of a test."""

    def __init__(self, talk: Conversation) -> None:
        self.now = 0.0
        self.calls: list[tuple[float, Callable[[], object]]] = []
        talk._loop = self  # type: ignore[assignment]

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        self.calls.append((self.now + delay, callback))
        return Mock(spec=asyncio.TimerHandle)

    def call_soon(self, callback: Callable[[], object]) -> None:
        callback()

    def goes_on(self, seconds: float) -> None:
        end = self.now + seconds
        while due := [call for call in self.calls if call[0] <= end]:
            self.now, callback = call = min(due, key=itemgetter(0))
            self.calls.remove(call)
            callback()
        self.now = end


class Narrow(Wire):
    """A relay that reads one write at a time, when it is let."""

    reader: Conversation

    def write(self, data: bytes | bytearray | memoryview) -> None:
        super().write(data)
        self.unread = len(data)
        self.reader.pause_writing()

    def read(self) -> None:
        self.unread = 0
        self.reader.resume_writing()


LARGE = b"Subject: x\r\n\r\n" + b"x" * 998 + b"\r\n" + b"abc\r\n" * 300_000


async def large(
    ours: Callable[[], bool] = always,
) -> tuple[Conversation, Narrow, Clock, asyncio.Task[None]]:
    """A large mail whose data has begun to go."""
    wire = Narrow()
    talk = wire.reader = Conversation(wire, pipelining=True, timeout=60)
    clock = Clock(talk)
    sending = asyncio.ensure_future(talk.send(b"<s@x>", b"<r@x>", LARGE, ours))
    await asyncio.sleep(0)
    wire.read()
    talk.data_received(GO)
    return talk, wire, clock, sending


async def test_a_relay_that_reads_on_may_take_as_long_as_it_needs() -> None:
    talk, wire, clock, sending = await large()
    while not wire.said[-1].endswith(b"\r\n.\r\n"):
        clock.goes_on(59)
        wire.read()
    assert clock.now > 240
    assert b"".join(wire.said[1:]) == LARGE + b".\r\n"
    talk.data_received(b"250 kept\r\n")
    await sending


@pytest.mark.parametrize("blocks", [0, 2])
async def test_a_relay_that_reads_no_further_is_left_after_the_time_of_a_command(blocks: int) -> None:
    talk, wire, clock, sending = await large()
    for _ in range(blocks):
        wire.read()
    clock.goes_on(59)
    assert talk.alive
    clock.goes_on(1)
    with pytest.raises(TimeoutError, match="60 seconds"):
        await sending


async def test_a_relay_that_does_not_read_the_end_is_left_after_the_time_of_a_command() -> None:
    _, wire, clock, sending = await large()
    while not wire.said[-1].endswith(b"\r\n.\r\n"):
        wire.read()
    clock.goes_on(60)
    with pytest.raises(TimeoutError, match="60 seconds"):
        await sending


async def test_a_relay_has_ten_minutes_to_put_a_mail_away() -> None:
    talk, _, sending = start()
    clock = Clock(talk)
    await asyncio.sleep(0)
    talk.data_received(GO)
    clock.goes_on(599)
    assert talk.alive
    clock.goes_on(1)
    with pytest.raises(TimeoutError, match="600 seconds"):
        await sending


async def test_what_a_relay_is_asked_behind_a_mail_has_its_time_from_when_that_is_put_away() -> None:
    talk, _, first = start()
    clock = Clock(talk)
    await asyncio.sleep(0)
    talk.data_received(GO)
    second = again(talk)
    await asyncio.sleep(0)
    clock.goes_on(500)
    talk.data_received(b"250 kept\r\n")
    await first
    clock.goes_on(59)
    assert talk.alive
    clock.goes_on(1)
    with pytest.raises(Unheard):
        await second


async def test_a_mail_that_another_node_may_have_by_now_is_not_ended() -> None:
    asked = iter([True, True, False])
    _, wire, _, sending = await large(ours=lambda: next(asked))
    wire.read()
    wire.read()
    with pytest.raises(ConnectionError, match="not in hand"):
        await sending
    assert not b"".join(wire.said).endswith(b"\r\n.\r\n")


async def test_a_mail_that_the_relay_says_it_has_before_its_end_went_is_not_taken() -> None:
    talk, _, _, sending = await large()
    talk.data_received(b"250 kept\r\n")
    with pytest.raises(ConnectionError, match="unasked"):
        await sending


async def test_a_refusal_in_the_middle_of_the_data_counts() -> None:
    talk, _, _, sending = await large()
    talk.data_received(b"552 5.3.4 too big\r\n")
    with pytest.raises(Refused, match="552"):
        await sending


EVEN = st.integers(1, 5).flatmap(lambda width: st.lists(st.just(b"abcde"[:width] + b"\r\n"), max_size=8))
ODD = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"..", b"a", b"\0"]), max_size=8)


@given(st.lists(st.one_of(EVEN, ODD).map(b"".join), max_size=4).map(b"".join), st.sampled_from([1, 5, 20, 1000]))
def test_however_data_is_cut_for_quoting_it_arrives_whole_and_ends_once(data: bytes, block: int) -> None:
    with patch.object(conversation, "_BLOCK", block):
        wire = b"".join(quoted(data))
    assert wire.find(b"\r\n.\r\n") == len(wire) - 5
    arrived = re.sub(rb"(?m)^\.", b"", wire.removesuffix(b".\r\n"))
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", data)
    assert arrived == lines + (b"" if lines.endswith(b"\r\n") else b"\r\n")
