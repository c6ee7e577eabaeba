"""IMAP folders: which node polls them, how far they were read, and what is still to be done in them.

A folder is leased like everything else that one node at a time may have in hand. What was fetched and how far that
goes are written in one transaction, which no node but the one with the lease can write.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from gateway.db.ids import Ids
from gateway.db.lease import LeaseLost, db_now, forget, held_until, lease_end, prolong
from gateway.db.mails import Mails, Waiting
from gateway.db.schema import IMAP_OPEN, fixed, from_moment, imap_folder, imap_mail, to_moment
from gateway.db.writer import Writer
from gateway.model import Envelope, FetchState
from gateway.portions import portions
from gateway.reading import headers

_MOST = 500
"""Rows in one statement."""
# The second condition of each is that of the partial index: SQLite does not conclude it from the first.
_TO_FETCH = (imap_mail.c.state == fixed(FetchState.FETCH), IMAP_OPEN)
_TO_MARK = (imap_mail.c.state == fixed(FetchState.MARK), IMAP_OPEN)


class Position(NamedTuple):
    """How far a folder was read."""

    uid_validity: int
    """The server's name for its numbering (RFC 9051 §2.3.1.1); 0 before the first contact."""
    uid_next: int
    """Mails below it are dealt with, or named by ``Folders.to_fetch``."""
    looked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A mail that was fetched."""

    uid: int
    envelope: Envelope
    raw: bytes
    whole: bool = True
    """Else it stays on the server as it is."""


@dataclass(frozen=True, slots=True)
class Left:
    """A mail that could not be fetched. It is tried again at ``due_at``, and given up where that is None."""

    uid: int
    attempts: int
    reason: str
    due_at: datetime | None


class Folders:
    """Every method blocks until its commit. All but ``named``, ``claim`` and ``renew`` raise LeaseLost where another
    node has the folder."""

    def __init__(self, writer: Writer, ids: Ids, mails: Mails, node: str) -> None:
        self._writer = writer
        self._ids = ids
        self._mails = mails
        self._node = node
        self._lease_seconds = mails.lease_seconds

    def named(self, name: str) -> int:
        """The id of a folder, which is noted down where it is new."""

        def job(connection: Connection) -> int:
            found: int | None = connection.execute(
                select(imap_folder.c.id).where(imap_folder.c.name == name)
            ).scalar()
            if found is not None:
                return found
            id_ = self._ids.take(connection, imap_folder)
            new = {"id": id_, "name": name, "uid_validity": 0, "uid_next": 1, "looked_at": None, "trouble": ""}
            connection.execute(insert(imap_folder), [new | {"node": "", "lease_until": 0}])
            return id_

        id_: int = self._writer.run(job)
        return id_

    def claim(self, id_: int, now: datetime) -> float | None:
        """Lease the folder: until when by ``time.monotonic()``, or None where another node has it."""
        until = held_until(self._lease_seconds)

        def job(connection: Connection) -> int:
            ended = imap_folder.c.lease_until < db_now(connection, now)
            free = or_(imap_folder.c.node.in_(("", self._node)), ended)
            lease = {"node": self._node, "lease_until": lease_end(connection, now, self._lease_seconds)}
            return connection.execute(update(imap_folder).where(imap_folder.c.id == id_, free).values(lease)).rowcount

        return until if self._writer.run(job) else None

    def renew(self, ids: Sequence[int], now: datetime) -> dict[int, float]:
        """Prolong leases; which of them this node still has, and until when by ``time.monotonic()``."""
        until = held_until(self._lease_seconds)

        def job(connection: Connection) -> list[int]:
            return prolong(connection, imap_folder, ids, self._node, lease_end(connection, now, self._lease_seconds))

        return dict.fromkeys(self._writer.submit(job, light=True).result(), until)

    def give_back(self, id_: int, trouble: str = "") -> None:
        """Let another node have it, with what hindered this one."""

        def job(connection: Connection) -> None:
            mine = update(imap_folder).where(imap_folder.c.id == id_, imap_folder.c.node == self._node)
            connection.execute(mine.values(node="", lease_until=0, trouble=trouble))

        self._writer.run(job)

    def forget_leases(self, connection: Connection, *, of_all: bool) -> None:
        """End the leases of this node, which stops; or ``of_all``, where no other node can be alive."""
        forget(connection, imap_folder, self._node, of_all=of_all)

    def position(self, id_: int, now: datetime) -> Position:
        return self._writer.run(lambda connection: _position(self._mine(connection, id_, now)))  # type: ignore[no-any-return]

    def known(self, id_: int, digests: Collection[str]) -> set[str]:
        """Those of mails that were kept from this folder under whatever number."""
        query = select(imap_mail.c.digest).where(imap_mail.c.folder_id == id_)

        def job(connection: Connection) -> set[str]:
            return {
                digest
                for some in portions(sorted(digests), _MOST)
                for digest in connection.execute(query.where(imap_mail.c.digest.in_(some))).scalars()
            }

        return self._writer.run(job)  # type: ignore[no-any-return]

    def begin(
        self, id_: int, uid_validity: int, uid_next: int, left: Iterable[int], known: Iterable[int], now: datetime
    ) -> None:
        """Note down a new numbering: which mails below ``uid_next`` are to be fetched, and which of them we have."""
        rows = [_row(id_, uid_validity, uid, FetchState.FETCH, to_moment(now)) for uid in left]
        rows += [_row(id_, uid_validity, uid, FetchState.MARK, to_moment(now)) for uid in known]

        def job(connection: Connection) -> None:
            self._mine(connection, id_, now)
            former = (imap_mail.c.folder_id == id_, imap_mail.c.uid_validity != uid_validity)
            connection.execute(delete(imap_mail).where(*former, *_TO_FETCH))
            connection.execute(update(imap_mail).where(*former, *_TO_MARK).values(state=FetchState.DONE.value))
            self._move(connection, id_, uid_validity=uid_validity, uid_next=uid_next)
            if rows:
                connection.execute(insert(imap_mail), rows)

        self._writer.run(job)

    def to_fetch(self, id_: int, now: datetime) -> dict[int, int]:
        """Mails below ``uid_next`` that are to be fetched now, and how often each was tried."""
        query = select(imap_mail.c.uid, imap_mail.c.attempts).where(
            imap_mail.c.folder_id == id_, imap_mail.c.due_at <= to_moment(now), *_TO_FETCH
        )
        return dict(self._writer.run(lambda connection: [tuple(row) for row in connection.execute(query)]))

    def to_mark(self, id_: int) -> list[int]:
        """Mails that are kept, and not yet marked on the server."""
        query = select(imap_mail.c.uid).where(imap_mail.c.folder_id == id_, *_TO_MARK)
        return self._writer.run(lambda connection: sorted(connection.execute(query).scalars()))  # type: ignore[no-any-return]

    def marked(self, id_: int, uids: Sequence[int], now: datetime) -> None:
        def job(connection: Connection) -> None:
            self._mine(connection, id_, now)
            for some in portions(uids, _MOST):
                of_these = (imap_mail.c.folder_id == id_, imap_mail.c.uid.in_(some), *_TO_MARK)
                connection.execute(update(imap_mail).where(*of_these).values(state=FetchState.DONE.value))

        self._writer.run(job)

    def settle(
        self,
        id_: int,
        dealt: Sequence[int],
        results: Sequence[Kept | Left],
        now: datetime,
    ) -> list[Waiting]:
        """Keep what was fetched and note down what could not be; of ``dealt`` nothing more is to be fetched otherwise.

        Raises Temporary where it could not be kept.
        """
        kept = [one for one in results if isinstance(one, Kept)]
        stored = self._mails.in_objects([one.raw for one in kept])

        def job(connection: Connection) -> list[Waiting]:
            folder = self._mine(connection, id_, now)
            numbering = folder.uid_validity
            mails = [(one.envelope, one.raw) for one in kept]
            added = self._mails.add(connection, mails, now, mine=False, stored=stored) if mails else []
            rows = [_left(id_, numbering, one) for one in results if isinstance(one, Left)]
            rows += [
                _row(
                    id_, numbering, one.uid, FetchState.MARK if one.whole else FetchState.DONE, to_moment(now),
                    waiting.id, digest(one.raw),
                )
                for one, waiting in zip(kept, added, strict=True)
            ]  # fmt: skip
            for some in portions(dealt, _MOST):
                connection.execute(
                    delete(imap_mail).where(
                        imap_mail.c.folder_id == id_, imap_mail.c.uid_validity == numbering, imap_mail.c.uid.in_(some)
                    )
                )
            if rows:
                connection.execute(insert(imap_mail), rows)
            self._move(connection, id_, uid_next=max(folder.uid_next, *(uid + 1 for uid in dealt)))
            return added

        return self._writer.run(job)  # type: ignore[no-any-return]

    def looked(self, id_: int, now: datetime, trouble: str = "") -> None:
        """A look into the folder succeeded, but for some ``trouble``."""

        def job(connection: Connection) -> None:
            self._mine(connection, id_, now)
            self._move(connection, id_, looked_at=to_moment(now), trouble=trouble)

        self._writer.run(job)

    def _mine(self, connection: Connection, id_: int, now: datetime) -> Row[Any]:
        """The folder's row, locked, if this node has it."""
        mine = (imap_folder.c.node == self._node, imap_folder.c.lease_until > db_now(connection, now))
        query = select(imap_folder).where(imap_folder.c.id == id_, *mine).with_for_update()
        row = connection.execute(query).one_or_none()
        if row is None:
            raise LeaseLost
        return row

    @staticmethod
    def _move(connection: Connection, id_: int, **values: Any) -> None:
        connection.execute(update(imap_folder).where(imap_folder.c.id == id_).values(values))


