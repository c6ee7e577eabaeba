"""The way of a mail from the journal to its answers, built from the settings."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from gateway import log
from gateway.db.known import tickets
from gateway.db.store import Store
from gateway.db.unit import Applied, Case, Stored
from gateway.desk import people
from gateway.desk.decision import Outgoing
from gateway.desk.identity import is_own
from gateway.errors import ConfigurationError
from gateway.inbound.deciding import Decider
from gateway.inbound.express import Express
from gateway.inbound.fetching import Fetching
from gateway.inbound.journal import Journal
from gateway.inbound.mailboxes import Mailboxes
from gateway.inbound.queue import Queue
from gateway.inbound.reader import Reader
from gateway.inbound.worker import Worker
from gateway.keyfile import load_or_make
from gateway.model import Address, Composed, Due, NodeRole, Said, Ticket
from gateway.oauth import tokens_of
from gateway.oncall.notifiers import MailNotifier, Notifiers, WebNotifier
from gateway.oncall.pager import Pager
from gateway.outbound.check import check as check_templates
from gateway.outbound.compose import CUSTOMERS, Composer
from gateway.outbound.outbox import Outbox
from gateway.outbound.render import Renderer
from gateway.outbound.showing import Cause
from gateway.outbound.transport import open_transport
from gateway.reading.mime import parse_headers
from gateway.settings import Agent, Imap, Mailbox, Settings
from gateway.triage import glance
from gateway.triage.policy import DEFAULT, Policy, load_policy


def secret_file(settings: Settings) -> Path:
    return settings.gateway.secret_file or settings.gateway.data_dir / "secret.key"


def open_policy(settings: Settings) -> Policy:
    """The policy that the settings name. Raises ConfigurationError with all mistakes."""
    path = settings.gateway.policy
    if path is None:
        return DEFAULT
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        remedy = "name a file that is there, or leave it out for the shipped policy"
        raise ConfigurationError([f"gateway.policy: {path} cannot be read ({problem}); {remedy}"]) from None
    return load_policy(text, str(path))


def open_renderer(settings: Settings) -> Renderer:
    """The templates. Mistakes in own ones are logged; the shipped ones stand in, so no mail waits for mending."""
    renderer = Renderer(settings.gateway.templates)
    for mistake in check_templates(renderer):
        log.template_wrong(mistake)
    return renderer


PARTLY = Said("The ticket has what was fetched. Read the rest in the folder, where all of it still lies.")
NOT_AT_ALL = Said("No ticket was made. The mail is still in the folder: read it there, and answer its sender.")

LEFT_OUT = Said(
    "The attachments are not in this mail: with them it would be larger than the relay takes. Whoever runs the gateway "
    "finds them in the customer's mail: gateway mail list, gateway mail show"
)


class RandomNames:
    """Names of 128 random bits that nobody can guess, from any thread.

    The kernel is asked for many at once, for with each question the thread gives up its turn to the others.
    """

    def __init__(self) -> None:
        self._drawn: list[str] = []

    def __call__(self) -> str:
        while True:
            try:
                return self._drawn.pop()
            except IndexError:
                digits = os.urandom(16 * 256).hex()
                self._drawn += [digits[at : at + 32] for at in range(0, len(digits), 32)]


class Letters:
    """Composes what a decision sends, and the reports of what could not be sent."""

    def __init__(self, settings: Settings, composer: Composer, new_id: Callable[[], str]) -> None:
        self._settings = settings
        self._composer = composer
        self._new_id = new_id

    def __call__(
        self, outs: Sequence[Outgoing], ticket: Ticket | None, case: Case, attachments: Sequence[Stored], now: datetime
    ) -> list[Composed]:
        """Customers' copies of one mail share its Message-ID: to all of them an answer names what everybody has."""
        decision = case.decision
        mailbox = self._settings.by_name[ticket.mailbox] if ticket is not None else case.lookups.mailbox
        cause = Cause(
            subject=case.read.subject,
            message_id=case.read.message_id,
            opened=decision.opens is not None,
            paged=decision.page and bool(self._settings.oncall.notify),
            message=decision.message,
            verdict=decision.verdict,
            attachments=tuple((one.id, one.attachment) for one in attachments),
        )
        shared = {out.template: self._new_id() for out in outs if out.template in CUSTOMERS}
        return [
            self._composer.compose(out, mailbox, ticket, cause, now, shared.get(out.template) or self._new_id())
            for out in outs
        ]

    def reports(self, due: Due, why: str, ticket: Ticket | None, now: datetime) -> list[Composed]:
        """To the agents of the mailbox: a mail was given up. To her whom it was for as well, where she is alone."""
        mailbox = self._settings.by_name[due.mail.mailbox]
        details = {"recipient": due.mail.recipient, "status": why}
        told = people.others(self._settings, mailbox.name, due.mail.recipient)
        return self._to(told, "undeliverable", details, mailbox, ticket, now)

    def unfetched(self, imap: Imap, beginning: bytes, why: Said, now: datetime) -> list[Composed]:
        """To the agents of the mailbox: a mail in an IMAP folder could not be fetched, or not whole."""
        mailbox = self._settings.mailbox_of(imap)
        header = parse_headers(beginning)
        details = {
            "folder": imap.name, "sender": header.get("from"), "subject": header.get("subject"), "problem": why,
            "remedy": PARTLY if beginning else NOT_AT_ALL,
        }  # fmt: skip
        return self._to(self._settings.agents_of(mailbox.name), "unfetched", details, mailbox, None, now)

    def _to(
        self,
        agents: Iterable[Agent],
        template: str,
        details: Mapping[str, str],
        mailbox: Mailbox,
        ticket: Ticket | None,
        now: datetime,
    ) -> list[Composed]:
        return [
            self._composer.compose(
                Outgoing(template, Address(agent.name, agent.address), "agent", automatic=True, details=details),
                mailbox, ticket, Cause(), now, self._new_id(),
            )
            for agent in agents
        ]  # fmt: skip


