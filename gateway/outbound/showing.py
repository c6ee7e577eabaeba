"""From ticket, message and verdict to the frozen values that a template shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from gateway.desk.decision import NewMessage, Outgoing
from gateway.model import Action, Attachment, Evidence, MessageKind, Page, Role, Severity, Ticket, Verdict
from gateway.outbound import harmless, views
from gateway.outbound.headers import clean
from gateway.settings import Mailbox, Settings
from gateway.triage.policy import Policy

LONGEST_TEXT = 200_000
"""Characters of a message that staff are shown; all of it is in the database. Customers get an answer whole."""
LONGEST_CUT = 20_000
"""Characters of what a first mail quotes."""
LONGEST_SUBJECT = 250
_SHOWS = re.compile(r"<img\b|(?:^|>)(?:\s|&nbsp;)*+[^<]")
"""In sanitised HTML: a picture, or a letter."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What an outgoing mail is about: mostly the mail that came in."""

    subject: str = ""
    message_id: str = ""
    """Of that mail, without brackets."""
    opened: bool = False
    """It opened the ticket."""
    paged: bool = False
    """The on-call was alerted because of it."""
    message: NewMessage | None = None
    verdict: Verdict | None = None
    attachments: tuple[tuple[int, Attachment], ...] = ()
    """With the ids under which they are stored."""


class Showing:
    """Makes views. All that strangers wrote and that is not a message's body is made harmless here."""

    def __init__(self, settings: Settings, policy: Policy, say: Callable[[str, str], str]) -> None:
        """``say`` puts a sentence of ours into a language."""
        self._settings = settings
        self._policy = policy
        self._say = say
        # Asked again for each mail of a batch, which shares its ``now``.
        self._expected = lru_cache(256)(self._expected_by)
        self._opens = lru_cache(1)(self._opens_at)
        self._chat = lru_cache(64)(policy.chat_now)

    def view(
        self, out: Outgoing, mailbox: Mailbox, ticket: Ticket | None, cause: Cause, language: str, now: datetime
    ) -> views.View:
        """The view of the template that ``out`` names. Raises KeyError where there is no such template."""
        common = _common(mailbox, ticket, out.details.get("subject") or cause.subject)
        if out.template == "undeliverable":
            return self._undeliverable(out, ticket, common)
        if out.template in _DETAILED:
            details = {name: self._say(text, language) for name, text in out.details.items()}
            return _DETAILED[out.template](common, details)
        if ticket is None:
            raise KeyError(f"template {out.template!r} shows a ticket, and there is none")
        if out.template == "confirmation":
            return self._confirmation(out, ticket, cause, language, now, common)
        if out.template == "answer":
            return self._answer(out, mailbox, cause, common)
        if out.template == "notice":
            return self._notice(ticket, cause, language, common)
        raise KeyError(f"there is no template {out.template!r}")

    def _undeliverable(self, out: Outgoing, ticket: Ticket | None, common: Mapping[str, Any]) -> views.Undeliverable:
        recipient = clean(out.details.get("recipient", ""))
        return views.Undeliverable(
            **common,
            recipient=recipient,
            staff=recipient.lower() in self._settings.agents,
            requester=clean(ticket.requester.address) if ticket else "",
            reason=clean(out.details.get("status", "")),
        )

    def page(self, pages: Sequence[Page], mailbox: Mailbox, language: str) -> views.Page:
        page, *others = pages
        return views.Page(
            **_common(mailbox, None, page.subject) | {"number": page.ticket_number},
            severity=page.severity.value,
            severity_name=self._policy.severity_name(page.severity, language),
            requester=clean(page.requester),
            text=page.text[:LONGEST_TEXT],
            evidence=tuple(clean(line) for line in page.evidence),
            others=tuple(
                views.Paged(
                    number=other.ticket_number,
                    severity=other.severity.value,
                    subject=clean(other.subject),
                    requester=clean(other.requester),
                )
                for other in others
            ),
        )

    def _expected_by(self, severity: Severity, now: datetime) -> views.Moment:
        return views.Moment.of(self._policy.answer_expected_by(severity, now))

    def _opens_at(self, now: datetime) -> views.Moment | None:
        moment = self._policy.reopens(now)
        return views.Moment.of(moment) if moment else None

    def _confirmation(
        self, out: Outgoing, ticket: Ticket, cause: Cause, language: str, now: datetime, common: Mapping[str, Any]
    ) -> views.Confirmation:
        verdict, severity = cause.verdict, ticket.severity
        copy = out.recipient.address.lower() != ticket.requester.address.lower()
        return views.Confirmation(
            **{**common, "subject": harmless.unlinked(common["subject"])},
            name=harmless.name(out.recipient.name),
            copy=copy,
            severity=severity.value,
            severity_name=self._policy.severity_name(severity, language),
            severity_meaning=self._policy.severity_meaning(severity, language),
            stated="" if copy else _stated(verdict, severity),
            alerted=cause.paged,
            minutes=self._policy.minutes_at_any_hour(severity) if cause.paged else 0,
            expected=self._expected(severity, now),
            opens=self._opens(now),
            chat=self._chat(now, language),
            portal=self._policy.contact.portal,
            status_page=self._policy.contact.status_page,
            missing=verdict.missing if verdict else (),
            attachments=_names(cause),
        )

    def _answer(self, out: Outgoing, mailbox: Mailbox, cause: Cause, common: Mapping[str, Any]) -> views.Answer:
        text = cause.message.text.strip("\n") if cause.message else ""
        html = harmless.lines(text)
        agent = clean(out.sender_name) or mailbox.display_name
        return views.Answer(**common, agent=agent, text=text, html=html, attachments=_names(cause))

    def _notice(self, ticket: Ticket, cause: Cause, language: str, common: Mapping[str, Any]) -> views.Notice:
        message, verdict = cause.message, cause.verdict
        text, html, goes_on = _shown(message)
        author = message.author if message else ticket.requester
        agent = self._settings.agents.get(ticket.assignee.lower())
        return views.Notice(
            **common,
            author=harmless.name(author.name) or author.address,
            author_address=author.address,
            by_agent=message is not None and message.by_agent,
            note=message is not None and message.kind is MessageKind.NOTE,
            doubts=tuple(self._say(doubt, language) for doubt in message.doubts) if message else (),
            people=tuple(p.address for p in sorted(ticket.participants, key=lambda p: p.role is not Role.REQUESTER)),
            opened=cause.opened,
            status=ticket.status.value,
            assignee=agent.name if agent else ticket.assignee,
            severity=ticket.severity.value,
            severity_name=self._policy.severity_name(ticket.severity, language),
            category_name=self._policy.category_name(ticket.category, verdict.subcategory if verdict else "", language),
            stated=_stated(verdict, ticket.severity),
            alerted=cause.paged,
            check=verdict is not None and verdict.action is Action.CHECK,
            evidence=_reasons(verdict.evidence) if verdict else (),
            text=text,
            html=html,
            goes_on=goes_on,
            cut=_cut(message),
            attachments=_names(cause),
        )


