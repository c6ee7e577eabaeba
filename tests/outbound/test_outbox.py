import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.desk import tokens
from gateway.desk.tokens import Purpose
from gateway.errors import Permanent, Temporary, Unavailable
from gateway.model import Attachment, Due
from gateway.outbound import outbox
from gateway.outbound.conversation import AT_ONCE
from gateway.outbound.outbox import Outbox
from gateway.retry import next_wait
from gateway.settings import Outbound
from tests.outbound.fakes import START, Clock, FakeStore, FakeTransport, due, minutes, running, until
from tests.outbound.sample import KEYS, MESSAGE, NOTICE, PICTURE, SETTINGS, attached, cause, compose, parsed, ticket

RETRY = Outbound.model_validate({}).retry_minutes
FIVE_DAYS = timedelta(days=5)


class World:
    def __init__(self, **outbound: float) -> None:
        self.store, self.transport, self.clock = FakeStore(), FakeTransport(), Clock()
        self.reports: list[tuple[int, str]] = []
        self.report_mails: list[Due] = []
        self.reports_lost = 0
        self.attachments: list[tuple[Attachment, bytes]] = []
        settings = SETTINGS.model_copy(update={"outbound": Outbound.model_validate(outbound)})
        instead = lambda _: "Größe: left out"  # noqa: E731
        self.outbox = Outbox(
            self.store, self.transport, self._parts, instead, self._report, settings, KEYS, self.clock
        )

    def _parts(self, ids: Sequence[int]) -> list[tuple[Attachment, bytes]]:
        return self.attachments or [attached(PICTURE, b"picture %d" % id_) for id_ in ids]

    def _report(self, mail: Due, why: str) -> None:
        if why == "database away":
            self.reports_lost += 1
            raise Unavailable("no", why)
        if why == "report fails":
            raise RuntimeError(why)
        self.reports.append((mail.id, why))
        self.store.add(*self.report_mails)


def test_retries_come_after_1_5_15_30_60_minutes_and_then_every_hour_for_five_days() -> None:
    waits = [minutes(m) for m in RETRY]
    given = [wait for n in range(1, 200) if (wait := next_wait(n, waits, FIVE_DAYS))]
    assert given[:7] == [minutes(m) for m in (1, 5, 15, 30, 60, 60, 60)]
    assert FIVE_DAYS - minutes(60) < sum(given, minutes(0)) <= FIVE_DAYS


async def test_a_mail_that_failed_once_is_not_given_up_because_the_clock_jumped() -> None:
    world = World()
    world.clock.now = START + timedelta(days=365)
    world.store.add(due(1, attempts=1))
    world.transport.answers["r1@x.example"] = Temporary("no", "greylisted")
    async with running(world.outbox):
        await until(lambda: world.store.put_off)
    assert world.store.given_up == []


async def test_a_mail_is_not_given_up_where_the_report_cannot_be_kept() -> None:
    world = World()
    world.store.add(due(1))
    world.transport.answers["r1@x.example"] = Permanent("no", "database away")
    async with running(world.outbox):
        await until(lambda: world.reports_lost)
    assert world.store.given_up == []


async def test_what_is_due_is_sent_and_marked() -> None:
    world = World()
    world.store.add(due(1), due(2))
    async with running(world.outbox):
        await until(lambda: sorted(world.store.done) == [1, 2])
    assert {mail.recipient for mail in world.transport.mails} == {"r1@x.example", "r2@x.example"}
    assert world.transport.mails[0].data == b"Subject: x\r\n\r\nx\r\n"
    assert world.transport.closed


@pytest.mark.incident("Bounce storm")
async def test_an_automatic_mail_has_the_null_return_path_and_another_one_that_tells_which_bounced() -> None:
    world = World()
    world.store.add(due(1, automatic=True), due(2))
    async with running(world.outbox):
        await until(lambda: len(world.store.done) == 2)
    paths = {mail.recipient: mail.mail_from for mail in world.transport.mails}
    assert paths["r1@x.example"] == ""
    base, text = tokens.split(paths["r2@x.example"], {"support@example.com"})
    token = tokens.verify(KEYS, text, START)
    assert token is not None
    assert (base, token.purpose, token.ticket_id, token.subject) == ("support@example.com", Purpose.DELIVERY, 1042, 2)


async def test_attachments_are_joined_when_the_mail_goes() -> None:
    world = World()
    world.store.add(due(1, boundary="=_b"))
    async with running(world.outbox):
        await until(lambda: world.store.done)
    assert b"--=_b\r\n" in world.transport.mails[0].data
    assert b"cGljdHVyZSA3" in world.transport.mails[0].data


