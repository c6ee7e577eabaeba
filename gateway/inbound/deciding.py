"""Decides on mails that were read and writes down what follows, in the writer's thread; tells of it afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from gateway import log
from gateway.db.ids import Ids
from gateway.db.known import load
from gateway.db.mails import Mails, Waiting
from gateway.db.unit import Applied, Case, Compose, Unit
from gateway.desk import decide, threading
from gateway.desk.decision import Decision, Known, Lookups
from gateway.desk.tokens import Keys
from gateway.inbound.findings import Read, Unreadable
from gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class Item:
    """A mail, what reading found, and what is to be looked up for it."""

    waiting: Waiting
    result: Read | Unreadable
    lookups: Lookups


@dataclass(frozen=True, slots=True)
class Trouble:
    """A mail on which no decision could be made."""

    waiting: Waiting
    problem: Exception


class Decider:
    """``done`` is called with what was applied, after its commit, in the event loop."""

    def __init__(
        self,
        settings: Settings,
        keys: Keys,
        ids: Ids,
        mails: Mails,
        compose: Compose,
        node: str,
        clock: Callable[[], datetime],
        done: Callable[[Sequence[Applied]], None],
    ) -> None:
        """``node`` gets the outgoing mails; where it is empty, whoever sends mails takes them up."""
        self._settings = settings
        self._keys = keys
        self._ids = ids
        self._mails = mails
        self._compose = compose
        self._node = node
        self._clock = clock
        self._done = done

    def item(self, waiting: Waiting, result: Read | Unreadable) -> Item:
        lookups = threading.lookups(result.mail, waiting.envelope, self._settings, self._keys, self._clock())
        return Item(waiting, result, lookups)

    def decide(self, connection: Connection, items: Sequence[Item]) -> list[Applied | Trouble]:
        """In the writer's thread. May run twice, so it changes nothing but the database.

        Raises LeaseLost, Raced, or what the database raises; then nothing of it may be committed.
        """
        now = self._clock()
        unit = Unit(connection, self._ids, self._mails, self._settings, self._compose, self._node, now)
        results: list[Applied | Trouble] = []
        known = load(connection, [item.lookups for item in items], self._settings.loops, now)
        for item, facts in zip(items, known, strict=True):
            try:
                decision = self._decision(item, facts, now)
                results.append(unit.add(Case(item.waiting.id, item.result.mail, item.lookups, facts, decision)))
            except Exception as problem:
                results.append(Trouble(item.waiting, problem))
        unit.flush()
        return results

    def _decision(self, item: Item, known: Known, now: datetime) -> Decision:
        waiting, result = item.waiting, item.result
        if isinstance(result, Read):
            return decide.decide(
                result.mail, waiting.envelope, result.verdict, item.lookups, known, self._settings, now,
                released=waiting.released,
            )  # fmt: skip
        mail = result.mail
        sender = mail.identity.address or waiting.envelope.mail_from
        return decide.unreadable(waiting.envelope, mail.subject, sender, item.lookups, known, self._settings, now)

    def committed(self, items: Iterable[Item], applied: Sequence[Applied]) -> None:
        """Hand on what follows from decisions that are safe now, and log them. In the event loop."""
        self._done(applied)
        now = self._clock()
        received = {item.waiting.id: item.waiting.received_at for item in items}
        with log.together():
            for one in applied:
                _tell(one, (now - received[one.mail_id]).total_seconds())


def _tell(one: Applied, seconds: float) -> None:
    ticket, decision = one.ticket, one.decision
    if ticket is not None and decision.opens is not None:
        action = decision.verdict.action if decision.verdict else ""
        log.ticket_opened(ticket.number, ticket.severity, ticket.category, ticket.mailbox, action)
    elif ticket is not None and decision.message is not None:
        log.message_added(ticket.number, decision.message.kind)
    log.mail_done(one.mail_id, decision.state, decision.reason, ticket.number if ticket else "", seconds)


def independent(items: Sequence[Item]) -> list[list[Item]]:
    """Cut a batch, in order, into runs in which no mail depends on what an earlier one of the same run changes."""
    runs: list[list[Item]] = []
    touched: set[object] = set()
    for item in items:
        keys = _keys(item)
        if not runs or keys & touched:
            runs.append([])
            touched = set()
        runs[-1].append(item)
        touched |= keys
    return runs


def _keys(item: Item) -> set[object]:
    lookups, mail = item.lookups, item.result.mail
    keys: set[object] = {(kind, key) for kind, key in (("mail", lookups.dedupe), ("from", lookups.sender)) if key}
    keys.update(("from", address) for address in lookups.copied)
    keys.update(("id", message_id) for message_id in (*lookups.message_ids, mail.message_id) if message_id)
    keys.update(("ticket", token.ticket_id) for token in lookups.tokens)
    if lookups.tag:
        keys.add(("ticket", lookups.tag))
    return keys
