"""What is done in one IMAP folder: find what is new, fetch it, keep it, and mark it on the server only then.

State is by UID, never by ``\\Seen``, which people set as well. A mail that cannot be fetched stops no other: it is put
off, and after a day given up and reported to staff. Everything here blocks and runs in a thread of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from gateway import log
from gateway.db.folders import Folders, Kept, Left, Position, digest
from gateway.db.lease import LeaseLost
from gateway.db.mails import Waiting
from gateway.errors import Temporary
from gateway.inbound.files import Source, envelope
from gateway.inbound.imap import Connection
from gateway.inbound.imap_login import Broken, Refused
from gateway.inbound.journal import tell_accepted
from gateway.model import Envelope, Said
from gateway.oauth import Tokens
from gateway.retry import next_wait
from gateway.settings import Imap

BEGINNING = 256 * 1024
"""Octets that are fetched of a mail that is too large."""
_BATCH_BYTES = 4 * 1024 * 1024
_BATCH_MAILS = 50
_BUSY_SECONDS = 5.0
"""Between two looks while new mail is put off."""
_WAITS = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60)]
_PATIENCE = timedelta(days=1)
_OVERLAP = timedelta(days=2)
"""Before the last look: dates of other time zones, and mails that could not be fetched at once."""
_MOST_BREAKS = 2
"""After so many connections that broke over one mail it is put off; later after each one."""

Report = Callable[[Imap, bytes, Said], None]
"""Tell staff what could not be fetched: the beginning of the mail, or nothing, and why. Blocks."""


class Fetching:
    """One folder. Outlives its connections."""

    def __init__(
        self,
        settings: Imap,
        tokens: Tokens | None,
        largest: int,
        address: str,
        knows: Callable[[str], bool],
        folders: Folders,
        trouble: Callable[[], str],
        kept: Callable[[], object],
        report: Report,
        clock: Callable[[], datetime],
    ) -> None:
        """``address`` is whose mail it is if no address of ours, as ``knows`` tells, stands in it; ``trouble`` says why
        no mail can be taken now; ``kept`` is called after a commit."""
        self.name = settings.name
        self._settings = settings
        self._tokens = tokens
        self._largest = largest
        self._address = address
        self._knows = knows
        self._folders = folders
        self._trouble = trouble
        self._kept = kept
        self._report = report
        self._clock = clock
        self.looks = 0
        """How often a look into the folder succeeded."""
        self._breaks: Counter[int] = Counter()
        """Connections that broke while a mail was fetched, by its number."""
        self._connection: Connection | None = None

    def run(self, id_: int, going: Callable[[], bool]) -> None:
        """Look into the folder again and again while ``going``. Raises what ended the connection, and LeaseLost."""
        connection = self._connection = Connection(self._settings, self._tokens)
        try:
            connection.open()
            log.imap_connected(self.name)
            while going():
                self._look(id_, connection, going)
                busy = bool(self._trouble())
                connection.wait(_BUSY_SECONDS if busy else self._settings.poll_seconds, going)
            connection.leave()
        finally:
            connection.close()
            self._connection = None

    def break_off(self) -> None:
        """From another thread: do not wait for the server any more."""
        if self._connection is not None:
            self._connection.close()

    def _look(self, id_: int, connection: Connection, going: Callable[[], bool]) -> None:
        if self._trouble():
            return
        position = self._position(id_, connection)
        not_marked = self._mark(id_, connection)
        tries = self._folders.to_fetch(id_, self._clock())
        for batch in self._batches(connection, sorted({*tries, *connection.from_(position.uid_next)})):
            if not going() or self._trouble():
                return
            self._take(id_, connection, batch, tries)
            not_marked = self._mark(id_, connection)
        self._folders.looked(id_, self._clock(), not_marked)
        self.looks += 1

    def _position(self, id_: int, connection: Connection) -> Position:
        position = self._folders.position(id_, self._clock())
        if position.uid_validity == connection.uid_validity:
            return position
        self._begin(id_, connection, position)
        return self._folders.position(id_, self._clock())

    def _begin(self, id_: int, connection: Connection, before: Position) -> None:
        """The first contact, or the server has numbered its mails anew: then those that we have are known by their
        headers, and what came since the last look is fetched, read or not."""
        below, begin = connection.uid_next, self._settings.begin
        uids: set[int] = set()
        if begin == "all":
            uids.update(connection.all(below))
        elif begin == "unseen":
            uids.update(connection.unseen(below))
        known: set[int] = set()
        if before.uid_validity:
            if before.looked_at is not None:
                uids.update(connection.since((before.looked_at - _OVERLAP).date(), below))
            known = self._known(id_, connection, uids)
        self._breaks.clear()
        self._folders.begin(id_, connection.uid_validity, below, uids - known, known, self._clock())
        log.imap_begun(self.name, connection.uid_validity, len(uids - known), len(known))

    def _known(self, id_: int, connection: Connection, uids: Iterable[int]) -> set[int]:
        digests = {uid: digest(header) for uid, header in connection.headers(sorted(uids))}
        known = self._folders.known(id_, digests.values())
        return {uid for uid, one in digests.items() if one in known}

    def _mark(self, id_: int, connection: Connection) -> str:
        """Do on the server what is to be done with kept mails; why that failed, which harms nothing else."""
        uids = self._folders.to_mark(id_)
        if not uids:
            return ""
        try:
            connection.mark(uids)
        except Refused as problem:
            log.imap_failed(self.name, problem)
            return problem.private
        self._folders.marked(id_, uids, self._clock())
        return ""

    def _batches(self, connection: Connection, uids: Sequence[int]) -> Iterator[dict[int, int]]:
        """Sizes by number, in order; each batch is one to fetch at once."""
        batch: dict[int, int] = {}
        for uid, size in connection.sizes(uids):
            alone = size > self._largest or uid in self._breaks
            full = len(batch) == _BATCH_MAILS or sum(batch.values()) + size > _BATCH_BYTES
            if batch and (alone or full):
                yield batch
                batch = {}
            batch[uid] = size
            if alone:
                yield batch
                batch = {}
        if batch:
            yield batch

    def _take(self, id_: int, connection: Connection, batch: Mapping[int, int], tries: Mapping[int, int]) -> None:
        """Fetch and keep. The connection may break at any point: what is not kept then is fetched again."""
        uids = list(batch)
        try:
            self._keep(id_, uids, list(self._results(connection, batch, tries)))
        except Broken:
            self._breaks.update(uids)
            raise
        except (LeaseLost, Temporary) as problem:
            if len(uids) == 1 or not isinstance(problem, Refused):
                raise
            self._take_each(id_, connection, batch, tries)
        except Exception as problem:  # one mail's, which stops no other
            if len(uids) > 1:
                self._take_each(id_, connection, batch, tries)
            else:
                why = Said("it cannot be kept: {}", type(problem).__name__)
                self._keep(id_, uids, [self._left(uids[0], tries, why)])

    def _take_each(self, id_: int, connection: Connection, batch: Mapping[int, int], tries: Mapping[int, int]) -> None:
        for uid, size in batch.items():
            self._take(id_, connection, {uid: size}, tries)

    def _keep(self, id_: int, uids: Sequence[int], results: Sequence[Kept | Left]) -> None:
        added = self._folders.settle(id_, uids, results, self._clock())
        for uid in uids:
            self._breaks.pop(uid, None)
        self._tell(results, added)

    def _results(
        self, connection: Connection, batch: Mapping[int, int], tries: Mapping[int, int]
    ) -> Iterator[Kept | Left]:
        """Nothing for mails that are gone. Raises Refused only where several are asked for."""
        single = next(iter(batch)) if len(batch) == 1 else 0
        if self._breaks[single] >= (1 if tries.get(single) else _MOST_BREAKS):
            yield self._left(single, tries, Said("the connection breaks over it"))
            return
        try:
            mails = self._fetched(connection, batch)
        except Refused as problem:
            if not single:
                raise
            yield self._left(single, tries, Said("the server refuses it: {}", problem.private))
            return
        whole = batch[single] <= self._largest if single else True
        yield from (Kept(uid, self._envelope(raw), raw, whole) for uid, raw in mails.items())
        missing = connection.there([uid for uid in batch if uid not in mails])
        if missing and not single:
            raise Refused("", "mails are missing in the answer")
        yield from (self._left(uid, tries, Said("the server does not send it")) for uid in missing)

    def _fetched(self, connection: Connection, batch: Mapping[int, int]) -> dict[int, bytes]:
        uid, size = next(iter(batch.items()))
        if size <= self._largest:
            return connection.mails(list(batch), sum(batch.values()))
        raw = connection.beginning(uid, BEGINNING)
        if not raw:
            return {}
        why = Said("it has {} octets, of which the first {} were fetched", f"{size:,}", f"{len(raw):,}")
        self._report(self._settings, raw, why)
        return {uid: raw}

    def _envelope(self, raw: bytes) -> Envelope:
        return envelope(Source(self.name, raw), self._knows, self._address, via="imap")

    def _left(self, uid: int, tries: Mapping[int, int], why: Said) -> Left:
        attempts = tries.get(uid, 0) + 1
        wait = next_wait(attempts, _WAITS, _PATIENCE)
        if wait is None:
            self._report(self._settings, b"", why)
        self._breaks.pop(uid, None)
        return Left(uid, attempts, why, self._clock() + wait if wait is not None else None)

    def _tell(self, results: Iterable[Kept | Left], added: Sequence[Waiting]) -> None:
        for one in results:
            if isinstance(one, Left):
                log.imap_mail_left(self.name, one.uid, one.reason, one.attempts, one.due_at is None)
        if added:
            tell_accepted(added)
            self._kept()
