"""kill -9 while mail is fetched from a real IMAP server, which is restarted and numbers its mails anew in between."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from gateway.db.schema import imap_mail, mail
from gateway.model import FetchState
from tests import dovecot
from tests.dovecot import PASSWORD, USER, Dovecot
from tests.e2e.running import wait_for
from tests.faults.audit import Books, Count, Report, audit
from tests.faults.background import Background
from tests.faults.forked import Forked
from tests.faults.letters import Letters
from tests.faults.sink import Sink

LONGEST_LIFE = 0.8
"""Seconds between a start and the kill."""
_REST = 240.0
_IMAP = """
[[imap]]
server = "imap://127.0.0.1:{port}"
tls = "none"
username = "{user}"
password = "{password}"
poll_seconds = 1
begin = "{begin}"
"""


def imap_section(server: Dovecot, begin: str = "unseen") -> str:
    """For the configuration."""
    return _IMAP.format(port=server.port, user=USER, password=PASSWORD, begin=begin)


class Post:
    """Puts letters into the mailbox; read by a person already, some of them."""

    def __init__(self, server: Dovecot, seed: int) -> None:
        self._server = server
        self._chance = random.Random(seed)
        self.letters = Letters(seed, "lee")

    def comes(self) -> None:
        for _ in range(self._chance.randrange(1, 8)):
            letter = next(self.letters)
            self._server.put(letter.data, flags=self._chance.choice([(), (rb"\Seen",)]))
            letter.kept = True


def run(folder: Path, seed: int, kills: int, count: Count = range) -> Report:
    if not dovecot.USABLE:
        pytest.skip("needs root and Dovecot")
    chance = random.Random(seed)
    report = Report("kill -9 while fetching", seed)
    with dovecot.dovecot() as server, Background() as background:
        sink = Sink(background)
        gateway = Forked(folder, relay=sink.url, extra=imap_section(server))
        post = Post(server, seed)
        try:
            gateway.start()
            books = Books(f"sqlite:///{folder / 'var' / 'gateway.db'}")
            wait_for(lambda: '"imap_begun"' in gateway.log.read_text(), "the first contact")
            for _ in count(kills):
                post.comes()
                time.sleep(chance.uniform(0, LONGEST_LIFE))
                gateway.kill()
                report.counts["kills"] += 1
                _meanwhile(server, post, chance, report)
                gateway.launch()
            wait_for(gateway.answers, "the gateway answers")
            wait_for(lambda: _at_rest(books, post.letters), "everything is fetched, read and sent", _REST)
            if gateway.stop() != 0:
                report.blame(f"the gateway did not stop in peace: {gateway.log.read_text()[-1500:]}")
            audit(report, books, post.letters.made, sink.arrivals)
            if (kept := books.count(mail)) != len(post.letters.made):
                report.blame(f"{len(post.letters.made)} mails were kept as {kept}")
            if unread := [uid for uid, flags in server.flags().items() if rb"\Seen" not in flags]:
                report.blame(f"not marked: {unread}")
            books.close()
        finally:
            gateway.kill()
    return report


def _meanwhile(server: Dovecot, post: Post, chance: random.Random, report: Report) -> None:
    if chance.random() < 0.3:
        server.stop()
        if chance.random() < 0.5:
            server.renumber()
            report.counts["new numbers"] += 1
        server.start()
        post.comes()


def _at_rest(books: Books, letters: Letters) -> bool:
    waiting = imap_mail.c.state.in_([FetchState.FETCH, FetchState.MARK])
    return books.count(mail) >= len(letters.made) and not books.count(imap_mail, waiting) and not books.unfinished
