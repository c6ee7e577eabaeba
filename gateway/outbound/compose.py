"""One outgoing mail: what a template shows, who sees whom, and the bytes that never change again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache, lru_cache
from hashlib import sha256

from gateway.desk import loop, tokens
from gateway.desk.decision import Outgoing
from gateway.desk.tokens import Keys, Purpose
from gateway.model import Address, Composed, Page, Participant, Role, Ticket
from gateway.outbound import frame, harmless, headers
from gateway.outbound.render import Renderer
from gateway.outbound.showing import Cause, Showing
from gateway.settings import Mailbox, Settings
from gateway.triage.policy import Policy

CUSTOMERS = frozenset({"confirmation", "answer"})
"""Templates that go to customers; all others go to staff."""
_PURPOSES = {"participant": Purpose.PARTICIPANT, "agent": Purpose.AGENT, "internal": Purpose.INTERNAL}


class Composer:
    """Makes mails. It does no I/O and asks no clock, so the same arguments make the same bytes."""

    def __init__(self, settings: Settings, policy: Policy, renderer: Renderer, keys: Keys) -> None:
        self._settings = settings
        self._renderer = renderer
        self._keys = keys
        self._showing = Showing(settings, policy, renderer.say)
        self._hostname = settings.hostname

    def compose(
        self, out: Outgoing, mailbox: Mailbox, ticket: Ticket | None, cause: Cause, now: datetime, unique: str
    ) -> Composed:
        """One copy, for one recipient.

        ``unique`` is the part of the Message-ID in front of the @, of letters, digits, dots and dashes, at most 40.
        Copies of one answer share it, so that everybody's client knows the ids that the others refer to.
        Raises KeyError where there is no such template.
        """
        customer = out.template in CUSTOMERS
        languages = (ticket.language, mailbox.language) if ticket and customer else (mailbox.language,)
        language = self._renderer.language(out.template, languages)
        view = self._showing.view(out, mailbox, ticket, cause, language, now)
        rendered = self._renderer.render(out.template, language, view)
        attachments = cause.attachments if out.with_attachments else ()
        head = self._head(out, mailbox, ticket, cause, now, unique, rendered.subject)
        boundary = f"=_{unique}"
        content = frame.build(head, rendered.text, rendered.html, boundary, bool(attachments))
        return Composed(
            template=out.template,
            mailbox=mailbox.name,
            recipient=out.recipient.address,
            message_id=f"{unique}@{self._hostname}",
            content=content,
            boundary=boundary if attachments else "",
            attachments=tuple(id_ for id_, _ in attachments),
            automatic=out.automatic,
        )

    def compose_page(self, pages: Sequence[Page], address: str) -> Composed:
        """Pages as one mail. Everything in it comes from them, so a second try is the same mail."""
        page = pages[0]
        prefix = page.ticket_number.rpartition("-")[0].upper()
        mailbox = next((m for m in self._settings.mailbox if m.prefix.upper() == prefix), self._settings.mailbox[0])
        out = Outgoing("page", Address("", address), "none", automatic=True)
        language = self._renderer.language("page", (mailbox.language,))
        rendered = self._renderer.render("page", language, self._showing.page(pages, mailbox, language))
        unique = self._unguessed(pages_name(pages))
        head = self._head(out, mailbox, None, Cause(), page.created_at, unique, rendered.subject)
        content = frame.build(head, rendered.text, rendered.html, f"=_{unique}", mixed=False)
        message_id = f"{unique}@{self._hostname}"
        return Composed("page", mailbox.name, address, message_id, content, "", (), automatic=True)

    def _unguessed(self, name: str) -> str:
        """As long as a drawn name, and the same at each try: a stranger who guessed the boundary of a mail that quotes
        him could end its parts, and write his own (RFC 2046 §5.1.1)."""
        mac = tokens.keyed(self._keys.by_generation[self._keys.newest], b"ticket-gateway page\0").copy()
        mac.update(name.encode())
        return mac.hexdigest()[:32]

    def _head(
        self,
        out: Outgoing,
        mailbox: Mailbox,
        ticket: Ticket | None,
        cause: Cause,
        now: datetime,
        unique: str,
        subject: str,
    ) -> str:
        to, cc = _people(out, ticket)
        parent = _parent(out, ticket, cause)
        return "".join(
            (
                _from(out.template, out.sender_name, mailbox.display_name, mailbox.address),
                headers.addresses("To", to),
                headers.addresses("Cc", cc),
                self._reply_to(out, mailbox, ticket, now),
                headers.text("Subject", subject),
                headers.date("Date", now),
                headers.ids("Message-ID", (f"{unique}@{self._hostname}",)),
                headers.ids("In-Reply-To", (parent,)),
                headers.ids("References", headers.references(ticket.thread if ticket else (), parent)),
                _machine(out.template, out.automatic, bool(parent)),
                headers.token(loop.HEADER, loop.sign(self._keys, unique)),
            )
        )

    def _reply_to(self, out: Outgoing, mailbox: Mailbox, ticket: Ticket | None, now: datetime) -> str:
        """The recipient's own reply address; none where a plain answer to From will do."""
        if ticket is None:
            return ""
        wanted = out.recipient.address.lower()
        purpose = _PURPOSES.get(out.purpose)
        subject = tokens.agent_number(wanted)
        if purpose is Purpose.PARTICIPANT:
            subject = next((p.id for p in ticket.participants if p.address.lower() == wanted), 0)
        if purpose is None or not subject:
            return ""
        token = tokens.make(self._keys, purpose, ticket.id, subject, now)
        return headers.addresses("Reply-To", (Address(mailbox.display_name, tokens.join(mailbox.address, token)),))


