"""Several nodes on one PostgreSQL: they are killed, cut off, held still beyond their lease, one or two at a time.

Where Dovecot is there, they also fetch from one folder, in which mail comes all the while.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from operator import itemgetter
from pathlib import Path

from gateway.db.schema import mail
from gateway.keyfile import load_or_make
from gateway.settings import Outbound
from tests import dovecot
from tests.dovecot import Dovecot
from tests.e2e.running import Gateway, wait_for
from tests.faults.audit import Books, Count, Report, audit
from tests.faults.background import Background
from tests.faults.clients import Clients
from tests.faults.forked import Forked
from tests.faults.letters import Letters
from tests.faults.mailbox import Post, imap_section
from tests.faults.proxy import Proxy
from tests.faults.pulse import Stall, pulse
from tests.faults.server import Server, postgresql
from tests.faults.sink import Arrival, Sink

LEASE_SECONDS = 3
_WINDOW = 1.5
"""Seconds between the relay's 250 and the record of it, at most: what a fault hits in between may go twice."""
_REST = 120.0
CONNECTIONS = Outbound.model_validate({}).connections


@dataclass(slots=True)
class Node:
    name: str
    gateway: Gateway
    proxy: Proxy
    well: bool = True
    faults: list[float] = field(default_factory=list)
    """When something was done to it, ``time.monotonic``."""
    released: list[float] = field(default_factory=list)

    def kill(self) -> None:
        self.gateway.kill()

    def start_again(self) -> None:
        self.gateway.start()

    def hold(self) -> None:
        os.killpg(self.gateway.pid, signal.SIGSTOP)

    def release(self) -> None:
        os.killpg(self.gateway.pid, signal.SIGCONT)
        self.released.append(time.monotonic())


