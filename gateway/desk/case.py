"""One mail with all that is known about it: what the rules of the desk work on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.desk import identity, permission, threading
from gateway.desk.decision import Known, Lookups
from gateway.desk.identity import Level, Sender, fold
from gateway.desk.permission import Act, Row, Who
from gateway.desk.threading import Found
from gateway.model import Action, Address, Envelope, ReadMail, Reply, Said, Severity, Ticket, Verdict
from gateway.settings import Settings

_NOBODY = Said("its From names nobody for certain")
_POSING = Said("it carries an agent's name, and is none of theirs as far as can be told")
_UNPROVED = Said("nothing but its From says who sent it")
_SOUNDS_AUTOMATIC = Said("it reads like an automatic answer; its sender got none")
_OF_FLAGS = {
    "several-from-headers": Said("it has several From fields"),
    "several-addresses": Said("its From has several addresses"),
    "address-in-display-name": Said("its sender's name holds another address"),
    "non-ascii-address": Said("its sender's address has letters that may look like others"),
    "control-characters": Said("its sender's name has characters that cannot be seen"),
    "invisible-characters": Said("its sender's name has characters that cannot be seen"),
}
"""By what ``reading.identity`` calls them."""


@dataclass(frozen=True, slots=True)
class Case:
    mail: ReadMail
    envelope: Envelope
    verdict: Verdict
    lookups: Lookups
    known: Known
    settings: Settings
    now: datetime
    released: bool
    """An operator let this mail through: it is not held again."""
    sender: Sender
    found: Found
    who: Who
    level: Level
    row: Row
    """What the table of permissions says."""

    @property
    def ticket(self) -> Ticket | None:
        return self.found.ticket

    @property
    def mailbox(self) -> str:
        return self.found.ticket.mailbox if self.found.ticket else self.lookups.mailbox.name

    @property
    def new_text(self) -> str:
        """What the sender wrote anew; the whole body only where nothing was taken apart."""
        return self.mail.text if self.mail.reply == Reply() else self.mail.reply.text

    @property
    def critical(self) -> bool:
        """Whether the mail is to wake the on-call."""
        return self.verdict.severity is Severity.S0 and self.verdict.action is Action.PAGE

    @property
    def author(self) -> Address:
        """The sender for showing: the name counts only beside the address that it stood with."""
        named, address = self.mail.author, self.sender.address
        if self.sender.agent is not None:
            return Address(self.sender.agent.name, self.sender.agent.address)
        if named is not None and (not address or fold(named.address) == address):
            return named
        return Address("", address)

    @property
    def evidence(self) -> tuple[str, ...]:
        """How the sender was identified, how the ticket was found, which rule decided."""
        place = (
            f"{self.found.match.value} points to {self.ticket.number}" if self.ticket else "nothing points to a ticket"
        )
        rule = (
            f"{self.who.value}, {self.level.name}, {self.found.match.value}: {self.row.act.value} ({self.row.reason})"
        )
        robot = (
            f"a robot's: {', '.join(sorted(self.sender.robot))}; {self.mail.machine.reason}"
            if self.sender.robot
            else ""
        )
        return (*self.sender.why, place, rule, *([robot] if robot else []))

    @property
    def doubts(self) -> tuple[Said, ...]:
        """Why staff should not take the mail for what it seems: a sentence each."""
        found = [_OF_FLAGS[flag] for flag in self.mail.identity.flags if flag in _OF_FLAGS]
        if not self.sender.address and not found:
            found.append(_NOBODY)
        if self.sender.posing:
            found.append(_POSING)
        if self.row.act is Act.APPEND_UNVERIFIED:
            found.append(_UNPROVED)
        if self.sender.doubtful_robot:
            found.append(_SOUNDS_AUTOMATIC)
        return tuple(found)


def consider(
    mail: ReadMail,
    envelope: Envelope,
    verdict: Verdict,
    lookups: Lookups,
    known: Known,
    settings: Settings,
    now: datetime,
    released: bool,
) -> Case:
    """Identify the sender, find the ticket, look up what is allowed."""
    sender = identity.identify(mail, envelope, settings)
    found = threading.find(lookups, known, sender, mail.subject)
    who, level = permission.who(sender, found), permission.level(sender, found)
    row = permission.permit(who, level, found.match)
    return Case(
        mail, envelope, verdict, lookups, known, settings, now, released, sender, found, who, level, row
    )  # fmt: skip
