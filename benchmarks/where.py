"""Where the time of one mail goes: CPU of each stage, one after the other, in one process.

Only CPU time is counted, so waits for the disk and other work on the machine leave little trace. What a running gateway
spends beside the stages (threads that wake each other, queues, polling) is the difference to the CPU a mail that
``throughput`` shows.
"""

from __future__ import annotations

import asyncio
import io
import pickle
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection

from benchmarks import run, servers, show
from benchmarks.load import send
from benchmarks.sink import Sink
from benchmarks.workload import RECIPIENT, Mail, Mix, make
from gateway import log, reading, settings
from gateway.app import open_store
from gateway.db.known import load
from gateway.db.store import Store
from gateway.db.unit import Applied, Case, Stored, Unit
from gateway.desk import threading
from gateway.desk.decide import decide
from gateway.desk.decision import Outgoing
from gateway.inbound.judge import judge
from gateway.inbound.smtp import Listener
from gateway.inbound.worker import BATCH
from gateway.keyfile import load_or_make
from gateway.model import Composed, Due, Envelope, ReadMail, Ticket, Verdict
from gateway.outbound.assemble import assemble
from gateway.outbound.compose import Composer
from gateway.outbound.render import Renderer
from gateway.outbound.transport import open_transport
from gateway.pipeline import Letters, RandomNames, open_policy, secret_file
from gateway.settings import Settings

