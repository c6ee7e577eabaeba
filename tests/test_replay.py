"""Stored mail, read again. What older rules made of it is written into the database by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from gateway.db.schema import event, mail, message, outgoing, page, ticket
from gateway.db.store import Store, open_store
from gateway.desk import decide
from gateway.desk.decision import Decision
from gateway.model import Envelope, MailState, ReadMail
from gateway.pipeline import Pipeline
from gateway.replay import Difference, Replay, Replayed
from gateway.settings import Settings

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TEXT = "Nobody in our company can log in since 9, error 500 for all 300 users. There is no workaround."
OUTAGE = (
    "From: Kim <kim@example.net>\r\nTo: support@example.com\r\nMessage-ID: <1@example.net>\r\n"
    f"Subject: All down\r\n\r\n{TEXT}\r\n"
)
IN_AGENTS_NAME = "From: Ann <ann@example.com>\r\nMessage-ID: <2@example.net>\r\nSubject: x\r\n\r\n#solved\r\n"


@dataclass
class Desk:
    """A gateway's database and everything that works on it."""

    store: Store
    pipeline: Pipeline

    async def take(self, raw: str) -> int:
        envelope = Envelope("smtp", "kim@example.net", ("support@example.com",))
        mails = [(envelope, raw.encode())]
        (added,) = self.store.writer.run(lambda connection: self.store.mails.add(connection, mails, NOW, mine=False))
        await self.pipeline.worker.drain()
        return int(added.id)

    async def replay(self, *ids: int, apply: bool = True, named: bool = True) -> list[Replayed]:
        pipeline = self.pipeline
        later = NOW + timedelta(days=1)
        replaying = Replay(pipeline.settings, self.store, pipeline.reader, pipeline.keys, lambda: later)
        return [one async for one in replaying.run(ids, apply=apply, named=named)]

    def write(self, statement: Any) -> None:
        self.store.writer.run(lambda connection: connection.execute(statement))

    def read(self, *columns: Any) -> list[Any]:
        found: list[Any] = self.store.writer.run(lambda connection: connection.execute(select(*columns)).all())
        return found


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    settings = Settings.model_validate(
        {
            "gateway": {"data_dir": str(tmp_path)},
            "mailbox": [{"name": "support", "addresses": ["support@example.com"]}],
            "agent": [{"name": "Ann", "address": "ann@example.com"}],
            "oncall": {"notify": ["mailto:oncall@example.com"]},
        }
    )
    store = open_store(settings.database_url, "node-a", serve=True)
    pipeline = Pipeline(settings, store, lambda: NOW)
    yield Desk(store, pipeline)
    await pipeline.close()
    store.close()


def misjudge(desk: Desk) -> None:
    """As if older rules had taken the outage for a question."""
    desk.write(update(ticket).values(severity="S3", category="none", subcategory=""))
    desk.write(page.delete())


def changes(replayed: Replayed) -> dict[str, tuple[str, str, bool]]:
    return {one.what: (one.before, one.after, one.changes) for one in replayed.differences}


async def test_a_mail_that_is_read_as_before_differs_in_nothing(desk: Desk) -> None:
    assert await desk.replay(await desk.take(OUTAGE)) == [Replayed(1, "SUP-1")]


async def test_a_dry_run_tells_and_changes_nothing(desk: Desk) -> None:
    id_ = await desk.take(OUTAGE)
    misjudge(desk)
    before = [desk.read(table) for table in (ticket, message, event, page, outgoing, mail)]
    (told,) = await desk.replay(id_, apply=False)
    assert changes(told) == {"severity": ("S3", "S0", True), "category": ("none", "core core.login", True)}
    assert told.page
    assert [desk.read(table) for table in (ticket, message, event, page, outgoing, mail)] == before


async def test_severity_and_category_are_brought_up_to_date_and_a_new_s0_is_paged_once(desk: Desk) -> None:
    id_ = await desk.take(OUTAGE)
    misjudge(desk)
    mails = len(desk.read(outgoing.c.id))
    await desk.replay(id_)
    assert desk.read(ticket.c.severity, ticket.c.category, ticket.c.subcategory) == [("S0", "core", "core.login")]
    assert desk.read(page.c.severity, page.c.text, page.c.state) == [("S0", TEXT, "waiting")]
    assert desk.read(event.c.actor, event.c.what)[-1] == (
        "gateway",
        "mail 1 was read again: severity S3 -> S0, category none -> core core.login",
    )
    assert await desk.replay(id_) == [Replayed(1, "SUP-1")]
    assert len(desk.read(page.c.id)) == 1
    assert len(desk.read(outgoing.c.id)) == mails
    assert len(desk.read(message.c.id)) == 1


