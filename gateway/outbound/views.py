"""What templates may see: frozen values of text, one class a template. Nothing in them leads to the database.

Names of people and subjects come from strangers: the composer makes them harmless (``gateway.outbound.harmless``)
before they get here.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Moment:
    """A time of day where the support team works, in pieces, for each language to put in its own order."""

    weekday: int
    """0 is Monday."""
    day: int
    month: int
    year: int
    time: str
    """``09:00``."""
    zone: str
    """Such as ``PST``."""

    @classmethod
    def of(cls, moment: datetime) -> Moment:
        return cls(
            moment.weekday(),
            moment.day,
            moment.month,
            moment.year,
            f"{moment.hour:02}:{moment.minute:02}",
            moment.tzname() or "",
        )


MOMENT = frozenset(field.name for field in fields(Moment))


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What every template has."""

    brand: str
    """The mailbox's display name."""
    address: str
    """The mailbox's address."""
    signature: str
    number: str = ""
    """``SUP-1042``; empty where there is no ticket."""
    subject: str = ""
    """For showing in the text."""
    subject_line: str = ""
    """For the Subject header: the customer's own words, without our tag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation(View):
    """To requester and CC: what we understood, and when to expect an answer."""

    name: str = ""
    """Of the recipient; empty where there is none that can be shown."""
    copy: bool = False
    """The recipient is in CC, not the requester."""
    severity: str
    """``S0`` to ``S3``."""
    severity_name: str
    severity_meaning: str
    stated: str = ""
    """The severity that the recipient stated, where it differs; empty for who was only copied."""
    alerted: bool = False
    """The on-call engineer was alerted."""
    minutes: int = 0
    """Within which the on-call typically answers, at any hour; 0 where nothing is promised at any hour."""
    expected: Moment | None = None
    """By when to expect an answer."""
    opens: Moment | None = None
    """When support hours begin again, where they are not on."""
    chat: str = ""
    """How to reach the live chat, where it is open now."""
    portal: str = ""
    status_page: str = ""
    missing: tuple[str, ...] = ()
    """What would help: ``workaround``, ``others``, ``browser``, ``errors``."""
    attachments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(View):
    """To requester and CC: what an agent wrote."""

    agent: str
    text: str
    html: Markup
    attachments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(View):
    """To staff: a new mail of a ticket."""

    author: str
    """Name of who wrote, or his address where he has none that can be shown."""
    author_address: str
    by_agent: bool = False
    note: bool = False
    """Internal: no customer sees it."""
    doubts: tuple[str, ...] = ()
    """Why the mail may not be what it seems."""
    people: tuple[str, ...]
    """Addresses of requester and CC."""
    opened: bool
    """This mail opened the ticket."""
    status: str
    assignee: str
    severity: str
    severity_name: str
    category_name: str = ""
    """Of the escalation category, with what of it is meant; empty for none."""
    stated: str = ""
    alerted: bool = False
    check: bool = False
    """The severity wants a human's look."""
    evidence: tuple[str, ...] = ()
    """Why this severity, a reason each."""
    text: str
    html: Markup
    goes_on: bool = False
    """The text is longer than what is shown of it."""
    cut: str = ""
    """What ``text`` leaves out of the mail that opened the ticket: quotation and signature."""
    attachments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Paged:
    """What else the on-call is told of, if one page tells of several tickets."""

    number: str
    severity: str
    subject: str
    requester: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(View):
    """To the on-call."""

    severity: str
    severity_name: str
    requester: str
    text: str
    evidence: tuple[str, ...] = ()
    others: tuple[Paged, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem(View):
    """To an agent: what was wrong with her mail, and how to mend it."""

    problem: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(View):
    """To staff: a mail was held back, why, and what to do."""

    sender: str
    problem: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Undeliverable(View):
    """To staff: a mail of ours did not arrive, and is not tried again."""

    recipient: str
    staff: bool = False
    """The recipient is an agent."""
    requester: str = ""
    """Address of the ticket's, where there is one."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfetched(View):
    """To staff: a mail in an IMAP folder could not be fetched, or not whole."""

    folder: str
    sender: str
    problem: str
    remedy: str


VIEWS: dict[str, type[View]] = {
    "confirmation": Confirmation,
    "answer": Answer,
    "notice": Notice,
    "page": Page,
    "problem": Problem,
    "held": Held,
    "undeliverable": Undeliverable,
    "unfetched": Unfetched,
}
"""The templates there are, and what each may use."""

NAMES = {view: tuple(field.name for field in fields(view)) for view in VIEWS.values()}
_VALUES = {view: attrgetter(*names) for view, names in NAMES.items()}


def variables(view: View) -> dict[str, Any]:
    """The view's fields by name, for a template."""
    kind = type(view)
    return dict(zip(NAMES[kind], _VALUES[kind](view), strict=True))
