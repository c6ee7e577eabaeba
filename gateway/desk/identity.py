"""Who sent a mail, and how well that is proved.

A From header proves nothing by itself. What counts as proof is SMTP AUTH bound to that From (A4), or a reply address
that was given to just this person (A3, see ``threading``). A plain From is A2; a missing, repeated or ambiguous one A1.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from gateway.desk.tokens import split
from gateway.model import Envelope, MachineKind, ReadMail
from gateway.settings import Agent, Settings

_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_UNANSWERED = frozenset(
    {"mailer-daemon", "postmaster", "abuse", "noreply", "no-reply", "no_reply", "donotreply", "do-not-reply", "bounce"}
)
"""Local parts that no automatic mail goes to (RFC 3834 §2)."""
_DOUBTFUL = re.compile(r'[\s"<>()\[\],:;\\@]')


class Kind(StrEnum):
    """What the From header names. A robot may be any of them: see ``Sender.robot``."""

    AGENT = "agent"
    OWN = "own"
    CUSTOMER = "customer"


class Level(IntEnum):
    """Evidence that the sender is who From names."""

    A1 = 1
    A2 = 2
    A3 = 3
    A4 = 4


@dataclass(frozen=True, slots=True)
class Sender:
    kind: Kind
    level: Level
    """Without what a token may add."""
    address: str
    """Folded; empty where From is ambiguous."""
    agent: Agent | None
    robot: frozenset[MachineKind]
    """Why it is a robot's; empty for a person."""
    why: tuple[str, ...]
    """How this was found, a line each."""
    posing: bool = False
    """A stranger who carries an agent's name."""
    doubtful_robot: bool = False
    """Only the mail's text says that it is a robot's: a person may have written that."""


def fold(address: str) -> str:
    """An address for comparing: ASCII letters lower, all else untouched.

    Full case folding would turn U+212A KELVIN SIGN into ``k``, and a stranger's address into an agent's.
    """
    address = address.strip()
    return address.lower() if address.isascii() else address.translate(_ASCII_LOWER)


def is_own(address: str, settings: Settings) -> bool:
    """Whether the address is a mailbox of ours, with or without a token."""
    return bool(split(fold(address), settings.by_address)[0])


def is_usable(address: str) -> bool:
    """Whether mail can be sent there without doubt about where it goes: a plain name@domain."""
    local, at, domain = address.rpartition("@")
    return bool(local and at and domain) and address.isprintable() and not _DOUBTFUL.search(local + domain)


def is_answerable(address: str) -> bool:
    """Whether an automatic mail may go there: usable, and no robot's address by its name."""
    local = fold(address).rpartition("@")[0]
    return is_usable(address) and local not in _UNANSWERED


def identify(mail: ReadMail, envelope: Envelope, settings: Settings) -> Sender:
    """Name the sender from the strict identity, and say how well it is proved."""
    address, proved, robot = fold(mail.identity.address), fold(envelope.auth), _robot(mail, envelope)
    doubtful = mail.machine.doubtful and not _is_null(envelope)
    flags = tuple(f"From: {flag}" for flag in mail.identity.flags)
    if not address:
        # Among others, or twice: what names an agent that way is somebody's who wants to be taken for her.
        posing = mail.author is not None and fold(mail.author.address) in settings.agents
        kind = Kind.AGENT if posing else Kind.CUSTOMER
        why = ("From names nobody for certain (A1)", *flags)
        return Sender(kind, Level.A1, "", None, robot, why, posing, doubtful)
    own = is_own(address, settings)
    if own and proved in settings.agents:
        # A mail client that is set up to write as the support address: the login says which agent it is.
        address, flags = proved, (*flags, "From is an address of ours; the login tells the agent")
    agent = settings.agents.get(address)
    kind = Kind.AGENT if agent else Kind.OWN if own else Kind.CUSTOMER
    level, how = (Level.A4, "SMTP AUTH (A4)") if proved == address else (Level.A2, "From alone (A2)")
    posing = agent is None and _carries_agents_name(mail, settings)
    if posing:
        flags += ("From: an agent's name on a foreign address",)
    return Sender(kind, level, address, agent, robot, (f"{address} by {how}", *flags), posing, doubtful)


def _robot(mail: ReadMail, envelope: Envelope) -> frozenset[MachineKind]:
    # A loop header is only believed where its signature holds, which ``lookups`` finds out.
    kinds = frozenset(mail.machine.kinds) - {MachineKind.OWN_LOOP}
    return kinds or frozenset({MachineKind.AUTO_GENERATED} if _is_null(envelope) else ())


def _is_null(envelope: Envelope) -> bool:
    return envelope.via in ("smtp", "lmtp") and not envelope.mail_from


def _carries_agents_name(mail: ReadMail, settings: Settings) -> bool:
    name = " ".join(mail.author.name.split()).casefold() if mail.author else ""
    return any(name == " ".join(agent.name.split()).casefold() for agent in settings.agent)