class Pipeline:
    """Journal, worker, outbox and pager on one store. Built, not started."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Callable[[], datetime],
        roles: Collection[NodeRole] = tuple(NodeRole),
    ) -> None:
        """Each part is there whatever the ``roles``; they say what is handed on inside this process."""
        self.settings = settings
        self.store = store
        self.clock = clock
        self._delivers = NodeRole.DELIVERY in roles
        self.policy = open_policy(settings)
        self.keys = load_or_make(secret_file(settings))
        self._renderer = open_renderer(settings)
        composer = Composer(settings, self.policy, self._renderer, self.keys)
        self._letters = Letters(settings, composer, RandomNames())
        self.queue = Queue()
        works = NodeRole.WORKER in roles
        self.journal = Journal(store.writer, store.mails, self.queue, clock, keep=works, objects=store.objects)
        self.reader = Reader(settings.reading, self.policy)
        self._tokens = tokens_of(settings)
        self.outbox = self._outbox()
        self._web = WebNotifier.with_timeout(settings.oncall.timeout_seconds)
        # What rings twice is better than what waits for a relay that is silent over it: the next one is called early.
        patience = settings.outbound.timeout_seconds
        self._page_transport = open_transport(settings.outbound, settings.hostname, self._tokens, patience)
        by_mail = MailNotifier(composer.compose_page, self._page_transport)
        notifiers = Notifiers(by_mail, self._web)
        self.pager = Pager(store.pages, notifiers, clock, settings.oncall, settings.gateway.lease_seconds)
        decider = Decider(
            settings, self.keys, store.ids, store.mails, self._letters, store.node if self._delivers else "", clock,
            self._done,
        )  # fmt: skip
        self.worker = Worker(store.writer, store.mails, self.queue, self.reader, decider, self.journal.door, clock)
        express = Express(self.journal, self.queue, self.reader, decider, store.writer, store.mails, clock)
        self.accept = express.accept if works else self.journal.accept

    def _outbox(self) -> Outbox:
        transport = open_transport(self.settings.outbound, self.settings.hostname, self._tokens)
        outbox = self.store.outbox
        return Outbox(
            outbox, transport, outbox.attachments, self._left_out, self._report, self.settings, self.keys, self.clock
        )

    def _left_out(self, mail: Composed) -> str:
        return self._renderer.say(LEFT_OUT, self.settings.by_name[mail.mailbox].language)

    def _report(self, due: Due, why: str) -> None:
        def job(connection: Connection) -> Ticket | None:
            return tickets(connection, [due.ticket_id]).get(due.ticket_id)

        now = self.clock()
        ticket: Ticket | None = self.store.writer.run(job)
        for mail in self._letters.reports(due, why, ticket, now):
            self.store.outbox.add(due.ticket_id, mail, now)
        if ticket is not None:
            self.store.tell(
                ticket.id, f"the mail ({due.mail.template}) to {due.mail.recipient} was given up: {why}", now
            )

    def _done(self, applied: Sequence[Applied]) -> None:
        """After the commit: pages first. What another node sends, the database tells it."""
        if not self._delivers:
            return
        if any(one.paged for one in applied):
            self.pager.wake()
        for one in applied:
            self.outbox.offer(one.outgoing)

    def mailboxes(self, trouble: Callable[[], str]) -> Mailboxes:
        """What polls the IMAP folders; ``trouble`` says why no mail can be taken now. Call it in the event loop."""
        wake = asyncio.get_running_loop().call_soon_threadsafe
        fetching = [
            Fetching(
                imap, self._tokens, self.settings.smtp.max_message_bytes, self.settings.mailbox_of(imap).address,
                partial(is_own, settings=self.settings), self.store.folders, trouble,
                partial(wake, self.worker.wake), partial(self._report_unfetched, wake), self.clock,
            )
            for imap in self.settings.imap
        ]  # fmt: skip
        return Mailboxes(fetching, self.store.folders, self.settings.gateway.lease_seconds, self.clock)

    def _report_unfetched(
        self, wake: Callable[[Callable[[], None]], object], imap: Imap, beginning: bytes, why: Said
    ) -> None:
        now = self.clock()
        for mail in self._letters.unfetched(imap, beginning, why, now):
            self.store.outbox.add(None, mail, now)
        wake(self.outbox.wake)

    async def warm_up(self) -> None:
        """Have ready what reads and writes mails, so that the first one need not wait for it."""
        await asyncio.gather(
            self.reader.start(), asyncio.to_thread(self._renderer.warm_up), asyncio.to_thread(glance.warm_up)
        )

    async def close(self) -> None:
        self.reader.close()
        await self._page_transport.close()
        await self._web.close()
