"""A small support desk for the tests of ``gateway.desk``: two agents, two mailboxes, one ticket."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.desk import decide as desk
from gateway.desk import threading, tokens
from gateway.desk.decision import Decision, Known, Outgoing
from gateway.desk.tokens import Keys, Purpose
from gateway.model import (
    Action,
    Address,
    Category,
    Envelope,
    Identity,
    Machine,
    MachineKind,
    Participant,
    ReadMail,
    Reply,
    Role,
    Severity,
    Status,
    Ticket,
    Verdict,
)
from gateway.settings import Settings

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
KEYS = Keys({1: b"old key of the tests", 2: b"new key of the tests"})

SUPPORT, SALES = "support@desk.example", "sales@desk.example"
ANN, BEN = "ann@staff.example", "ben@staff.example"
ALICE, BOB, EVE = "alice@customer.example", "bob@customer.example", "eve@elsewhere.example"
TICKET_ID, ALICE_ID, BOB_ID = 7, 71, 72

SETTINGS = Settings.model_validate(
    {
        "mailbox": [
            {"name": "support", "addresses": [SUPPORT, "hilfe@desk.example"]},
            {"name": "sales", "addresses": [SALES], "prefix": "SAL", "language": "de"},
        ],
        "agent": [{"name": "Ann", "address": ANN}, {"name": "Ben", "address": BEN, "mailboxes": ["support"]}],
    }
)

QUESTION = Verdict(Severity.S2, Category.NONE, "", Action.QUEUE)
OUTAGE = Verdict(Severity.S0, Category.CORE, "core.login", Action.PAGE)


def ticket(**changes: Any) -> Ticket:
    """SUP-7: Alice asked, Bob is in Cc."""
    people = (
        Participant(ALICE_ID, "Alice", ALICE, Role.REQUESTER),
        Participant(BOB_ID, "Bob", BOB, Role.CC),
    )
    standing = Ticket(
        TICKET_ID, "SUP-7", "Export fails", Status.OPEN, Severity.S2, Category.NONE, "support", "en", "",
        NOW - timedelta(days=1), None, people, ("first@customer.example",),
    )  # fmt: skip
    return replace(standing, **changes)


def mail(sender: str = ALICE, text: str = "It does not work.", **fields: Any) -> ReadMail:
    """A person's mail to the support address."""
    base = ReadMail(
        subject="Export fails",
        subject_base="Export fails",
        author=Address("", sender),
        identity=Identity(sender),
        answer_to=sender,
        to=(Address("", SUPPORT),),
        message_id="new@customer.example",
        text=text,
        reply=Reply(text=text),
        content_hash="c0ffee",
    )
    return replace(base, **fields)


def robot(*kinds: MachineKind) -> Machine:
    return Machine(kinds, may_answer=False, reason="Auto-Submitted")


def spoken(*kinds: MachineKind) -> Machine:
    """What only its text says."""
    return Machine(kinds, may_answer=False, reason="text: I am out of the office", doubtful=True)


def token_address(purpose: Purpose, subject: int, ticket_id: int = TICKET_ID) -> str:
    return tokens.join(SUPPORT, tokens.make(KEYS, purpose, ticket_id, subject, NOW))


def agent_address(agent: str, purpose: Purpose = Purpose.AGENT) -> str:
    return token_address(purpose, tokens.agent_number(agent))


def decide(
    read: ReadMail,
    *,
    to: str = SUPPORT,
    auth: str = "",
    mail_from: str | None = None,
    standing: Ticket | None = None,
    verdict: Verdict = QUESTION,
    released: bool = False,
    settings: Settings = SETTINGS,
    **known: Any,
) -> Decision:
    """What the desk makes of the mail, with the ticket SUP-7 there where something points to it."""
    envelope = Envelope("smtp", read.identity.address if mail_from is None else mail_from, (to,), auth=auth)
    lookups = threading.lookups(read, envelope, settings, KEYS, NOW)
    known.setdefault("tickets", {TICKET_ID: standing or ticket()})
    known.setdefault("by_message_id", {i: (TICKET_ID,) for i in lookups.message_ids if i == "first@customer.example"})
    return desk.decide(read, envelope, verdict, lookups, Known(**known), settings, NOW, released=released)


def sent(decision: Decision, template: str) -> list[str]:
    """Who gets this template, in order."""
    return [out.recipient.address for out in decision.mails if out.template == template]


def to_customers(decision: Decision, settings: Settings = SETTINGS) -> list[Outgoing]:
    return [out for out in decision.mails if out.recipient.address not in settings.agents]
