"""What the settings name outside of themselves: the policy and own templates."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, select

from gateway import log
from gateway.db.deliveries import due
from gateway.db.schema import outgoing
from gateway.db.store import open_store
from gateway.errors import ConfigurationError
from gateway.model import Envelope
from gateway.outbound.samples import sample
from gateway.pipeline import Pipeline, RandomNames, open_policy, open_renderer
from gateway.settings import Agent, Gateway, Mailbox, Oncall, Settings
from gateway.triage.policy import DEFAULT


def settings(**values: Path) -> Settings:
    return Settings(
        gateway=Gateway.model_validate(values), mailbox=(Mailbox(name="support", addresses=("s@x.example",)),)
    )


def test_a_policy_that_is_not_there_is_told_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="leave it out for the shipped policy"):
        open_policy(settings(policy=tmp_path / "none.toml"))


def test_without_a_name_the_shipped_policy_holds() -> None:
    assert open_policy(settings()) is DEFAULT


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The mistakes that went to the log."""
    mistakes: list[str] = []
    monkeypatch.setattr(log, "template_wrong", mistakes.append)
    return mistakes


def test_mistakes_in_own_templates_are_logged_and_stop_nothing(tmp_path: Path, told: list[str]) -> None:
    own = tmp_path / "en" / "notice.txt.j2"
    own.parent.mkdir()
    own.write_text("{{ nonsense }}", encoding="utf-8")
    renderer = open_renderer(settings(templates=tmp_path))
    assert "'nonsense' is not defined here" in told[0]
    assert "opened" in renderer.render("notice", "en", sample("notice", "en")).text


def test_a_folder_of_templates_that_is_not_there_is_logged(tmp_path: Path, told: list[str]) -> None:
    open_renderer(settings(templates=tmp_path / "none"))
    assert "is no folder" in told[0]


def test_no_name_is_drawn_twice_whatever_thread_asks() -> None:
    names = RandomNames()
    with ThreadPoolExecutor(8) as pool:
        drawn = [one for many in pool.map(lambda _: [names() for _ in range(500)], range(8)) for one in many]
    assert len(set(drawn)) == 4000
    assert all(len(name) == 32 and int(name, 16) >= 0 for name in drawn)


NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OUTAGE = (
    b"From: Kim <kim@example.net>\r\nTo: s@x.example\r\nMessage-ID: <1@example.net>\r\nSubject: All down\r\n\r\n"
    b"Nobody in the company can log in, production is down and there is no workaround.\r\n"
)


@asynccontextmanager
async def worked(configured: Settings, folder: Path) -> AsyncIterator[Pipeline]:
    """A pipeline that has just worked on the outage; nothing was sent yet."""
    store = open_store(f"sqlite:///{folder / 'gateway.db'}", "node-a", serve=True)
    pipeline = Pipeline(configured, store, lambda: NOW)
    try:
        mails = [(Envelope("smtp", "kim@example.net", ("s@x.example",)), OUTAGE)]
        store.writer.run(lambda connection: store.mails.add(connection, mails, NOW, mine=False))
        await pipeline.worker.drain()
        yield pipeline
    finally:
        await pipeline.close()
        store.close()


async def test_the_copies_of_one_mail_to_customers_share_its_message_id(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'gateway.db'}", "node-a", serve=True)
    agents = (Agent(name="Ann", address="ann@x.example"), Agent(name="Ben", address="ben@x.example"))
    pipeline = Pipeline(settings(data_dir=tmp_path).model_copy(update={"agent": agents}), store, lambda: NOW)
    try:
        copied = OUTAGE.replace(b"\r\nTo:", b"\r\nCc: lee@example.net\r\nTo:")
        mails = [(Envelope("smtp", "kim@example.net", ("s@x.example",)), copied)]
        store.writer.run(lambda connection: store.mails.add(connection, mails, NOW, mine=False))
        await pipeline.worker.drain()
        sent = {one.recipient.partition("@")[0]: one.message_id for one in store.queries.outgoing()}
        assert sent["kim"] == sent["lee"]
        assert len(sent) == 4
        assert len(set(sent.values())) == 3
    finally:
        await pipeline.close()
        store.close()


def sent(pipeline: Pipeline, template: str) -> list[Row[Any]]:
    query = select(outgoing).where(outgoing.c.template == template).order_by(outgoing.c.id)
    found: list[Row[Any]] = pipeline.store.writer.run(lambda connection: list(connection.execute(query)))
    return found


@pytest.mark.parametrize(("targets", "said"), [((), False), (("mailto:oncall@x.example",), True)])
async def test_the_customer_is_told_of_an_alert_only_where_somebody_is_alerted(
    tmp_path: Path, targets: Sequence[str], said: bool
) -> None:
    oncall = {"oncall": Oncall.model_validate({"notify": targets})}
    async with worked(settings(data_dir=tmp_path).model_copy(update=oncall), tmp_path) as pipeline:
        (confirmation,) = sent(pipeline, "confirmation")
        assert (b"ON-CALL ENGINEER HAS BEEN ALERTED" in confirmation.content) is said


@pytest.mark.parametrize(
    ("names", "told"), [(("ann",), ["ann@x.example"]), (("ann", "ben", "cleo"), ["ben@x.example", "cleo@x.example"])]
)
async def test_that_a_notice_was_given_up_the_others_are_told_and_she_herself_where_she_is_alone(
    tmp_path: Path, names: Sequence[str], told: Sequence[str]
) -> None:
    agents = {"agent": tuple(Agent(name=name, address=f"{name}@x.example") for name in names)}
    async with worked(settings(data_dir=tmp_path).model_copy(update=agents), tmp_path) as pipeline:
        notice = next(row for row in sent(pipeline, "notice") if row.recipient == "ann@x.example")
        await asyncio.to_thread(pipeline._report, due(notice), "552 5.3.4 too big")
        reports = sent(pipeline, "undeliverable")
        assert [report.recipient for report in reports] == told
        for word in ("SUP-1", "kim@example.net", "All down", "ann@x.example", "552 5.3.4", "gateway tickets show"):
            assert word.encode() in reports[0].content