def digest(raw: bytes) -> str:
    """By which a mail is known again when the server numbers its mails anew: of its header, whatever its line ends."""
    return hashlib.sha256(headers.block(raw).replace(b"\r\n", b"\n").strip()).hexdigest()


def looks(connection: Connection) -> dict[str, datetime | None]:
    """When each folder was last looked into with success."""
    rows = connection.execute(select(imap_folder.c.name, imap_folder.c.looked_at))
    return {row.name: from_moment(row.looked_at) if row.looked_at is not None else None for row in rows}


def _position(row: Row[Any]) -> Position:
    looked_at = from_moment(row.looked_at) if row.looked_at is not None else None
    return Position(row.uid_validity, row.uid_next, looked_at)


def _row(
    folder: int, numbering: int, uid: int, state: FetchState, due_at: int, mail: int | None = None, digest: str = ""
) -> dict[str, Any]:
    return {
        "folder_id": folder, "uid_validity": numbering, "uid": uid, "state": state.value, "mail_id": mail,
        "digest": digest, "attempts": 0, "due_at": due_at, "reason": "",
    }  # fmt: skip


def _left(folder: int, numbering: int, left: Left) -> dict[str, Any]:
    state = FetchState.FETCH if left.due_at is not None else FetchState.GIVEN_UP
    due_at = to_moment(left.due_at) if left.due_at is not None else 0
    return _row(folder, numbering, left.uid, state, due_at) | {"attempts": left.attempts, "reason": left.reason}