async def test_a_mail_inside_a_mail_goes_as_bytes_to_a_relay_that_takes_only_seven_bits() -> None:
    world = World()
    world.attachments = [attached(MESSAGE, b"From: a@b.example\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n")]
    world.transport.carries = bytes.isascii
    world.store.add(due(1, boundary="=_b"))
    async with running(world.outbox):
        await until(lambda: world.store.done == [1])
    assert b"Content-Type: application/octet-stream" in world.transport.mails[0].data


async def test_a_notice_that_is_too_large_goes_without_its_attachments_and_says_so() -> None:
    world = World()
    world.attachments = [attached(PICTURE, b"x" * 2000)]
    notice = compose(NOTICE, ticket(), cause(attachments=((7, PICTURE),)))
    world.transport.carries = lambda data: len(data) < len(notice.content) + 1500
    world.store.add(replace(due(1), mail=notice))
    async with running(world.outbox):
        await until(lambda: world.store.done == [1])
    found = parsed(world.transport.mails[0].data)
    texts, instead = found.iter_parts()
    assert texts.get_content_type() == "multipart/alternative"
    assert instead.get_content().strip() == "Größe: left out"
    assert not found.defects
    assert world.transport.mails[0].data.isascii()


async def test_an_answer_that_is_too_large_is_given_up() -> None:
    world = World()
    world.attachments = [attached(PICTURE, b"x" * 2000)]
    world.transport.carries = lambda data: len(data) < 1500
    world.store.add(due(1, boundary="=_b"))
    async with running(world.outbox):
        await until(lambda: world.store.given_up)
    assert world.reports == [(1, "not like this")]


async def test_a_mail_that_a_relay_cannot_carry_in_any_form_is_offered_once_in_each() -> None:
    world = World()
    world.transport.carries = lambda _: False
    world.store.add(due(1, boundary="=_b"), due(2))
    async with running(world.outbox):
        await until(lambda: len(world.store.given_up) == 2)
    assert sorted(world.transport.offered) == ["r1@x.example", "r2@x.example"]


async def test_a_temporary_failure_is_tried_again_by_the_schedule() -> None:
    world = World()
    world.store.add(due(1, attempts=2))
    world.transport.answers["r1@x.example"] = Temporary("no", "451 later")
    async with running(world.outbox):
        await until(lambda: world.store.put_off)
        assert world.store.put_off == [(1, START + minutes(15), "451 later")]
        world.transport.answers.clear()
        world.clock.now = START + minutes(15)
        world.outbox.wake()
        await until(lambda: world.store.done == [1])
    assert world.reports == []


@pytest.mark.parametrize("mistake", [RuntimeError("bug"), ValueError("odd")])
async def test_an_unexpected_error_costs_one_try(mistake: Exception) -> None:
    world = World()
    world.store.add(due(1), due(2))
    world.transport.answers["r1@x.example"] = mistake
    async with running(world.outbox):
        await until(lambda: world.store.done == [2] and world.store.put_off)
    assert world.store.put_off[0][:2] == (1, START + minutes(1))


async def test_one_refused_recipient_is_reported_and_stops_nobody() -> None:
    world = World(connections=1)
    world.store.add(due(1), due(2), due(3))
    world.transport.answers["r2@x.example"] = Permanent("no", "550 unknown")
    async with running(world.outbox):
        await until(lambda: sorted(world.store.done) == [1, 3] and world.store.given_up)
    assert world.store.given_up == [(2, "550 unknown")]
    assert world.reports == [(2, "550 unknown")]


async def test_a_report_goes_at_once() -> None:
    world = World()
    world.report_mails = [due(9)]
    world.store.add(due(1))
    world.transport.answers["r1@x.example"] = Permanent("no", "5.1.1 unknown")
    async with running(world.outbox):
        await until(lambda: world.store.done == [9])


async def test_a_mail_that_is_too_old_is_reported() -> None:
    world = World()
    world.store.add(due(1, attempts=125, created_at=START - FIVE_DAYS))
    world.transport.answers["r1@x.example"] = Temporary("no", "greylisted")
    async with running(world.outbox):
        await until(lambda: world.store.given_up)
    assert world.reports == [(1, "greylisted")]


async def test_a_lost_report_makes_no_report_and_a_failing_one_no_harm() -> None:
    world = World()
    world.store.add(due(1, template="undeliverable"), due(2))
    world.transport.answers = {
        "r1@x.example": Permanent("no", "550"),
        "r2@x.example": Permanent("no", "report fails"),
    }
    async with running(world.outbox):
        await until(lambda: len(world.store.given_up) == 2)
    assert world.reports == []


