"""Who may do what, as a table that is read from top to bottom: the first row that fits decides."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from enum import StrEnum

from gateway.desk.identity import Kind, Level, Sender
from gateway.desk.threading import Found, Match
from gateway.model import Said


class Who(StrEnum):
    ROBOT = "robot"
    OWN = "own address"
    AGENT = "agent"
    PARTICIPANT = "participant"
    STRANGER = "stranger"


class Act(StrEnum):
    ROBOT = "robot's rules"
    """Delivery state, a silent note, or a ticket that is not answered."""
    WORK = "work"
    """Answer, note, command; or a ticket, where none is meant."""
    APPEND = "append"
    """Write into the ticket, and bring people along in Cc."""
    APPEND_UNVERIFIED = "append, unverified"
    OPEN = "open"
    OPEN_REFERRING = "open, referring"
    """A new ticket; that it refers to another one is shown to staff only."""
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Row:
    who: Set[Who]
    levels: Set[Level]
    matches: Set[Match]
    act: Act
    reason: str


_ANY_LEVEL, _ANY_MATCH = frozenset(Level), frozenset(Match)
_POINTERS = frozenset({Match.MESSAGE_ID, Match.TAG})
_TOKENS = _ANY_MATCH - _POINTERS - {Match.NONE}
_PROVED = frozenset({Level.A3, Level.A4})
_CUSTOMERS = frozenset({Who.PARTICIPANT, Who.STRANGER})

TABLE = (
    Row({Who.ROBOT}, _ANY_LEVEL, _ANY_MATCH, Act.ROBOT, "sent by a robot"),
    Row({Who.OWN}, _ANY_LEVEL, _ANY_MATCH, Act.HOLD, Said("From is an address of ours, without a login")),
    Row({Who.AGENT}, {Level.A4}, _ANY_MATCH, Act.WORK, "an agent, by login"),
    Row({Who.AGENT}, {Level.A3}, {Match.OWN_AGENT_TOKEN}, Act.WORK, "an agent, by his own reply address"),
    Row({Who.AGENT}, _ANY_LEVEL, _ANY_MATCH, Act.HOLD, Said("From names an agent, and nothing proves it")),
    Row(_CUSTOMERS, _ANY_LEVEL, {Match.AGENT_TOKEN}, Act.HOLD, Said("an agent's reply address in other hands")),
    Row({Who.PARTICIPANT}, _PROVED, _TOKENS | _POINTERS, Act.APPEND, "of the ticket, by own reply address"),
    Row({Who.PARTICIPANT}, {Level.A2}, _TOKENS | _POINTERS, Act.APPEND_UNVERIFIED, "of the ticket, by From alone"),
    Row({Who.STRANGER}, _ANY_LEVEL, _TOKENS, Act.HOLD, Said("a participant's reply address in other hands")),
    Row({Who.STRANGER}, _ANY_LEVEL, _POINTERS, Act.OPEN_REFERRING, "points to a ticket that the sender is not of"),
    Row({Who.STRANGER}, _ANY_LEVEL, {Match.NONE}, Act.OPEN, "a first mail"),
)
_UNFORESEEN = Row(frozenset(Who), _ANY_LEVEL, _ANY_MATCH, Act.HOLD, Said("no rule allows it"))


def who(sender: Sender, found: Found) -> Who:
    """The sender's part in the ticket that was found. An agent may be the customer of a ticket: his token tells.

    What only reads like a robot's is no robot's where an agent is named: it is hers to say, and held where it is not
    proved.
    """
    if sender.robot and not (sender.doubtful_robot and sender.kind is Kind.AGENT):
        return Who.ROBOT
    if sender.kind is Kind.OWN:
        return Who.OWN
    if sender.kind is Kind.AGENT and found.match is not Match.OWN_TOKEN:
        return Who.AGENT
    return Who.PARTICIPANT if found.participant else Who.STRANGER


def level(sender: Sender, found: Found) -> Level:
    """The evidence, with what an own token adds to it."""
    own = found.match in (Match.OWN_TOKEN, Match.OWN_AGENT_TOKEN)
    return max(sender.level, Level.A3) if own else sender.level


def permit(who: Who, level: Level, match: Match) -> Row:
    """The first row that fits; what no row allows is held."""
    fitting = (row for row in TABLE if who in row.who and level in row.levels and match in row.matches)
    return next(fitting, _UNFORESEEN)