async def test_a_solved_ticket_pages_nobody(desk: Desk) -> None:
    id_ = await desk.take(OUTAGE)
    misjudge(desk)
    desk.write(update(ticket).values(status="solved"))
    (told,) = await desk.replay(id_)
    assert not told.page
    assert desk.read(page.c.id) == []
    assert desk.read(ticket.c.severity) == [("S0",)]


async def test_a_severity_that_somebody_set_since_is_left_alone(desk: Desk) -> None:
    id_ = await desk.take(OUTAGE)
    misjudge(desk)
    row = {"id": 99, "ticket_id": 1, "at": 1, "actor": "ann@example.com", "what": "severity S0 -> S3"}
    desk.write(insert(event).values(row))
    (told,) = await desk.replay(id_)
    assert changes(told)["severity"] == ("S3", "S0", False)
    assert desk.read(ticket.c.severity) == [("S3",)]
    assert desk.read(page.c.id) == []


async def test_the_text_of_a_message_is_read_again(desk: Desk) -> None:
    id_ = await desk.take(OUTAGE)
    desk.write(update(message).values(text="The body could not be read."))
    (told,) = await desk.replay(id_)
    assert changes(told) == {"text": ("The body could not be read.", TEXT, True)}
    assert desk.read(message.c.text) == [(TEXT,)]


async def test_a_sender_who_is_read_differently_is_told_and_left_to_people(desk: Desk) -> None:
    id_ = await desk.take(OUTAGE)
    desk.write(update(message).values(author="lee@example.net"))
    (told,) = await desk.replay(id_)
    assert told.differences == (Difference("sender", "lee@example.net", "kim@example.net", False),)
    assert desk.read(message.c.author) == [("lee@example.net",)]


async def test_a_mail_that_belongs_elsewhere_is_told_and_nothing_of_it_changed(desk: Desk) -> None:
    await desk.take(OUTAGE)
    answer = OUTAGE.replace("<1@example.net>", "<3@example.net>\r\nIn-Reply-To: <1@example.net>")
    id_ = await desk.take(answer.replace(TEXT, "It is worse now."))
    second = desk.read(mail.c.state, mail.c.ticket_id)[1]
    assert second == ("appended", 1)
    desk.write(update(mail).where(mail.c.id == id_).values(state="ticket"))
    desk.write(update(message).where(message.c.mail_id == id_).values(text="old"))
    (told,) = await desk.replay(id_)
    assert changes(told)["ticket"] == ("a ticket of its own", "SUP-1", False)
    assert changes(told)["text"] == ("old", "It is worse now.", False)
    assert ("old",) in desk.read(message.c.text)


async def test_a_held_mail_that_was_named_goes_through_again(desk: Desk) -> None:
    id_ = await desk.take(IN_AGENTS_NAME)
    assert desk.read(mail.c.state) == [("held",)]
    assert [one.again for one in await desk.replay(id_, apply=False)] == [True]
    assert desk.read(mail.c.state) == [("held",)]
    assert [one.again for one in await desk.replay(id_)] == [True]
    assert desk.read(mail.c.state) == [("received",)]


async def test_among_all_mails_a_held_one_goes_again_only_where_it_would_end_differently(desk: Desk) -> None:
    id_ = await desk.take(IN_AGENTS_NAME)
    assert [one.again for one in await desk.replay(id_, named=False)] == [False]
    desk.write(update(mail).values(state=MailState.FAILED.value))
    assert [one.again for one in await desk.replay(id_, named=False)] == [True]


async def test_a_mail_whose_raw_form_is_gone_is_told(desk: Desk) -> None:
    id_ = await desk.take(OUTAGE)
    for reference in ("expired", "00000009.seg:0:100"):
        desk.write(update(mail).values(raw=None, raw_ref=reference))
        (told,) = await desk.replay(id_)
        assert told.problem == "its raw form is gone"


async def test_a_mail_that_cannot_be_decided_any_more_keeps_none_of_the_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await desk.take(OUTAGE)
    second = await desk.take(OUTAGE.replace("All down", "Cursed").replace("<1@", "<2@"))
    third = await desk.take(OUTAGE.replace("<1@", "<3@"))
    today = decide.decide

    def cursed(read: ReadMail, *more: Any, **named: Any) -> Decision:
        if read.subject == "Cursed":
            raise KeyError("sales")
        return today(read, *more, **named)

    monkeypatch.setattr(decide, "decide", cursed)
    told = await desk.replay(first, second, third)
    assert [one.problem for one in told] == ["", "KeyError: 'sales'", ""]
