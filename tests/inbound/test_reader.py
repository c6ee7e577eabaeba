"""The children that read: what hostile mail does to them, and that it does no more."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
from collections.abc import AsyncIterator

import pytest

from gateway.inbound import judge as judging
from gateway.inbound import reader as reading
from gateway.inbound.reader import Read, Reader, Unreadable
from gateway.settings import Reading
from gateway.triage.policy import DEFAULT

MAIL = b"From: Kim <kim@example.net>\r\nSubject: Question\r\nMessage-ID: <1@x>\r\n\r\nHow do I export?\r\n"


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    reader = Reader(Reading(), DEFAULT)
    yield reader
    await asyncio.to_thread(reader.close)


async def test_a_batch_comes_back_in_order(reader: Reader) -> None:
    raws = [MAIL.replace(b"Question", b"Question %d" % n) for n in range(10)]
    results = await reader.read(range(10), raws)
    assert [r.mail.subject for r in results if isinstance(r, Read)] == [f"Question {n}" for n in range(10)]


@pytest.mark.incident("Cost of reading")
async def test_a_dead_child_costs_only_the_mail_that_killed_it(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    await reader.start()
    (child,) = [worker.pid for worker in reader._pool._pool_manager.worker_manager.workers.values()]
    os.kill(child, signal.SIGKILL)
    results = [(await reader.read([n], [MAIL]))[0] for n in range(4)]
    assert isinstance(results[-1], Read)
    assert sum(isinstance(r, Unreadable) for r in results) <= 1


@pytest.mark.incident("Memory of large mails")
async def test_a_mail_that_needs_too_much_memory_is_unreadable_and_its_sender_still_known() -> None:
    reader = Reader(Reading(memory_bytes=24 * 1024 * 1024), DEFAULT)
    try:
        huge = MAIL + b"y" * 60_000_000
        small, large = await reader.read([1, 2], [MAIL, huge])
    finally:
        await asyncio.to_thread(reader.close)
    assert isinstance(small, Read)
    assert isinstance(large, Unreadable)


async def test_a_child_that_dies_while_it_is_given_a_mail_loses_none_that_waits_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "START_SECONDS", 1)
    reader = Reader(Reading(memory_bytes=24 * 1024 * 1024, cpu_seconds=0.2), DEFAULT)
    try:
        await reader.start()
        async with asyncio.timeout(60):
            large, small = await asyncio.gather(reader.read([1], [MAIL + b"y" * 60_000_000]), reader.read([2], [MAIL]))
    finally:
        await asyncio.to_thread(reader.close)
    assert isinstance(large[0], Unreadable)
    assert len(small) == 1


def test_what_is_safe_of_a_mail_is_sender_subject_and_the_mail_itself() -> None:
    safe = judging.salvage(MAIL, Reading())
    assert (safe.identity.address, safe.subject, safe.message_id) == ("kim@example.net", "Question", "1@x")
    assert [(a.name, a.content_type) for a in safe.attachments] == [("message.eml", "message/rfc822")]


def test_what_was_read_is_the_same_after_the_way_to_the_parent() -> None:
    read = Read(*judging.judge(MAIL, Reading(), DEFAULT))
    assert pickle.loads(pickle.dumps(read, pickle.HIGHEST_PROTOCOL)) == read
