"""Whatever an IMAP server answers: no crash, no hanging, no mail twice, and none passed over."""

from __future__ import annotations

import io
import itertools
import socket
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from gateway.db.schema import imap_folder, imap_mail
from gateway.db.store import Store, open_store
from gateway.model import FetchState
from tests.inbound.imapserver import Server, Session
from tests.inbound.imapworld import World, mail

pytestmark = pytest.mark.hypothesis
_MOST_COMMANDS = 300
_PIECES = [
    b"\r\n", b"\n", b" ", b"(", b")", b"((((((((", b"{0}\r\n", b"{1}\r\n", b"{9999999999999}\r\n", b"{-1}\r\n", b'"',
    b'"\\"', b"\\", b"NIL", b"*", b"* ", b"+ \r\n", b"* BYE gone\r\n", b"* 4 EXISTS\r\n", b"* 1 EXPUNGE\r\n", b"<0>",
    b"* 2 FETCH (FLAGS (\\Seen))\r\n", b"* SEARCH 1 2 3\r\n", b"* SEARCH 4294967296 99999999999999999999\r\n",
    b"* ESEARCH (TAG \"x\") UID ALL 1:3\r\n", b"* OK [UIDVALIDITY 8] x\r\n", b"* OK [UIDNEXT 0] x\r\n", b"0", b"-1",
    b"4294967295", b"5000000000000", b"1" * 5000, b"UID", b"BODY[]", b"BODY[HEADER]", b"RFC822.SIZE", b"BODY[] 7",
    b"BODY[] NIL", b"BODY[] (1 2)", b"RFC822.SIZE (1)", b"RFC822.SIZE NIL", b"\0", b"\xff\xfe", "é".encode(), b"]",
    b"[", b"OK", b"NO", b"BAD", b"PREAUTH", b"\x1b[2J", b"~{3}\r\nabc", b"{3+}\r\nabc", b"* LIST () \"/\" x\r\n",
]  # fmt: skip


class Change(NamedTuple):
    """To one answer: ``length`` octets of it at ``at`` become ``piece``; after it the server may hang up."""

    answer: int
    at: float
    """From 0 to 1."""
    length: int
    piece: bytes
    times: int
    ends: bool


changes = st.lists(
    st.builds(
        Change,
        answer=st.integers(0, 24),
        at=st.floats(0, 1),
        length=st.sampled_from([0, 0, 1, 1, 3, 10, 50, 10_000]),
        piece=st.one_of(st.sampled_from(_PIECES), st.binary(max_size=4), st.just(b"")),
        times=st.sampled_from([1, 1, 1, 2, 500]),
        ends=st.sampled_from([False] * 7 + [True]),
    ),
    min_size=1,
    max_size=4,
)


UIDS = (1, 2, 3)
_numbers = itertools.count()
Garble = Callable[[bytes], tuple[bytes, bool]]
"""What becomes of an answer, and whether the server hangs up after it."""


def sound(answer: bytes) -> tuple[bytes, bool]:
    return answer, False


class Endless(BaseException):
    """Not to be taken for what is wrong with an answer."""


class ServersEnd:
    """What the server sees of a connection without a network."""

    def __init__(self, garble: Garble) -> None:
        self._garble = garble
        self.says = bytearray()
        self.gone = False

    def sendall(self, octets: bytes) -> None:
        if not self.gone:
            changed, self.gone = self._garble(octets)
            self.says += changed

    def shutdown(self, _: int) -> None:
        self.gone = True

    def makefile(self, _: str) -> io.BytesIO:
        return io.BytesIO()


class ClientsEnd(io.RawIOBase):
    """What the client sees of it: a command is answered at once, and behind the last answer is the end."""

    def __init__(self, server: Server, garble: Garble) -> None:
        super().__init__()
        self._other = ServersEnd(garble)
        self._session = Session(server, self._other)  # type: ignore[arg-type]
        self._heard = b""
        self._commands = 0
        self._other.sendall(server.greeting)

    def sendall(self, octets: bytes) -> None:
        *lines, self._heard = (self._heard + octets).split(b"\n")
        for line in lines:
            self._commands += 1
            if self._commands > _MOST_COMMANDS:
                raise Endless
            if not self._other.gone:
                self._session.take(line)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        room = memoryview(buffer)
        piece = self._other.says[: len(room)]
        room[: len(piece)] = piece
        del self._other.says[: len(piece)]
        return len(piece)

    def makefile(self, _: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def fileno(self) -> int:
        return 0  # nobody is waited for

    def setsockopt(self, *_: object) -> None: ...
    def settimeout(self, _: float | None) -> None: ...
    def shutdown(self, _: int) -> None: ...


class Garbler:
    """Changes answers by their number."""

    def __init__(self, changes: Sequence[Change], only: bytes = b"") -> None:
        self._changes = changes
        self._only = only
        self._answers = 0

    def __call__(self, octets: bytes) -> tuple[bytes, bool]:
        if self._only not in octets:
            return octets, False
        here = [one for one in self._changes if one.answer == self._answers]
        self._answers += 1
        for one in here:
            at = int(one.at * len(octets))
            octets = octets[:at] + one.piece * one.times + octets[at + one.length :]
        return octets, any(one.ends for one in here)


class Desk:
    """Folders of one store, each of them new."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self._store = store
        self._monkeypatch = monkeypatch

    def folder(self, capabilities: str) -> World:
        server = Server({uid: mail(uid) for uid in UIDS}, capabilities=capabilities, port=143)
        return World(self._store, server, username=f"kim{next(_numbers)}")

    def look(self, world: World, garble: Garble = sound) -> str:
        self._monkeypatch.setattr(socket, "create_connection", lambda *_: ClientsEnd(world.server, garble))
        return world.look()

    def settled(self, world: World) -> list[tuple[int, int]]:
        """Numbering and number of all mails of the folder that are kept or given up."""
        query = (
            select(imap_mail.c.uid_validity, imap_mail.c.uid)
            .join(imap_folder, imap_folder.c.id == imap_mail.c.folder_id)
            .where(imap_folder.c.name.startswith(f"{world.username} at"), imap_mail.c.state != FetchState.FETCH.value)
        )
        with self._store.engine.connect() as connection:
            return [(row.uid_validity, row.uid) for row in connection.execute(query)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('fuzz') / 'gateway.db'}", "test", serve=True)
    yield store
    store.close()


@pytest.fixture
def desk(store: Store, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(store, monkeypatch)


fuzzed = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
capabilities = st.sampled_from([
    "IMAP4rev1 AUTH=PLAIN", "IMAP4rev1 IDLE", "IMAP4rev1 UIDPLUS MOVE IDLE AUTH=PLAIN",
])  # fmt: skip


@pytest.mark.incident("imapclient without limits")
@fuzzed
@given(capabilities, changes)
def test_whatever_a_server_answers_nothing_crashes_or_hangs(desk: Desk, capabilities: str, changes: Any) -> None:
    world = desk.folder(capabilities)
    desk.look(world, Garbler(changes))
    for _ in range(2):
        assert desk.look(world) == ""


@fuzzed
@given(capabilities, changes)
def test_of_garbled_mails_each_is_kept_or_reported_and_none_twice(
    desk: Desk, capabilities: str, changes: Any
) -> None:
    world = desk.folder(capabilities)
    desk.look(world, Garbler(changes, only=b" FETCH ("))
    world.now += timedelta(minutes=2)
    for _ in range(2):
        assert desk.look(world) == ""
    assert sorted(desk.settled(world)) == [(7, uid) for uid in UIDS]
