"""The children that read: what hostile mail does to them, and that it does no more."""

from __future__ import annotations

import asyncio
import pickle
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.db.raw import Segments, Span
from gateway.errors import Temporary
from gateway.inbound import judge as judging
from gateway.inbound.child import WARM_UP, Child
from gateway.inbound.findings import Missing, Read, Unreadable
from gateway.inbound.reader import Reader, _Died, _Process
from gateway.model import ReadMail
from gateway.settings import Reading
from gateway.triage.policy import DEFAULT

MAIL = b"From: Kim <kim@example.net>\r\nSubject: Question\r\nMessage-ID: <1@x>\r\n\r\nHow do I export?\r\n"


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    reader = Reader(Reading(), DEFAULT)
    yield reader
    reader.close()


async def test_a_batch_comes_back_in_order(reader: Reader) -> None:
    raws = [MAIL.replace(b"Question", b"Question %d" % n) for n in range(10)]
    results = await reader.read(range(10), raws)
    assert [r.mail.subject for r in results if isinstance(r, Read)] == [f"Question {n}" for n in range(10)]


def kill(reader: Reader) -> None:
    for child in (*reader._idle, *reader._busy):
        child._process.send_signal(signal.SIGKILL)


async def test_a_child_that_dies_between_two_mails_costs_none(reader: Reader) -> None:
    await reader.start()
    kill(reader)
    results = [(await reader.read([n], [MAIL]))[0] for n in range(4)]
    assert all(isinstance(r, Read) for r in results)


async def test_a_batch_whose_child_dies_meanwhile_is_read_by_another(reader: Reader) -> None:
    await reader.start()
    reading = asyncio.create_task(reader.read(range(60), [MAIL] * 60))
    await asyncio.sleep(0)  # the batch is with the child now
    kill(reader)
    assert [type(r) for r in await reading] == [Read] * 60


async def test_a_mail_that_kills_every_child_is_unreadable(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    async def dies(self: object, task: object, seconds: float) -> object:
        raise _Died

    await reader.start()
    monkeypatch.setattr(_Process, "ask", dies)
    monkeypatch.setattr(_Process, "start", lambda self: asyncio.sleep(0))
    monkeypatch.setattr(_Process, "end", lambda self: None)
    (result,) = await reader.read([1], [MAIL])
    assert result == Unreadable("the reading process died", ReadMail())


async def test_a_child_that_hangs_is_replaced_and_the_mail_read_by_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.inbound.reader.PATIENCE", 1)
    reader = Reader(Reading(cpu_seconds=0.5), DEFAULT)
    try:
        await reader.start()
        reader._idle[0]._process.send_signal(signal.SIGSTOP)
        (result,) = await reader.read([1], [MAIL])
    finally:
        reader.close()
    assert isinstance(result, Read)


async def test_a_mail_that_took_too_much_cpu_time_is_not_tried_twice(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, asked = _Process.ask, []

    async def overruns(self: _Process, task: tuple[object, object], seconds: float) -> object:
        if task[0] != "read":
            return await ask(self, task, seconds)
        asked.append(task)
        self._process.send_signal(signal.SIGVTALRM)
        await asyncio.to_thread(self._process.wait)
        raise _Died

    monkeypatch.setattr(_Process, "ask", overruns)
    (result,) = await reader.read([1], [MAIL])
    assert isinstance(result, Unreadable)
    assert (result.why, result.mail.subject) == ("reading took too long", "Question")
    assert len(asked) == 2  # in the batch, and alone


def test_a_child_that_does_not_come_back_from_c_code_is_ended_by_the_kernel() -> None:
    code = (
        "from itertools import repeat\n"
        "from gateway.inbound import child\n"
        "child.GRACE, child.judge = 0.1, lambda *_: sum(repeat(1))\n"
        "child.signal.signal(child.signal.SIGPROF, child._out_of_time)\n"
        "child.Child(child.Reading(cpu_seconds=0.1), None).read(b'')\n"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=30).returncode == -signal.SIGVTALRM


async def test_no_mail_is_blamed_where_no_child_comes_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.inbound.reader.sys.executable", "/bin/false")
    reader = Reader(Reading(), DEFAULT)
    with pytest.raises(Temporary, match="does not start"):
        await reader.read([1], [MAIL])
    assert await reader.try_to_read(MAIL) is None


async def test_a_child_goes_on_after_the_signals_that_end_its_parent(reader: Reader) -> None:
    await reader.start()
    for number in (signal.SIGINT, signal.SIGTERM):
        reader._idle[0]._process.send_signal(number)
    child = reader._idle[0]
    assert isinstance((await reader.read([1], [MAIL]))[0], Read)
    assert reader._idle == [child]


async def test_a_child_ends_when_its_parent_is_gone(reader: Reader) -> None:
    await reader.start()
    child = reader._idle[0]
    child._writer.close()
    assert await asyncio.to_thread(child._process.wait, 20) == 0


async def test_a_mail_that_lies_in_a_segment_is_read_where_it_lies(reader: Reader, tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    (reference,) = segments.append([MAIL])
    here, gone = await reader.read([1, 2], [Span(tmp_path, reference), Span(tmp_path, "00000009.seg:0:9")])
    assert isinstance(here, Read)
    assert here.mail.subject == "Question"
    assert isinstance(gone, Missing)


async def test_a_mail_that_needs_too_much_memory_is_unreadable_and_its_sender_still_known() -> None:
    reader = Reader(Reading(memory_bytes=24 * 1024 * 1024), DEFAULT)
    try:
        huge = MAIL + b"y" * 60_000_000
        small, large = await reader.read([1, 2], [MAIL, huge])
    finally:
        reader.close()
    assert isinstance(small, Read)
    assert isinstance(large, Unreadable)


def test_what_is_safe_of_a_mail_is_sender_subject_and_the_mail_itself() -> None:
    safe = judging.salvage(MAIL, Reading())
    assert (safe.identity.address, safe.subject, safe.message_id) == ("kim@example.net", "Question", "1@x")
    assert [(a.name, a.content_type) for a in safe.attachments] == [("message.eml", "message/rfc822")]


def test_what_was_read_is_the_same_after_the_way_to_the_parent() -> None:
    read = Read(*judging.judge(MAIL, Reading(), DEFAULT))
    assert pickle.loads(pickle.dumps(read, pickle.HIGHEST_PROTOCOL)) == read


def test_what_a_child_reads_to_warm_up_can_be_read() -> None:
    found = Child(Reading(), DEFAULT).read(WARM_UP)
    assert isinstance(found, Read)
    assert found.mail.reply.text == "How do I export this table to a file?"