async def test_offered_mails_are_sent_without_a_claim_and_once() -> None:
    world = World()
    async with running(world.outbox):
        await until(lambda: world.store.claims)
        mails = [due(n) for n in range(1, 30)]
        world.outbox.offer(mails)
        world.store.add(*mails)
        world.outbox.offer(mails)
        world.outbox.wake()
        await until(lambda: len(world.store.done) >= 29)
    assert sorted(world.store.done) == list(range(1, 30))
    assert len(world.transport.mails) == 29


async def test_many_sent_mails_share_a_commit() -> None:
    world = World(connections=50)
    world.transport.gate = asyncio.Event()
    world.store.add(*(due(n) for n in range(50)))
    async with running(world.outbox):
        await until(lambda: world.transport.waiting == 50)
        world.transport.gate.set()
        await until(lambda: len(world.store.done) == 50)
    assert world.store.commits < 25


async def test_no_more_mails_are_on_their_way_than_connections_hold() -> None:
    world = World(connections=3)
    world.transport.gate = asyncio.Event()
    world.store.add(*(due(n) for n in range(20)))
    async with running(world.outbox):
        await until(lambda: world.transport.waiting == 3 * AT_ONCE)
        world.transport.gate.set()
        await until(lambda: len(world.store.done) == 20)
    assert world.transport.most_waiting == 3 * AT_ONCE


async def test_more_mails_than_one_claim_takes_all_go() -> None:
    world = World(connections=1)
    world.store.add(*(due(n) for n in range(60)))
    async with running(world.outbox):
        await until(lambda: len(world.store.done) == 60)


async def test_the_databases_trouble_delays_but_loses_nothing() -> None:
    world = World()
    world.store.trouble = 1
    world.store.add(due(1))
    async with running(world.outbox):
        await until(lambda: world.store.claims == 1)
        world.store.trouble = 1
        await until(lambda: world.store.done == [1])
    assert len(world.transport.mails) == 1


async def test_nothing_more_is_sent_while_what_was_sent_cannot_be_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_UNWRITTEN", 0.0)
    world = World()
    world.store.slow = Future()
    world.store.add(due(1))
    async with running(world.outbox):
        await until(lambda: world.store.done == [1])
        await until(lambda: not world.outbox._written.is_set())
        world.outbox.offer([due(2), due(3)])
        await until(lambda: world.outbox._queue.empty())
        assert [mail.recipient for mail in world.transport.mails] == ["r1@x.example"]
        world.store.slow.set_result(1)
        await until(lambda: sorted(world.store.done) == [1, 2, 3])


async def test_stopping_finishes_what_is_on_its_way_and_leaves_the_rest_due() -> None:
    world = World(connections=1)
    world.transport.gate = asyncio.Event()
    world.store.add(due(1), due(2), due(3))
    task = asyncio.create_task(world.outbox.run())
    await until(lambda: world.transport.waiting == AT_ONCE)
    world.outbox.stop()
    await until(lambda: world.outbox._queue.empty())
    world.transport.gate.set()
    await asyncio.wait_for(task, 10)
    assert sorted(world.store.done) == [1, 2]
    assert 3 in world.store.at


async def test_stopping_does_not_wait_for_a_relay_that_takes_long() -> None:
    world = World(timeout_seconds=0.01)
    world.transport.gate = asyncio.Event()
    world.store.add(due(1))
    task = asyncio.create_task(world.outbox.run())
    await until(lambda: world.transport.waiting)
    world.outbox.stop()
    await asyncio.wait_for(task, 10)
    assert world.store.done == []
    assert 1 in world.store.at


async def test_every_try_has_the_same_bytes() -> None:
    world = World()
    world.store.add(due(1, boundary="=_b"))
    async with running(world.outbox):
        await until(lambda: world.store.done)
        world.store.leased.clear()
        world.store.add(due(1, boundary="=_b", attempts=1))
        world.outbox.wake()
        await until(lambda: len(world.transport.mails) == 2)
    first, again = world.transport.mails
    assert first == again
    assert parsed(first.data)["Subject"] == "x"


async def test_a_mail_that_waited_here_beyond_its_lease_is_left_to_the_node_that_has_it_now() -> None:
    world = World()
    world.store.add(replace(due(1), held_until=0.0), due(2))
    async with running(world.outbox):
        await until(lambda: world.store.done == [2])
    assert [mail.recipient for mail in world.transport.mails] == ["r2@x.example"]
    assert world.store.put_off == []
