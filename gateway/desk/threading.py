"""Which ticket a mail belongs to: by token, by Message-ID, by subject tag, else none."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import islice

from gateway.desk import loop, tokens
from gateway.desk.decision import Known, Lookups
from gateway.desk.identity import Sender, fold, is_own
from gateway.desk.tokens import Keys, Purpose, Token
from gateway.model import Envelope, Participant, ReadMail, Ticket
from gateway.settings import Agent, Mailbox, Settings

MOST_IDS = 60
"""Message-IDs that are looked up; a hostile References names thousands."""
MOST_MARKS = 100
"""Of attached mails, that are verified."""
MOST_TICKETS = 20
"""Tickets for which one mail is kept, each time whole."""
SAID = 2_000
"""Characters by which what a mail says is told from what another one says."""
_TAG = re.compile(r"\[([A-Za-z][A-Za-z0-9]{0,15})-([0-9]{1,10})\]")
_LARGEST_ID = 2**31 - 1
_NO_WORD = re.compile(r"[\W\d_]+")


class Match(StrEnum):
    """What pointed to a ticket."""

    OWN_TOKEN = "own token"
    """A reply address that was given to just this sender, as a participant."""
    OWN_AGENT_TOKEN = "own agent's token"
    """... as an agent."""
    OTHER_TOKEN = "another's token"
    AGENT_TOKEN = "an agent's token"
    """... in the hands of somebody who is not that agent, or is none any more."""
    MESSAGE_ID = "Message-ID"
    TAG = "subject tag"
    NONE = "nothing"


@dataclass(frozen=True, slots=True)
class Found:
    """The ticket that a mail points to, whether or not its sender may write there."""

    match: Match
    ticket: Ticket | None = None
    participant: Participant | None = None
    """The sender's place in the ticket."""
    besides: tuple[str, ...] = ()
    """Numbers of other tickets whose own reply address of the sender's the mail was sent to, too."""


NOTHING = Found(Match.NONE)
OWN_TOKENS = frozenset({Match.OWN_TOKEN, Match.OWN_AGENT_TOKEN})


def lookups(mail: ReadMail, envelope: Envelope, settings: Settings, keys: Keys, now: datetime) -> Lookups:
    """Say what must be loaded before this mail can be decided."""
    shown = tuple(a.address for a in (*mail.to, *mail.cc))
    sent_to = _tokens(_genuine(envelope.recipients, settings, keys, now), _genuine(shown, settings, keys, now))
    sender = fold(mail.identity.address) or fold(envelope.mail_from)
    return Lookups(
        mailbox=_mailbox((*envelope.recipients, *shown), settings),
        sender=sender,
        tokens=sent_to,
        message_ids=_message_ids(mail),
        bounced=tuple(fold(one.address) for one in mail.bounce.recipients) if mail.bounce is not None else (),
        tag=_tag(mail.subject, settings),
        copied=tuple({fold(one): None for one in shown if one and not is_own(one, settings) and fold(one) != sender}),
        dedupe=_dedupe(mail, envelope, sent_to, now),
        passing=not mail.message_id and mail.date is None,
        says=_says(sender, mail),
        own_loop=bool(mail.loop) and loop.verify(keys, mail.loop),
        own_attached=tuple(dict.fromkeys(_own_attached(mail, keys, now))),
    )


def apart(envelope: Envelope, settings: Settings, keys: Keys, now: datetime) -> list[Envelope]:
    """An envelope for each ticket whose reply addresses are among the recipients, as if it had been sent to each alone.

    Other recipients go with the first. What is for more than ``MOST_TICKETS`` stays together.
    """
    groups: dict[int, list[str]] = defaultdict(list)
    for recipient in envelope.recipients:
        token = next(_genuine((recipient,), settings, keys, now), None)
        groups[token.ticket_id if token is not None else 0].append(recipient)
    others = groups.pop(0, [])
    if not 2 <= len(groups) <= MOST_TICKETS:
        return [envelope]
    first, *rest = groups.values()
    return [replace(envelope, recipients=tuple(group)) for group in ([*first, *others], *rest)]


def find(lookups: Lookups, known: Known, sender: Sender, subject: str) -> Found:
    """The ticket meant: a token decides, the sender's own before those of others; then the first Message-ID or tag
    whose ticket the sender is part of.

    Where the sender is of none of them, the first one stands for what was pointed to. An agent of other mailboxes is of
    a ticket only while it is assigned to her: what anybody could guess points to nothing for her.
    """
    by_token = list(_by_token(lookups, known, sender))
    if by_token:
        own = [found for found in by_token if found.match in OWN_TOKENS]
        besides = dict.fromkeys(found.ticket.number for found in own if found.ticket and found.ticket != own[0].ticket)
        return replace(own[0], besides=tuple(besides)) if own else by_token[0]
    hits = list(_hits(lookups, known, sender, subject))
    if sender.agent is not None:
        return next((hit for hit in hits if hit.ticket is not None and serves(sender.agent, hit.ticket)), NOTHING)
    belonging = (hit for hit in hits if hit.participant is not None)
    return next(belonging, hits[0] if hits else NOTHING)