@lru_cache(1024)
def _from(template: str, sender: str, brand: str, address: str) -> str:
    """``Ann Agent (Support)`` for answers, ``Carla Customer via Support`` for notices; else the mailbox alone."""
    name = harmless.name(sender)
    if name:
        brand = f"{name} ({brand})" if template == "answer" else f"{name} via {brand}"
    return headers.addresses("From", (Address(brand, address),))


def _people(out: Outgoing, ticket: Ticket | None) -> tuple[list[Address], list[Address]]:
    """To and Cc. Customers see everybody on the thread; staff get a copy of their own, so that no reply to all goes
    to a customer from a private address. Addresses that need SMTPUTF8 are shown only to whom that serves anyway.
    """
    recipient = Address(harmless.name(out.recipient.name), out.recipient.address)
    if ticket is None or out.template not in CUSTOMERS:
        return [recipient], []
    utf8 = not recipient.address.isascii()
    shown = [p for p in ticket.participants if not p.undeliverable and (utf8 or p.address.isascii())]
    to = [_address(p) for p in shown if p.role is Role.REQUESTER]
    cc = [_address(p) for p in shown if p.role is Role.CC]
    named = {person.address.lower() for person in (*to, *cc)}
    if not to or recipient.address.lower() not in named:
        to, cc = [*to, recipient], [p for p in cc if p.address.lower() != recipient.address.lower()]
    return to, cc


def _address(person: Participant) -> Address:
    return Address(harmless.name(person.name), person.address)


def _parent(out: Outgoing, ticket: Ticket | None, cause: Cause) -> str:
    """The mail that this one answers, of those that its recipient can know: an agent's own is none of them."""
    written_by_agent = cause.message is not None and cause.message.by_agent
    if out.template == "answer" or (out.template == "notice" and written_by_agent):
        return ticket.thread[-1] if ticket and ticket.thread else ""
    return cause.message_id


@cache
def _machine(template: str, automatic: bool, answers: bool) -> str:
    """What keeps other machines from answering (RFC 3834 §5): everything but what an agent wrote carries it."""
    if template == "answer":
        return ""
    fields = headers.token("Auto-Submitted", "auto-replied" if automatic and answers else "auto-generated")
    fields += headers.token("X-Auto-Response-Suppress", "All")
    return fields + (headers.token("Precedence", "auto_reply") if automatic else "")


def pages_name(pages: Sequence[Page]) -> str:
    """The same for the same pages, and for no others: so a second try can be told from news, and what comes after a
    restore, when ids are given anew, from what came before it."""
    told = ",".join(f"{page.id} {page.created_at.isoformat()}" for page in pages)
    return f"page-{sha256(told.encode()).hexdigest()[:24]}"
