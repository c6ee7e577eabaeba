"""Mail that is fetched from a real IMAP server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.db.store import Store, open_store
from gateway.model import NodeRole
from gateway.settings import Settings
from tests import dovecot
from tests.dovecot import Dovecot
from tests.inbound.imapserver import Server, serving
from tests.nodes import node, plain, settings_of
from tests.outbound.fakes import until

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(not dovecot.USABLE, reason="needs root and Dovecot: apt install dovecot-imapd"),
]
SECONDS = 60


@pytest.fixture
def server() -> Iterator[Dovecot]:
    with dovecot.dovecot() as server:
        yield server


def settings(server: Dovecot, folder: Path, limits: dict[str, int] | None = None, **imap: object) -> Settings:
    smtp = {"listen": "127.0.0.1:0", **(limits or {})}
    return settings_of("", folder / "var", imap=[server.settings(**imap)], smtp=smtp)


@asynccontextmanager
async def gateway(settings: Settings) -> AsyncIterator[Store]:
    async with node(settings):
        store = open_store(settings.database_url, "test", serve=False)
        try:
            yield store
        finally:
            store.close()


def states(store: Store) -> list[str]:
    return [row.state for row in store.queries.mails()]


async def first_look(store: Store) -> None:
    await until(lambda: store.queries.folders() and store.queries.folders()[0].looked_at, SECONDS)


async def another_look(store: Store) -> None:
    before = store.queries.folders()[0].looked_at
    await until(lambda: store.queries.folders()[0].looked_at != before, SECONDS)


async def test_mail_that_comes_becomes_a_ticket_at_once_and_is_marked_as_read(server: Dovecot, tmp_path: Path) -> None:
    async with gateway(settings(server, tmp_path, poll_seconds=1500)) as store:
        await first_look(store)
        server.put(plain(1))
        await until(lambda: states(store) == ["ticket"], SECONDS)  # told by IDLE, long before the next look
        await until(lambda: b"\\Seen" in server.flags()[1], SECONDS)
        (mail,) = store.queries.mails()
        assert (mail.via, mail.mail_from, mail.recipients) == ("imap", "kim@example.net", ["support@example.com"])
        await until(lambda: [m.state for m in store.queries.outgoing()] == ["sent"] * 2, SECONDS)


async def test_without_idle_it_looks_again_and_again(tmp_path: Path) -> None:
    with dovecot.dovecot(more="imap_capability = IMAP4rev1 AUTH=PLAIN") as server:
        async with gateway(settings(server, tmp_path, poll_seconds=1)) as store:
            server.put(plain(1), plain(2))
            await until(lambda: states(store) == ["ticket"] * 2, SECONDS)
            server.put(plain(3))
            await until(lambda: states(store) == ["ticket"] * 3, SECONDS)


@pytest.mark.parametrize(("begin", "taken"), [("unseen", 1), ("all", 2), ("new", 0)])
async def test_what_was_there_before_us_is_taken_as_the_settings_say(
    server: Dovecot, tmp_path: Path, begin: str, taken: int
) -> None:
    server.put(plain(1), flags=[rb"\Seen"])
    server.put(plain(2))
    server.put(plain(3), flags=[rb"\Deleted"])
    async with gateway(settings(server, tmp_path, begin=begin, poll_seconds=1)) as store:
        await first_look(store)
        server.put(plain(4))
        await until(lambda: len(states(store)) == taken + 1, SECONDS)
        await another_look(store)
        assert len(states(store)) == taken + 1


async def test_what_people_read_themselves_is_taken_all_the_same(server: Dovecot, tmp_path: Path) -> None:
    configuration = settings(server, tmp_path)
    async with gateway(configuration) as store:
        server.put(plain(1))
        await until(lambda: states(store) == ["ticket"], SECONDS)
    server.put(*(plain(n, sender=f"kim{n}@example.net") for n in range(2, 80)), flags=[rb"\Seen"])  # nobody fetched
    async with gateway(configuration) as store:
        await until(lambda: states(store) == ["ticket"] * 79, SECONDS)


async def test_new_numbers_make_no_second_tickets(server: Dovecot, tmp_path: Path) -> None:
    configuration = settings(server, tmp_path)
    server.put(plain(1), plain(2))
    for round_ in range(3):
        async with gateway(configuration) as store:
            await until(lambda wanted=2 + round_: states(store) == ["ticket"] * wanted, SECONDS)
            await until(lambda: all(b"\\Seen" in flags for flags in server.flags().values()), SECONDS)
        server.put(plain(3 + round_), flags=[rb"\Seen"] if round_ else [])
        server.renumber()


@pytest.mark.parametrize("capabilities", ["", "imap_capability = IMAP4rev1 AUTH=PLAIN IDLE"])
async def test_kept_mail_is_moved_or_deleted_if_that_is_wished(tmp_path: Path, capabilities: str) -> None:
    with dovecot.dovecot(more=capabilities) as server:
        server.put(plain(1))
        async with gateway(settings(server, tmp_path, afterwards="move:Done & geprüft")) as store:
            await until(lambda: states(store) == ["ticket"], SECONDS)
            await until(lambda: not server.flags(), SECONDS)
            assert [b"\\Seen" in flags for flags in server.flags("Done & geprüft").values()] == [True]
        server.put(plain(2))
        async with gateway(settings(server, tmp_path, afterwards="delete")) as store:
            await until(lambda: states(store) == ["ticket"] * 2, SECONDS)
            await until(lambda: not server.flags(), SECONDS)


async def test_of_a_mail_that_is_too_large_the_beginning_makes_a_ticket_and_staff_are_told(
    server: Dovecot, tmp_path: Path
) -> None:
    log = "2026-03-02 12:00:00 retrying\r\n" * 40_000
    server.put(plain(1, f"Nothing works since the update, the log follows.\r\n{log}"), plain(2))
    configuration = settings(server, tmp_path, {"max_message_bytes": 500_000}, afterwards="delete", poll_seconds=1)
    async with gateway(configuration) as store:
        await until(lambda: states(store) == ["ticket"] * 2, SECONDS)
        await until(lambda: {m.state for m in store.queries.outgoing()} == {"sent"}, SECONDS)
        (told,) = [m for m in store.queries.outgoing() if m.template == "unfetched"]
        assert told.recipient == "ann@example.com"
        await until(lambda: list(server.flags()) == [1], SECONDS)  # the other one is deleted
        await another_look(store)
        assert len(states(store)) == 2
    text = "".join(p.read_text() for p in (tmp_path / "sent" / "new").iterdir())
    assert "it has 1,2" in text
    assert "of which the first 262,144" in text


async def test_the_wrong_password_is_told_and_nothing_else_stops(server: Dovecot, tmp_path: Path) -> None:
    async with gateway(settings(server, tmp_path, password="wrong")) as store:
        await until(lambda: "AUTHENTICATIONFAILED" in "".join(f.trouble for f in store.queries.folders()), SECONDS)


async def test_it_connects_again_when_the_server_was_away(
    server: Dovecot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.inbound.mailboxes._FIRST_REST", 0.1)
    async with gateway(settings(server, tmp_path)) as store:
        server.put(plain(1))
        await until(lambda: states(store) == ["ticket"], SECONDS)
        server.stop()
        await until(lambda: store.queries.folders()[0].trouble, SECONDS)
        server.start()
        server.put(plain(2))
        await until(lambda: states(store) == ["ticket"] * 2, SECONDS)
        await until(lambda: not store.queries.folders()[0].trouble, SECONDS)


async def test_while_no_mail_can_be_taken_it_stays_where_it_is(
    server: Dovecot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.watch.EVERY_SECONDS", 0.05)
    monkeypatch.setattr("gateway.inbound.fetching._BUSY_SECONDS", 0.1)
    full = [True]
    monkeypatch.setattr("gateway.db.store.Store.free_bytes", lambda _: 0 if full else None)
    async with gateway(settings(server, tmp_path)) as store:
        server.put(plain(1))
        await until(lambda: store.queries.folders(), SECONDS)
        with pytest.raises(TimeoutError):
            await until(lambda: states(store), 0.5)
        full.clear()
        await until(lambda: states(store) == ["ticket"], SECONDS)


async def test_only_a_node_with_the_role_fetches(server: Dovecot, tmp_path: Path) -> None:
    configuration = settings(server, tmp_path)
    server.put(plain(1))
    async with node(configuration, [NodeRole.INTAKE, NodeRole.WORKER]):
        store = open_store(configuration.database_url, "test", serve=False)
        assert store.queries.folders() == []
    async with node(configuration, [NodeRole.MAILBOX]):
        await until(lambda: states(store) == ["received"], SECONDS)
    store.close()


async def test_a_server_that_says_nothing_more_holds_up_no_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.inbound.mailboxes._GRACE", 0.1)
    silent = Server(script=lambda session, tag, name, arguments: name == "SELECT")
    with serving(silent):
        configuration = settings_of("", tmp_path / "var", imap=[silent.settings(timeout_seconds=1000)])
        async with node(configuration):
            await until(lambda: any("SELECT" in one for one in silent.said), SECONDS)
