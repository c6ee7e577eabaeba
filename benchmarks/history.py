"""Cost of a mail with little and with much history behind it, on both databases.

The database makes the history itself, one statement a table, so that a million tickets take minutes. Then mails come in
by SMTP to a running gateway; two of five answer a ticket, most of them one of the history.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, String, Table, cast, func, insert, literal, select

from benchmarks import postgresql, run, servers, show
from benchmarks.run import Outcome
from benchmarks.servers import Server
from benchmarks.sink import Sink
from benchmarks.workload import RECIPIENT, Mail, Mix, Thread, make
from gateway.db.engine import open_engine, upgrade
from gateway.db.schema import event, mail, message, outgoing, participant, seen, sender, ticket
from gateway.model import Category, DeliveryState, MailState, MessageKind, Role, Severity, Status

FEW = 1_000
MAILS = 1_500
DATABASES = ("sqlite", "postgresql")
_START = 1_700_000_000_000_000
_STEP = 30_000_000
"""Microseconds between two tickets of the history."""
_TEXT = "It worked on Friday, and nobody here remembers having changed a setting. " * 8
_GOLDEN = 2_654_435_761
"""Spreads successive numbers over 32 bits (Knuth's multiplicative hash), as real ids are spread."""


@dataclass(frozen=True, slots=True)
class Measured:
    database: str
    tickets: int
    round: int
    outcome: Outcome


def measure(many: int, rounds: int, folder: Path | None) -> list[Measured]:
    """``FEW`` and ``many`` tickets in turn. The few are made anew for each round, for a run adds to them."""
    results: list[Measured] = []
    with servers.scratch(folder) as place, postgresql.server(place / "postgresql") as url, show.progress() as bar:
        task = bar.add_task("history", total=len(DATABASES) * (2 * rounds + 1))
        for name in DATABASES:
            bar.update(task, description=f"{name}, making {many:,} tickets")
            large = _filled(name, url, place / f"{name}-many", many)
            bar.advance(task)
            for number in range(rounds):
                small = _filled(name, url, place / f"{name}-{number}", FEW)
                for tickets, (path, database) in ((FEW, small), (many, large)):
                    bar.update(task, description=f"{name}, {tickets:,} tickets")
                    earlier = [thread(1 + n * tickets // FEW) for n in range(FEW)]
                    mails = make(Mix.SMALL, MAILS, seed=2 * number + (tickets > FEW) + 1, earlier=earlier)
                    results.append(Measured(name, tickets, number, run.execute(_run(mails, path, database))))
                    bar.advance(task)
    return results


def _filled(name: str, server: str, folder: Path, count: int) -> tuple[Path, str]:
    (folder / "var").mkdir(parents=True)
    url = f"sqlite:///{folder}/var/gateway.db" if name == "sqlite" else postgresql.database(server)
    fill(url, count)
    return folder, url


async def _run(mails: Sequence[Mail], folder: Path, database: str) -> Outcome:
    port = servers.free_port()
    async with Sink() as sink:
        command = servers.gateway(folder, port, sink.port, database)
        with Server(command, port, folder / "gateway.log") as server:
            return await run.answered(mails, [port], [server], sink)


def thread(number: int) -> Thread:
    """A ticket of the history as its customer knows it."""
    message_id = f"{number * _GOLDEN % 2**32}@history.example"
    return Thread("Kim", f"kim.{number}@history.example", f"Question {number}", [message_id])


def fill(url: str, count: int) -> None:
    """Tickets 1 to ``count``, each from one mail and with one confirmation that was sent."""
    upgrade(url)
    engine = open_engine(url)
    with engine.connect() as connection:
        with _fast(connection):
            for table, values in _rows().items():
                with connection.begin():
                    _insert(connection, table, values, count)
        if connection.dialect.name == "postgresql":
            _settle(connection)
    engine.dispose()


@contextmanager
def _fast(connection: Connection) -> Iterator[None]:
    """The filling need not survive a power cut, and refers to nothing that is not there."""
    driver = connection.connection.driver_connection
    assert driver is not None
    if connection.dialect.name == "sqlite":
        driver.executescript("PRAGMA synchronous=OFF; PRAGMA foreign_keys=OFF")
    yield
    if connection.dialect.name == "sqlite":
        driver.executescript("PRAGMA wal_checkpoint(TRUNCATE)")


def _settle(connection: Connection) -> None:
    """What PostgreSQL's sequences and its autovacuum would have done meanwhile."""
    for table in _rows():
        if "id" in table.c:
            sequence = func.pg_get_serial_sequence(table.name, "id")
            connection.execute(select(func.setval(sequence, select(func.max(table.c.id)).scalar_subquery())))
    connection.commit()
    connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE")


_NUMBERS = select(literal(1, BigInteger).label("i")).cte("numbers", recursive=True)


def _insert(connection: Connection, table: Table, values: Mapping[str, Any], count: int) -> None:
    numbers = _NUMBERS.union_all(select(_NUMBERS.c.i + 1).where(_NUMBERS.c.i < count))
    columns = {name: _column(value, numbers.c.i) for name, value in values.items()}
    rows = select(*(column.label(name) for name, column in columns.items())).select_from(numbers)
    connection.execute(insert(table).from_select(list(columns), rows))


def _column(value: Any, i: Any) -> Any:
    return value(i) if callable(value) else literal(value.value if isinstance(value, StrEnum) else value)


def _id(i: Any) -> Any:
    return i


def _moment(i: Any) -> Any:
    return _START + i * _STEP


def _address(i: Any) -> Any:
    return "kim." + cast(i, String) + "@history.example"


def _spread(i: Any) -> Any:
    return cast(i * _GOLDEN % 2**32, String)


def _hexadecimal(i: Any) -> Any:
    """Begins like the hashes that stand there, so that these find their places among them."""
    return func.substr("0123456789abcdef", 1 + cast(i % 16, Integer), 1) + _spread(i)


def _rows() -> dict[Table, dict[str, Any]]:
    """What stands in each table for the i-th ticket; what may be null is left out."""
    return {
        mail: {
            "id": _id, "received_at": _moment, "via": "smtp", "peer": "192.0.2.7", "helo": "mx.history.example",
            "mail_from": _address, "recipients": json.dumps([RECIPIENT]), "auth": "", "tls": False, "size": len(_TEXT),
            "raw": _TEXT.encode(), "raw_ref": "", "state": MailState.TICKET, "reason": "", "subject": "Question",
            "ticket_id": _id, "released": False, "attempts": 0, "due_at": _moment, "node": "history",
            "lease_until": 0, "done_at": _moment,
        },
        seen: {"key": _hexadecimal, "mail_id": _id},
        sender: {"address": _address, "mails_since": _moment, "mails": 1, "acks_since": _moment, "acks": 1},
        ticket: {
            "id": _id, "number": lambda i: "SUP-" + cast(i, String), "subject": "Question", "status": Status.OPEN,
            "severity": Severity.S2, "stated_severity": "", "category": Category.CORE, "subcategory": "",
            "evidence": "[]", "mailbox": "support", "language": "en", "assignee": "", "created_at": _moment,
            "updated_at": _moment,
        },
        participant: {
            "id": _id, "ticket_id": _id, "name": "Kim", "address": _address, "role": Role.REQUESTER,
            "undeliverable": False,
        },
        message: {
            "id": _id, "ticket_id": _id, "mail_id": _id, "kind": MessageKind.INBOUND, "author_name": "Kim",
            "author": _address, "by_agent": False, "text": _TEXT, "html": "", "full_text": "", "evidence": "[]",
            "created_at": _moment,
            "rfc_id": lambda i: _spread(i) + "@history.example",
        },
        outgoing: {
            "id": _id, "ticket_id": _id, "template": "confirmation", "mailbox": "support", "recipient": _address,
            "rfc_id": lambda i: _spread(i) + "@bench.local", "content": 2 * _TEXT.encode(), "boundary": "",
            "attachments": "[]", "automatic": True, "state": DeliveryState.SENT, "attempts": 1, "last_error": "",
            "created_at": _moment, "due_at": _moment, "sent_at": _moment, "node": "history", "lease_until": 0,
        },
        event: {"id": _id, "ticket_id": _id, "at": _moment, "actor": "gateway", "what": "opened"},
    }  # fmt: skip


def table(results: Sequence[Measured]) -> None:
    """Medians over the rounds; the ratios are to the few tickets, in the same round."""
    rows = []
    for name in DATABASES:
        mine = [one for one in results if one.database == name]
        few = {one.round: one.outcome for one in mine if one.tickets == FEW}
        for tickets in sorted({one.tickets for one in mine}):
            outcomes = [(one.outcome, few[one.round]) for one in mine if one.tickets == tickets]
            rows.append(
                (
                    f"{name}, {tickets:,} tickets",
                    statistics.median(now.rate for now, _ in outcomes),
                    statistics.median(now.cpu_us for now, _ in outcomes),
                    sum(now.lost for now, _ in outcomes),
                    statistics.median(before.rate / now.rate for now, before in outcomes),
                    statistics.median(now.cpu_us / before.cpu_us for now, before in outcomes),
                )
            )
    columns = ("history", "mails/s", "CPU us/mail", "lost", "time a mail, x few", "CPU a mail, x few")
    show.table("small mails with history behind them", columns, rows)