def serves(agent: Agent, ticket: Ticket) -> bool:
    """Whether a ticket is of one of her mailboxes, or hers by assignment."""
    return agent.serves(ticket.mailbox) or fold(ticket.assignee) == fold(agent.address)


def _by_token(lookups: Lookups, known: Known, sender: Sender) -> Iterator[Found]:
    for token in lookups.tokens:
        ticket = known.tickets.get(token.ticket_id)
        if ticket is not None:
            yield Found(_token_match(token, ticket, sender), ticket, _participant(ticket, sender))


def _token_match(token: Token, ticket: Ticket, sender: Sender) -> Match:
    if token.purpose in tokens.STAFF:
        own = sender.agent is not None and tokens.agent_number(sender.agent.address) == token.subject
        return Match.OWN_AGENT_TOKEN if own else Match.AGENT_TOKEN
    participant = _participant(ticket, sender)
    own = token.purpose is Purpose.PARTICIPANT and participant is not None and participant.id == token.subject
    return Match.OWN_TOKEN if own else Match.OTHER_TOKEN


def _hits(lookups: Lookups, known: Known, sender: Sender, subject: str) -> Iterator[Found]:
    for ticket_id in (id_ for message_id in lookups.message_ids for id_ in known.by_message_id.get(message_id, ())):
        ticket = known.tickets.get(ticket_id)
        if ticket is not None:
            yield Found(Match.MESSAGE_ID, ticket, _participant(ticket, sender))
    tagged = known.tickets.get(lookups.tag)
    if tagged is not None and f"[{fold(tagged.number)}]" in fold(subject):
        yield Found(Match.TAG, tagged, _participant(tagged, sender))


def _participant(ticket: Ticket, sender: Sender) -> Participant | None:
    if not sender.address:
        return None
    return next((p for p in ticket.participants if fold(p.address) == sender.address), None)


def _genuine(addresses: Iterable[str], settings: Settings, keys: Keys, now: datetime) -> Iterator[Token]:
    for address in addresses:
        _, text = tokens.split(fold(address), settings.by_address)
        token = tokens.verify(keys, text, now) if text else None
        if token is not None:
            yield token


def _own_attached(mail: ReadMail, keys: Keys, now: datetime) -> Iterator[str]:
    marks = ((attached, mark) for attached in mail.attachments for mark in attached.marks)
    for attached, mark in islice(marks, MOST_MARKS):
        token = tokens.verify(keys, mark, now)
        if loop.verify(keys, mark) or (token is not None and token.purpose in tokens.STAFF):
            yield attached.name or attached.content_type


def _tokens(said: Iterator[Token], shown: Iterator[Token]) -> tuple[Token, ...]:
    """The envelope says which tickets are meant, else To and Cc, which is all that a mail fetched by IMAP has. Of these
    tickets the tokens in both count: of one mail to two addresses a server may bring a copy for each."""
    in_envelope, in_header = tuple(said), tuple(shown)
    meant = {token.ticket_id for token in in_envelope or in_header}
    return tuple(dict.fromkeys(token for token in (*in_envelope, *in_header) if token.ticket_id in meant))


def _mailbox(addresses: tuple[str, ...], settings: Settings) -> Mailbox:
    bases = (tokens.split(fold(address), settings.by_address)[0] for address in addresses)
    return next((settings.by_address[base] for base in bases if base), settings.mailbox[0])


def _message_ids(mail: ReadMail) -> tuple[str, ...]:
    if mail.bounce is not None and mail.bounce.original_message_id:
        return (mail.bounce.original_message_id,)
    return tuple(dict.fromkeys((*mail.in_reply_to, *reversed(mail.references))))[:MOST_IDS]


def _tag(subject: str, settings: Settings) -> int:
    prefixes = {mailbox.prefix.upper() for mailbox in settings.mailbox}
    ids = (int(digits) for prefix, digits in _TAG.findall(subject) if prefix.upper() in prefixes)
    return next((id_ for id_ in ids if id_ <= _LARGEST_ID), 0)


def _dedupe(mail: ReadMail, envelope: Envelope, sent_to: tuple[Token, ...], now: datetime) -> str:
    """Message-ID and content together: whoever sends first under an id that he guessed displaces nobody.

    The address that it came to is left out, so a mail to two of ours is one; but to the reply addresses of two tickets
    it is one for each. A mail whose content could not be read is like no other.
    """
    parts = [mail.message_id, mail.content_hash, *(str(token.ticket_id) for token in sent_to[:1])]
    if not mail.content_hash:
        parts += [now.isoformat(), envelope.mail_from, *envelope.recipients]
    return _key(parts)


def _says(sender: str, mail: ReadMail) -> str:
    """Who says what, but for the numbers in the text: a program that answers each mail counts, or tells the time."""
    text = (mail.reply.text or mail.text)[:SAID]
    words = " ".join(_NO_WORD.sub(" ", text).casefold().split())
    return _key(["says", sender, " ".join(mail.subject_base.casefold().split()), words]) if sender and words else ""


def _key(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
