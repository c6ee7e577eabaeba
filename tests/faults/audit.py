"""The books after the faults: what clients were told, what the database holds, and what arrived at the relay."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import sqlalchemy as sa

from gateway.db.engine import open_engine, reading, sqlite_file
from gateway.db.raw import Segments
from gateway.db.schema import mail, message, outgoing, page
from gateway.model import DeliveryState, MailState, MessageKind
from tests.faults.letters import ON_CALL, Letter
from tests.faults.sink import Arrival

Count = Callable[[int], Iterable[int]]
"""Yields the numbers of so many steps; fewer, where a run is to end early."""


@dataclass(slots=True)
class Report:
    """What a run counted, and what it found wrong."""

    fault: str
    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def blame(self, what: str) -> None:
        self.wrong.append(what)

    def add(self, part: Report) -> None:
        """Take in what a part of the run found."""
        self.counts.update(part.counts)
        self.wrong += part.wrong

    def slowest(self, what: str, seconds: float) -> None:
        """Remember the longest, in whole seconds, rounded up."""
        self.counts[what] = max(self.counts[what], ceil(seconds))

    def check(self) -> None:
        """Fail, with all that is needed to repeat the run."""
        shown = "\n  ".join(self.wrong[:20])
        run = f"{self.fault}, seed {self.seed}, {dict(self.counts)}"
        assert not self.wrong, f"{run}: {len(self.wrong)} wrong\n  {shown}"


class Books:
    """Read-only look at a gateway's database."""

    def __init__(self, url: str) -> None:
        self._file = sqlite_file(url)
        self._engine = reading(open_engine(url))

    def close(self) -> None:
        self._engine.dispose()

    def rows(self, query: Any) -> Sequence[Any]:
        with self._engine.connect() as connection:
            return connection.execute(query).all()

    def count(self, table: sa.Table, *where: Any) -> int:
        return int(self.rows(sa.select(sa.func.count()).select_from(table).where(*where))[0][0])

    def raws(self, *where: Any) -> Iterator[tuple[str, bytes]]:
        """Of an embedded database: sender and bytes of the mails as they were taken in, the oldest first."""
        assert self._file is not None
        segments = Segments(self._file.parent / "raw")
        query = sa.select(mail.c.mail_from, mail.c.raw, mail.c.raw_ref).where(*where).order_by(mail.c.id)
        for row in self.rows(query):
            yield row.mail_from, row.raw if row.raw is not None else segments.read(row.raw_ref)

    @property
    def unfinished(self) -> int:
        """Mails to be read, mails to be sent and pages that wait."""
        return (
            self.count(mail, mail.c.state == MailState.RECEIVED)
            + self.count(outgoing, outgoing.c.state == DeliveryState.WAITING)
            + self.count(page, page.c.state == DeliveryState.WAITING)
        )

    def fate(self, letter: Letter) -> str:
        """What the journal says became of it."""
        query = sa.select(mail.c.id, mail.c.state, mail.c.reason).where(mail.c.mail_from == letter.sender)
        return "; ".join(f"#{row.id} {row.state}: {row.reason}" for row in self.rows(query)) or "no row"

    def integrity(self) -> str:
        """``ok``, or what SQLite says is broken."""
        if self._file is None:
            return "ok"
        return "; ".join(str(row[0]) for row in self.rows(sa.text("PRAGMA integrity_check"))[:5])


def audit(report: Report, books: Books, letters: Iterable[Letter], arrivals: Sequence[Arrival]) -> None:
    """What must hold after any fault, once everything has come to rest."""
    known = list(letters)
    audit_in_and_out(report, books, known, arrivals)
    _messages(report, books, known)
    _confirmations(report, known, arrivals)


def audit_in_and_out(report: Report, books: Books, letters: Sequence[Letter], arrivals: Sequence[Arrival]) -> None:
    """The part of it that holds whatever the mails say."""
    if (state := books.integrity()) != "ok":
        report.blame(f"integrity check: {state}")
    report.counts["mails"] += sum(letter.kept for letter in letters)
    _deliveries(report, books, arrivals)
    for letter in letters:
        report.counts["tries"] += letter.tries
        for text in letter.replies:
            if text[:1] == "5":
                report.blame(f"{letter.message_id}: was refused for good: {text}")


def _messages(report: Report, books: Books, letters: Sequence[Letter]) -> None:
    """Every mail with a 250 is exactly one message, in a ticket of its own."""
    rows = books.rows(sa.select(message.c.rfc_id, message.c.ticket_id).where(message.c.kind == MessageKind.INBOUND))
    found: defaultdict[str, list[int]] = defaultdict(list)
    for row in rows:
        found[row.rfc_id].append(row.ticket_id)
    for letter in letters:
        times = len(found[letter.message_id])
        if letter.kept and not times:
            report.blame(f"{letter.message_id}: was answered with 250 and is lost; {books.fate(letter)}")
        if times > 1:
            report.blame(f"{letter.message_id}: is {times} messages, in tickets {found[letter.message_id]}")


def _confirmations(report: Report, letters: Sequence[Letter], arrivals: Sequence[Arrival]) -> None:
    """Every sender has one confirmation, at least once."""
    ids: defaultdict[str, set[str]] = defaultdict(set)
    for arrival in arrivals:
        ids[arrival.recipient].add(arrival.message_id)
    for letter in letters:
        different = len(ids[letter.sender])
        if letter.kept and different == 0:
            report.blame(f"{letter.message_id}: its confirmation never arrived")
        if different > 1:
            report.blame(f"{letter.message_id}: {different} different confirmations arrived")


def _deliveries(report: Report, books: Books, arrivals: Sequence[Arrival]) -> None:
    """What counts as sent arrived; what arrived is a mail that was written down, and twice the same byte for byte."""
    digests: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for arrival in arrivals:
        digests[arrival.message_id, arrival.recipient].append(arrival.digest)
    for (message_id, recipient), several in digests.items():
        report.counts["repeats"] += len(several) - 1
        if len(set(several)) > 1:
            report.blame(f"{message_id} to {recipient}: arrived with different bytes")
    report.counts["arrivals"] += len(arrivals)
    written = books.rows(sa.select(outgoing.c.rfc_id, outgoing.c.recipient, outgoing.c.state))
    for row in written:
        if row.state == DeliveryState.SENT and (row.rfc_id, row.recipient) not in digests:
            report.blame(f"{row.rfc_id} to {row.recipient}: counts as sent and never arrived")
    for message_id, recipient in digests.keys() - {(row.rfc_id, row.recipient) for row in written}:
        if recipient != ON_CALL:
            report.blame(f"{message_id} to {recipient}: arrived, and was never written down")
