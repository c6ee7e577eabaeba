"""Reads stored mail again after an upgrade or a change of the rules, and says or changes what differs.

Of a mail that was worked on, only what readers of the ticket see is changed: category, severity (unless somebody has
changed it since), and the text of a customer's message. Nobody gets a second mail; the on-call is paged only where a
ticket that is not solved becomes an S0 by it. That a mail would end elsewhere, or that its sender is read differently,
is told and left to people.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.db.replay import Past, PastMessage, Replays, Rewrite
from gateway.db.store import Store
from gateway.desk import decide, threading
from gateway.desk.decision import Decision
from gateway.desk.tokens import Keys
from gateway.errors import GatewayError
from gateway.inbound.findings import Finding, Missing, Read
from gateway.inbound.reader import Reader
from gateway.model import MailState, ReadMail, Severity, Status, Ticket
from gateway.settings import Settings

BATCH = 24
_ENDED_IN_TICKET = (MailState.TICKET, MailState.APPENDED)
_STOPPED = (MailState.HELD, MailState.FAILED)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that a second reading sees differently."""

    what: str
    """``state``, ``ticket``, ``sender``, ``severity``, ``category`` or ``text``."""
    before: str
    after: str
    changes: bool
    """Whether a replay changes it; the rest it only tells."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of one mail."""

    id: int
    ticket: str
    differences: tuple[Difference, ...] = ()
    page: bool = False
    again: bool = False
    """It goes through as a whole once more."""
    problem: str = ""
    """Why it could not be read again."""


class Replay:
    """Lives in an event loop; the database is asked in threads."""

    def __init__(
        self, settings: Settings, store: Store, reader: Reader, keys: Keys, clock: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._store = store
        self._replays = Replays(store)
        self._reader = reader
        self._keys = keys
        self._clock = clock

    async def run(self, ids: Sequence[int], *, apply: bool, named: bool) -> AsyncIterator[Replayed]:
        """Read these mails again, in order. ``apply`` changes what differs; ``named`` says that an operator chose just
        these, so that a held mail goes through again even where it would be held again."""
        for start in range(0, len(ids), BATCH):
            pasts = await asyncio.to_thread(self._replays.past, ids[start : start + BATCH])
            raws = {past.id: raw for past in pasts if (raw := await asyncio.to_thread(self._raw, past))}
            results = dict(zip(raws, await self._reader.read(list(raws), list(raws.values())), strict=True))
            for past in pasts:
                result = results.get(past.id) or Missing("its raw form is gone")
                yield await asyncio.to_thread(self._safely, past, result, apply, named)

    def _raw(self, past: Past) -> bytes:
        """Empty where there is none any more."""
        try:
            return self._store.mails.raw(past.raw)
        except (OSError, ValueError):
            return b""

    def _safely(self, past: Past, result: Finding, apply: bool, named: bool) -> Replayed:
        """One mail that cannot be decided, because its mailbox is gone, say, keeps none of the others."""
        try:
            return self._one(past, result, apply, named)
        except GatewayError:
            raise
        except Exception as problem:
            return Replayed(past.id, _number(past), problem=f"{type(problem).__name__}: {problem}")

    def _one(self, past: Past, result: Finding, apply: bool, named: bool) -> Replayed:
        number = _number(past)
        if past.state is MailState.RECEIVED:
            return Replayed(past.id, number, problem="it waits to be read anyway")
        if not isinstance(result, Read):
            return Replayed(past.id, number, problem=result.why, again=named and self._again(past, apply))
        decision = self._decide(past, result)
        found = differences(past, result.mail, decision)
        if past.state in _STOPPED:
            wanted = named or decision.state is not past.state
            return Replayed(past.id, number, found, again=wanted and self._again(past, apply))
        change = rewrite(past, decision, found)
        if change is None or not apply:
            return Replayed(past.id, number, found, page=change is not None and change.page)
        if not self._replays.rewrite(past, change, self._settings.oncall.notify, self._clock()):
            return Replayed(past.id, number, found, problem="somebody changed the ticket meanwhile; try again")
        return Replayed(past.id, number, found, page=change.page)

    def _again(self, past: Past, apply: bool) -> bool:
        """Send a held or failed mail through once more; says whether it goes."""
        if past.state not in _STOPPED:
            return False
        now, mails = self._clock(), self._store.mails
        if apply:
            self._store.writer.run(lambda connection: mails.again(connection, past.id, now, released=False))
        return True

    def _decide(self, past: Past, result: Read) -> Decision:
        """As it would be decided today, had it come then: what it caused itself is not known yet."""
        mail, settings, at = result.mail, self._settings, past.received_at
        lookups = threading.lookups(mail, past.envelope, settings, self._keys, at)
        known = self._replays.known(lookups, settings.loops, at)
        known = replace(
            known,
            duplicate_of=0 if known.duplicate_of == past.id else known.duplicate_of,
            by_message_id={id_: ticket for id_, ticket in known.by_message_id.items() if id_ != mail.message_id},
        )
        return decide.decide(
            mail, past.envelope, result.verdict, lookups, known, settings, at, released=past.released
        )  # fmt: skip


def differences(past: Past, mail: ReadMail, decision: Decision) -> tuple[Difference, ...]:
    """What a second reading sees differently, in the order in which people ask."""
    found = [Difference("state", past.state, decision.state, past.state in _STOPPED)]
    ticket, message, new = past.ticket, past.message, decision.message
    if ticket is not None and past.state in _ENDED_IN_TICKET and decision.state in _ENDED_IN_TICKET:
        before, after = ticket.id if past.state is MailState.APPENDED else 0, decision.ticket_id
        found.append(Difference("ticket", _place(before, ticket), _place(after, ticket), False))
        if message is not None and new is not None:
            stays = before == after
            found.append(Difference("sender", message.author, new.author.address, False))
            found += _judged(past, ticket, message, decision, stays)
            found.append(Difference("text", message.text, new.text, stays))
    return tuple(one for one in found if one.before != one.after)


def _number(past: Past) -> str:
    return past.ticket.number if past.ticket is not None else ""


def _place(ticket_id: int, ticket: Ticket) -> str:
    if not ticket_id:
        return "a ticket of its own"
    return ticket.number if ticket_id == ticket.id else f"another ticket (id {ticket_id})"


def _judged(
    past: Past, ticket: Ticket, message: PastMessage, decision: Decision, stays: bool
) -> Iterator[Difference]:
    """The first mail gives severity and category; a later one can only raise it to S0."""
    severity = decision.opens.severity if decision.opens is not None else decision.changes.severity
    if severity is not None:
        yield Difference("severity", ticket.severity, severity, stays and not past.severity_settled)
    if decision.opens is not None and message.first:
        before = f"{ticket.category} {past.subcategory}".strip()
        after = f"{decision.opens.category} {decision.opens.subcategory}".strip()
        yield Difference("category", before, after, stays)


def rewrite(past: Past, decision: Decision, found: Sequence[Difference]) -> Rewrite | None:
    """What is to be changed; None where nothing is."""
    changing = {one.what: one for one in found if one.changes}
    if not changing or decision.message is None or past.ticket is None:
        return None
    severity = Severity(changing["severity"].after) if "severity" in changing else None
    said = ["text" if what == "text" else f"{what} {one.before} -> {one.after}" for what, one in changing.items()]
    return Rewrite(
        says=f"mail {past.id} was read again: {', '.join(said)}",
        message=decision.message,
        severity=severity,
        verdict=decision.verdict,
        first=past.message is not None and past.message.first,
        page=severity is Severity.S0 and decision.page and past.ticket.status is not Status.SOLVED,
    )