MAILS = {Mix.SMALL: 1200, Mix.REALISTIC: 600}
WARM_UP = 2 * BATCH
"""Mails that fill caches and do not count."""
STAGES = (
    "SMTP", "journal", "to the child and back", "read", "triage", "load what is known", "decide", "compose", "write",
    "commit", "join attachments", "send", "mark as sent", "log",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stage:
    mix: str
    name: str
    us: float
    """Microseconds of CPU a mail."""


class Stopwatch:
    """CPU of the thread that made it, by stage; inside a stage another one may begin, and then only that one counts."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._stage = ""
        self._since = time.thread_time()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        before = self._stage
        self._switch(name)
        try:
            yield
        finally:
            self._switch(before)

    @contextmanager
    def everywhere(self, name: str) -> Iterator[None]:
        """A stage part of which happens in other threads."""
        others = time.process_time() - time.thread_time()
        with self.stage(name):
            yield
        self.seconds[name] += time.process_time() - time.thread_time() - others

    def _switch(self, name: str) -> None:
        now = time.thread_time()
        self.seconds[self._stage] += now - self._since
        self._stage, self._since = name, now


class Kept:
    """An intake that keeps what it gets in memory."""

    def __init__(self) -> None:
        self.mails: list[tuple[Envelope, bytes]] = []

    async def accept(self, envelope: Envelope, raw: bytes) -> int:
        self.mails.append((envelope, raw))
        return len(self.mails)

    def knows(self, address: str) -> bool:
        return address == RECIPIENT

    def authenticate(self, username: str, password: str) -> str:
        return ""

    def trouble(self) -> str:
        return ""


class Bench:
    """The parts of a gateway one after the other, without the threads, processes and queues between them."""

    def __init__(self, configured: Settings, store: Store) -> None:
        self.watch = Stopwatch()
        self._settings = configured
        self._store = store
        self._keys = load_or_make(secret_file(configured))
        self._policy = open_policy(configured)
        composer = Composer(configured, self._policy, Renderer(configured.gateway.templates), self._keys)
        self._letters = Letters(configured, composer, RandomNames())
        self._connection = store.engine.connect()

    async def run(self, mails: Sequence[Mail]) -> None:
        """Everything from the first byte of these mails to their answers being marked as sent."""
        taken = await self._accept(mails)
        for start in range(0, len(taken), BATCH):
            due = self._work(taken[start : start + BATCH])
            with self.watch.everywhere("join attachments"):
                ready = [(one, self._whole(one.mail)) for one in due]
            await asyncio.to_thread(run.execute, self._send(ready))
            with self.watch.everywhere("mark as sent"):
                self._store.outbox.sent([one.id for one in due], utc_now()).result()

    async def _accept(self, mails: Sequence[Mail]) -> list[tuple[Envelope, bytes]]:
        """Through a real listener; the loader runs in a thread of its own."""
        kept = Kept()
        listener = Listener(self._settings.smtp, "127.0.0.1:0", self._settings.hostname, kept)
        await listener.start()
        with self.watch.stage("SMTP"):
            await asyncio.to_thread(run.execute, send(mails, [listener.address[1]]))
        await listener.stop(1.0)
        return kept.mails

    def _work(self, mails: Sequence[tuple[Envelope, bytes]]) -> list[Due]:
        """One batch from the journal to the outbox; returns what is to be sent."""
        envelopes = [envelope for envelope, _ in mails]
        with self.watch.stage("journal"), self._transaction() as connection:
            ids = [one.id for one in self._store.mails.add(connection, mails, utc_now(), mine=True)]
        with self.watch.stage("to the child and back"):
            raws = pickle.loads(pickle.dumps([raw for _, raw in mails]))
        judged = [self._judge(raw) for raw in raws]
        with self.watch.stage("to the child and back"):
            judged = pickle.loads(pickle.dumps(judged))
        with self._transaction() as connection:
            applied = self._apply(connection, ids, envelopes, judged)
        self._tell(mails, applied)
        return [due for one in applied for due in one.outgoing]

    def _judge(self, raw: bytes) -> tuple[ReadMail, Verdict]:
        """``judge`` reads and judges; what it takes beyond a reading is the triage."""
        times = [time.thread_time()]
        reading.read(raw)
        times.append(time.thread_time())
        result = judge(raw, self._settings.reading, self._policy)
        times.append(time.thread_time())
        self.watch.seconds["read"] += times[1] - times[0]
        self.watch.seconds["triage"] += (times[2] - times[1]) - (times[1] - times[0])
        return result

    def _apply(
        self,
        connection: Connection,
        ids: Sequence[int],
        envelopes: Sequence[Envelope],
        judged: Sequence[tuple[ReadMail, Verdict]],
    ) -> list[Applied]:
        store, configured, at = self._store, self._settings, utc_now()
        with self.watch.stage("load what is known"):
            pairs = zip(envelopes, judged, strict=True)
            lookups = [threading.lookups(mail, envelope, configured, self._keys, at) for envelope, (mail, _) in pairs]
            known = load(connection, lookups, configured.loops, at)
        with self.watch.stage("decide"):
            rows = zip(ids, envelopes, judged, lookups, known, strict=True)
            cases = [
                Case(id_, mail, wanted, facts, decide(mail, envelope, verdict, wanted, facts, configured, at))
                for id_, envelope, (mail, verdict), wanted, facts in rows
            ]
        with self.watch.stage("write"):
            unit = Unit(connection, store.ids, store.mails, configured, self._compose, store.node, at)
            applied = [unit.add(case) for case in cases]
            unit.flush()
        return applied

    def _compose(
        self, out: Outgoing, ticket: Ticket | None, case: Case, attachments: Sequence[Stored], now: datetime
    ) -> Composed:
        with self.watch.stage("compose"):
            return self._letters(out, ticket, case, attachments, now)

    def _tell(self, mails: Sequence[tuple[Envelope, bytes]], applied: Sequence[Applied]) -> None:
        with self.watch.stage("log"):
            for (envelope, raw), one in zip(mails, applied, strict=True):
                log.mail_accepted(
                    one.mail_id, "smtp", "127.0.0.1", envelope.mail_from, envelope.recipients, len(raw)
                )  # fmt: skip
                number = one.ticket.number if one.ticket else ""
                if one.ticket is not None and one.decision.opens is not None:
                    log.ticket_opened(number, one.ticket.severity, one.ticket.category, one.ticket.mailbox, "")
                elif one.decision.message is not None:
                    log.message_added(number, one.decision.message.kind)
                log.mail_done(one.mail_id, one.decision.state, one.decision.reason, number, 0.0)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        transaction = self._connection.begin()
        self._store.ids.begin(self._connection)
        yield self._connection
        with self.watch.stage("commit"):
            transaction.commit()

    def _whole(self, mail: Composed) -> bytes:
        if not mail.boundary:
            return mail.content
        return assemble(mail, self._store.outbox.attachments(mail.attachments))

    async def _send(self, mails: Sequence[tuple[Due, bytes]]) -> None:
        """Over one connection, in a thread without the relay's loop."""
        watch = Stopwatch()
        transport = open_transport(self._settings.outbound, self._settings.hostname)
        for due, data in mails:
            with watch.stage("send"):
                await transport.send("", due.mail.recipient, data, due.mail.message_id)
            with watch.stage("log"):
                log.delivery_sent(due.id, due.mail.template, due.mail.recipient, transport.name, 1)
        await transport.close()
        for name, seconds in watch.seconds.items():
            self.watch.seconds[name] += seconds


def utc_now() -> datetime:
    return datetime.now(UTC)


def measure(folder: Path | None) -> list[Stage]:
    log.set_up("info", "json", io.StringIO())
    results: list[Stage] = []
    with show.progress() as bar:
        task = bar.add_task("where", total=len(Mix))
        for mix in Mix:
            bar.update(task, description=f"where, {mix}")
            with servers.scratch(folder) as place:
                results += run.execute(_measure(mix, place))
            bar.advance(task)
    return results


async def _measure(mix: Mix, folder: Path) -> list[Stage]:
    async with Sink() as sink:
        text = servers.CONFIGURATION.format(folder=folder, port=0, sink=sink.port, database="")
        configured = settings.parse(text, "benchmark", {})
        store = open_store(configured, serve=True)
        bench = Bench(configured, store)
        await bench.run(make(mix, WARM_UP, seed=2))
        bench.watch = Stopwatch()
        await bench.run(make(mix, MAILS[mix]))
        store.close()
    return [Stage(mix, name, 1e6 * bench.watch.seconds[name] / MAILS[mix]) for name in STAGES]


def table(results: Sequence[Stage]) -> None:
    by_mix = {mix: {one.name: one.us for one in results if one.mix == mix} for mix in Mix}
    totals = {mix: sum(stages.values()) for mix, stages in by_mix.items()}
    rows = [(name, *_cells(by_mix, totals, name)) for name in STAGES]
    rows.append(("all", *(cell for mix in Mix for cell in (totals[mix], "100 %"))))
    show.table("CPU of one mail by stage", ("stage", "small us", "", "realistic us", ""), rows)


def _cells(by_mix: dict[Mix, dict[str, float]], totals: dict[Mix, float], name: str) -> list[object]:
    return [cell for mix in Mix for cell in (by_mix[mix][name], f"{100 * by_mix[mix][name] / totals[mix]:.0f} %")]