def _common(mailbox: Mailbox, ticket: Ticket | None, fallback: str) -> dict[str, Any]:
    number = ticket.number if ticket else ""
    subject = _untagged(ticket.subject if ticket else fallback, number)
    return {
        "brand": mailbox.display_name,
        "address": mailbox.address,
        "signature": mailbox.signature,
        "number": number,
        "subject": subject,
        "subject_line": subject,
    }


def _untagged(subject: str, number: str) -> str:
    """The customer's subject without our tag, which the templates put in front once."""
    subject = clean(subject[: 4 * LONGEST_SUBJECT])
    if number and number.casefold() in subject.casefold():
        subject = clean(re.sub(rf"\[{re.escape(number)}\]", " ", subject, flags=re.IGNORECASE))
    return subject if len(subject) <= LONGEST_SUBJECT else subject[: LONGEST_SUBJECT - 1] + "…"


def _problem(common: Mapping[str, Any], details: Mapping[str, str]) -> views.View:
    return views.Problem(**common, problem=details.get("problem", ""), remedy=details.get("remedy", ""))


def _held(common: Mapping[str, Any], details: Mapping[str, str]) -> views.View:
    return views.Held(
        **common,
        sender=clean(details.get("sender", "")),
        problem=details.get("problem", ""),
        remedy=details.get("remedy", ""),
    )


def _unfetched(common: Mapping[str, Any], details: Mapping[str, str]) -> views.View:
    return views.Unfetched(
        **common,
        folder=clean(details.get("folder", "")),
        sender=clean(details.get("sender", "")),
        problem=clean(details.get("problem", "")),
        remedy=details.get("remedy", ""),
    )


_DETAILED = {"problem": _problem, "held": _held, "unfetched": _unfetched}


def _stated(verdict: Verdict | None, severity: Severity) -> str:
    return verdict.stated.value if verdict and verdict.stated and verdict.stated is not severity else ""


def _reasons(evidence: Sequence[Evidence]) -> tuple[str, ...]:
    """The words that decided. One sentence may say both what fails and for whom."""
    return tuple(dict.fromkeys(clean(e.text)[:200] for e in evidence if e.text))


def _names(cause: Cause) -> tuple[str, ...]:
    return tuple(harmless.file_name(a.name) or clean(a.content_type) for _, a in cause.attachments)


def _cut(message: NewMessage | None) -> str:
    cut = message.cut.strip("\n") if message else ""
    return cut if len(cut) <= LONGEST_CUT else f"{cut[:LONGEST_CUT]} […]"


def _shown(message: NewMessage | None) -> tuple[str, Markup, bool]:
    """The message's text, as text and as HTML, and whether it goes on."""
    if message is None:
        return "", Markup(), False
    text, goes_on = message.text[:LONGEST_TEXT].strip("\n"), len(message.text) > LONGEST_TEXT
    html = message.html if not goes_on and len(message.html) <= 2 * LONGEST_TEXT else ""
    return text, Markup(html) if html and (text or _SHOWS.search(html)) else harmless.lines(text), goes_on
