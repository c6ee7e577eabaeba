"""Several nodes on one PostgreSQL: each mail becomes exactly one message, whoever takes it in or works on it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import func, select

from gateway.db.known import tickets
from gateway.db.schema import mail, message, outgoing, ticket
from gateway.db.store import Store, open_store
from gateway.errors import Temporary
from gateway.model import NodeRole
from tests import dovecot
from tests.databases import migrated_database, postgresql_server
from tests.nodes import node, plain, send, settings_of
from tests.objectstore import bucket
from tests.outbound.fakes import until

MAILS = 60
SECONDS = 100


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgresql_server(tmp_path_factory.mktemp("postgresql")) as url:
        yield url


@pytest.fixture
def store(server: str) -> Iterator[Store]:
    """Looks on from outside."""
    url = migrated_database(server)
    store = open_store(url, "onlooker", serve=False)
    yield store
    store.close()


def count(store: Store, *what: object) -> int:
    with store.engine.connect() as connection:
        return int(connection.execute(select(func.count()).where(*what)).scalar_one())  # type: ignore[arg-type]


def all_ended(store: Store, mails: int) -> bool:
    return count(store, mail.c.state == "received") == 0 and count(store, mail.c.id > 0) == mails


@pytest.mark.parametrize("nodes", [2, 4])
async def test_each_mail_becomes_one_message_though_every_second_one_comes_twice(
    store: Store, tmp_path: Path, nodes: int
) -> None:
    async with AsyncExitStack() as stack:
        doors = [
            (await stack.enter_async_context(node(settings_of(store.url, tmp_path / f"{n}")))).smtp
            for n in range(nodes)
        ]
        shares: list[list[bytes]] = [[] for _ in doors]
        for number in range(MAILS):
            shares[number % nodes].append(plain(number, sender=f"kim{number}@example.net"))
            if number % 2:
                shares[(number + 1) % nodes].append(plain(number, sender=f"kim{number}@example.net"))
        await asyncio.gather(*(send(door, *share) for door, share in zip(doors, shares, strict=True)))
        await until(lambda: all_ended(store, MAILS * 3 // 2), SECONDS)
        await until(lambda: count(store, outgoing.c.state == "waiting") == 0, SECONDS)
    assert count(store, ticket.c.id > 0) == count(store, message.c.id > 0) == MAILS
    assert count(store, mail.c.state == "refused") == MAILS // 2
    confirmed = list((tmp_path / "sent" / "new").iterdir())
    assert len(confirmed) == count(store, outgoing.c.id > 0) == 2 * MAILS  # the customer's, and the agent's notice


async def test_answers_that_come_by_two_nodes_at_once_are_all_in_their_ticket(store: Store, tmp_path: Path) -> None:
    async with (
        node(settings_of(store.url, tmp_path / "a")) as one,
        node(settings_of(store.url, tmp_path / "b")) as other,
    ):
        await send(one.smtp, plain(0))
        await until(lambda: all_ended(store, 1), SECONDS)
        answers = [
            plain(n, f"Answer {n}.").replace(b"Subject:", b"In-Reply-To: <0@example.net>\r\nSubject:")
            for n in range(1, 21)
        ]
        await asyncio.gather(send(one.smtp, *answers[::2]), send(other.smtp, *answers[1::2]))
        await until(lambda: all_ended(store, 21), SECONDS)
    assert count(store, ticket.c.id > 0) == 1
    assert count(store, message.c.ticket_id == 1) == 21


async def test_no_character_keeps_a_mail_from_being_a_ticket_at_once(store: Store, tmp_path: Path) -> None:
    mails = [
        plain(1, "Nobody can log in.\0 It is down."),
        plain(2).replace(b"Subject: ", b"Subject: =?utf-7?q?+2D0-?= =?utf-16-be?b?AAAAQQ==?= "),
        plain(3).replace(b"Subject: ", b"Content-Type: text/plain; charset=utf-16\r\nSubject: "),
        plain(4).replace(b"<4@", b"<" + "\U0001f600".encode() * 900 + b"@"),
        plain(5).replace(b"Subject: ", b"Content-Disposition: at\0tachment; filename=a\0b\r\nSubject: "),
    ]
    async with node(settings_of(store.url, tmp_path / "a")) as one:
        await send(one.smtp, *mails)
        await until(lambda: all_ended(store, len(mails)), SECONDS)
    assert count(store, mail.c.state == "ticket", mail.c.attempts == 0) == len(mails)


async def test_nodes_come_and_go_and_the_mail_is_worked_on(store: Store, tmp_path: Path) -> None:
    async with node(settings_of(store.url, tmp_path / "intake"), [NodeRole.INTAKE]) as intake:
        async with node(settings_of(store.url, tmp_path / "first"), [NodeRole.WORKER]):
            await send(intake.smtp, *(plain(n) for n in range(30)))
        await send(intake.smtp, *(plain(n) for n in range(30, 40)))
        async with node(settings_of(store.url, tmp_path / "second"), [NodeRole.WORKER]):
            await until(lambda: all_ended(store, 40), SECONDS)
    assert count(store, message.c.id > 0) == 40


async def test_a_ticket_is_changed_by_one_node_at_a_time(store: Store, tmp_path: Path) -> None:
    async with node(settings_of(store.url, tmp_path / "a")) as one:
        await send(one.smtp, plain(0))
        await until(lambda: all_ended(store, 1), SECONDS)
    with store.engine.begin() as changing:
        tickets(changing, [1], to_change=True)

        def change_too(connection) -> None:
            connection.exec_driver_sql("SET LOCAL lock_timeout = '50ms'")
            tickets(connection, [1], to_change=True)

        with pytest.raises(Temporary, match="lock timeout"):
            store.writer.run(change_too)


async def test_a_large_mail_is_taken_in_here_and_read_there_by_way_of_the_object_store(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = plain(1, "The export fails, the log follows.\r\n" + "2026-03-02 12:00:00 retrying\r\n" * 2000)
    with bucket(monkeypatch) as s3:
        settings = [settings_of(store.url, tmp_path / f"{n}", storage={"raw": s3.url}) for n in range(2)]
        async with node(settings[0], [NodeRole.INTAKE]) as intake, node(settings[1], [NodeRole.WORKER]):
            await send(intake.smtp, large, plain(2))
            await until(lambda: all_ended(store, 2), SECONDS)
        assert len(s3.names()) == 1
    assert count(store, mail.c.state == "ticket") == 2
    assert count(store, message.c.text.like("%log follows%")) == 1


@pytest.mark.peer
@pytest.mark.skipif(not dovecot.USABLE, reason="needs root and Dovecot: apt install dovecot-imapd")
async def test_a_mailbox_is_polled_by_one_node_and_by_another_when_that_is_gone(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.inbound.mailboxes._LOOK_SECONDS", 0.5)
    with dovecot.dovecot() as server:
        configurations = [
            settings_of(store.url, tmp_path / name, imap=[server.settings(poll_seconds=1)]) for name in "ab"
        ]
        before = server.log.read_text().count("Login: user=")
        async with node(configurations[1]):
            async with node(configurations[0]):
                server.put(*(plain(n, sender=f"kim{n}@example.net") for n in range(20)))
                await until(lambda: all_ended(store, 20), SECONDS)
                assert server.log.read_text().count("Login: user=") == before + 2  # this test's, and one node's
            server.put(*(plain(n, sender=f"kim{n}@example.net") for n in range(20, 30)))
            await until(lambda: all_ended(store, 30), SECONDS)
    assert count(store, mail.c.id > 0) == count(store, message.c.id > 0) == 30