class Cluster:
    """Nodes, a balancer that picks one that is well, and a relay."""

    def __init__(
        self, folder: Path, seed: int, size: int, server: Server, background: Background, mailbox: Dovecot | None,
        stalls: Sequence[Stall],
    ) -> None:  # fmt: skip
        self.report = Report(f"{size} nodes", seed)
        self._chance = random.Random(seed)
        self._url = server.url
        self._stalls = stalls
        self.sink = Sink(background)
        self.letters = Letters(seed)
        self.post = Post(mailbox, seed) if mailbox is not None else None
        self._imap = imap_section(mailbox, "all") if mailbox is not None else ""
        self.nodes = [self._node(folder / f"node-{n}", server, background) for n in range(size)]
        self.clients = Clients(background, self._balance, seed, timeout=5.0)
        self._healing: list[tuple[float, Node, Callable[[], None]]] = []
        """When what is done to a node ends, the next one first."""

    def _node(self, folder: Path, server: Server, background: Background) -> Node:
        folder.mkdir()
        proxy = Proxy(background, server.socket)
        secret = folder.parent / "secret.key"
        load_or_make(secret)
        environment = {
            "GATEWAY_DATABASE": server.url_by(proxy.port),
            "GATEWAY_SECRET_FILE": str(secret),
            "GATEWAY_HOSTNAME": f"{folder.name}.example.com",
            "GATEWAY_LEASE_SECONDS": str(LEASE_SECONDS),
        }
        gateway = Forked(folder, relay=self.sink.url, extra=self._imap, environment=environment)
        return Node(f"{folder.name}.example.com", gateway, proxy)

    def _balance(self) -> int:
        well = [node for node in self.nodes if node.well] or self.nodes
        return self._chance.choice(well).gateway.port

    def start(self) -> None:
        assert self.nodes[0].gateway.run("db", "upgrade").returncode == 0
        for node in self.nodes:
            node.gateway.launch()
        for node in self.nodes:
            wait_for(node.gateway.answers, f"{node.name} answers")

    def harm(self, number: int, chance: random.Random) -> None:
        """Do one thing to one node that is well, and let it come back later; half of them suffer at most."""
        while len(self._healing) >= len(self.nodes) // 2:
            self._heal()
        node = chance.choice([node for node in self.nodes if node.well])
        beyond_lease = LEASE_SECONDS + chance.uniform(1, 2)
        name, harm, heal, seconds = [
            ("killed", node.kill, node.start_again, chance.uniform(0, beyond_lease)),
            ("cut off", node.proxy.cut, node.proxy.mend, beyond_lease),
            ("held", node.hold, node.release, beyond_lease),
        ][number % 3]
        node.well = False
        node.faults.append(time.monotonic())
        harm()
        self._healing.append((time.monotonic() + seconds, node, heal))
        self._healing.sort(key=itemgetter(0))
        self.report.counts[f"times {name}"] += 1

    def heal_all(self) -> None:
        while self._healing:
            self._heal()

    def _heal(self) -> None:
        """Wait for the next one to come back."""
        at, node, heal = self._healing.pop(0)
        time.sleep(max(0.0, at - time.monotonic()))
        heal()
        node.well = True

    def rest(self) -> None:
        books = Books(self._url)
        try:
            wait_for(lambda: not self._unfetched(books), "everything is fetched", _REST)
            wait_for(lambda: not books.unfinished, "all nodes come to rest", _REST)
        finally:
            books.close()

    def _unfetched(self, books: Books) -> int:
        return (len(self.post.letters.made) if self.post is not None else 0) - books.count(mail, mail.c.via == "imap")

    def close_books(self) -> Report:
        for node in self.nodes:
            if node.gateway.stop() != 0:
                self.report.blame(f"{node.name} did not stop in peace: {node.gateway.log.read_text()[-1000:]}")
        books = Books(self._url)
        try:
            fetched = self.post.letters.made if self.post is not None else []
            audit(self.report, books, [*self.letters.made, *fetched], self.sink.arrivals)
            self.report.counts["fetched"] = len(fetched)
            if more := -self._unfetched(books):
                self.report.blame(f"{more} mails were fetched twice")
        finally:
            books.close()
        self._repeats()
        self.report.counts.update({f"answers {kind}": n for kind, n in self.clients.answers.items()})
        return self.report

    def _repeats(self) -> None:
        """A mail goes twice only where its first sender was harmed before it could record it as sent, or where the
        second was held still in the middle of the conversation with the relay, and went on.
        """
        copies: defaultdict[tuple[str, str], list[Arrival]] = defaultdict(list)
        for arrival in self.sink.arrivals:
            copies[arrival.message_id, arrival.recipient].append(arrival)
        nodes = {node.name: node for node in self.nodes}
        went_on: Counter[tuple[str, float]] = Counter()
        for (message_id, recipient), several in copies.items():
            for first, again in pairwise(several):
                if any(abs(at - first.at) < _WINDOW for at in nodes[first.client].faults):
                    continue
                since = [at for at in nodes[again.client].released if 0 <= again.at - at < _WINDOW]
                if since:
                    went_on[again.client, since[-1]] += 1
                else:
                    senders = [(one.client, round(one.at - first.at, 2)) for one in several]
                    near = [round(at - first.at, 2) for at in nodes[first.client].faults if abs(at - first.at) < 10]
                    still = [
                        (round(at - first.at, 2), round(seconds, 2))
                        for at, seconds in self._stalls
                        if abs(at - first.at) < 10
                    ]
                    self.report.blame(
                        f"{message_id} to {recipient} went twice without need: {senders}; its first sender was harmed "
                        f"at {near}, the database stood still at {still}"
                    )
        for (name, _), mails in went_on.items():
            self.report.counts["sent by a node that went on"] += mails
            if mails > CONNECTIONS:
                self.report.blame(f"{name} went on with {mails} mails, and had {CONNECTIONS} conversations")

    def kill(self) -> None:
        for node in self.nodes:
            node.gateway.kill()


def run(folder: Path, seed: int, size: int, faults: int, count: Count = range) -> Report:
    chance = random.Random(seed)
    with ExitStack() as stack:
        server = stack.enter_context(postgresql(folder / "pg"))
        background = stack.enter_context(Background())
        mailbox = stack.enter_context(dovecot.dovecot()) if dovecot.USABLE else None
        stalls = stack.enter_context(pulse(server.url))
        cluster = Cluster(folder, seed, size, server, background, mailbox, stalls)
        try:
            cluster.start()
            cluster.clients.start(cluster.letters)
            for number in count(faults):
                if cluster.post is not None:
                    cluster.post.comes()
                time.sleep(chance.uniform(0.2, 1.0))
                cluster.harm(number, chance)
            cluster.heal_all()
            cluster.clients.finish()
            cluster.rest()
            cluster.report.slowest("seconds the database stood still", max((s for _, s in stalls), default=0.0))
            return cluster.close_books()
        finally:
            cluster.kill()
