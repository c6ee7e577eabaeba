"""How a page reaches a target: by mail, or as JSON to a web address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import httpx

from gateway.errors import Temporary
from gateway.model import Composed, Page
from gateway.outbound.compose import pages_name
from gateway.outbound.transport import Transport


class Notifier(Protocol):
    async def notify(self, pages: Sequence[Page]) -> None:
        """Tell the one target of these pages of all of them at once. Raises Temporary or Permanent where it was not
        told."""


class Notifiers:
    """Chooses by the target's scheme."""

    def __init__(self, mail: Notifier, web: Notifier) -> None:
        self._mail = mail
        self._web = web

    async def notify(self, pages: Sequence[Page]) -> None:
        await (self._mail if pages[0].target.startswith("mailto:") else self._web).notify(pages)


class MailNotifier:
    """Sends the template ``page`` straight to the transport, past the outbox and its backlog.

    ``compose`` makes the same Message-ID for the same pages, so that a second try is the same mail.
    """

    def __init__(self, compose: Callable[[Sequence[Page], str], Composed], transport: Transport) -> None:
        self._compose = compose
        self._transport = transport

    async def notify(self, pages: Sequence[Page]) -> None:
        mail = self._compose(pages, pages[0].target.removeprefix("mailto:"))
        await self._transport.send("", mail.recipient, mail.content, mail.message_id)


class WebNotifier:
    """POSTs JSON. Redirects are not followed: they would carry the ticket to wherever the answer points."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    @classmethod
    def with_timeout(cls, seconds: float) -> WebNotifier:
        return cls(httpx.AsyncClient(timeout=seconds, follow_redirects=False))

    async def notify(self, pages: Sequence[Page]) -> None:
        headers = {"Idempotency-Key": pages_name(pages)}
        try:
            response = await self._client.post(pages[0].target, json=_body(pages), headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as problem:
            raise Temporary("The page could not be sent.", f"{type(problem).__name__}: {problem}") from problem
        if not response.is_success:
            raise Temporary("The page was refused.", f"HTTP {response.status_code} {response.reason_phrase}")

    async def close(self) -> None:
        await self._client.aclose()


def _body(pages: Sequence[Page]) -> dict[str, object]:
    """The JSON that operators' receivers read: keep its keys. ``dedupe_key`` is one for all pages of a ticket."""
    page, *others = pages
    return {
        **_about(page),
        "text": page.text,
        "evidence": list(page.evidence),
        "dedupe_key": pages_name(pages) if others else f"ticket-{page.ticket_number}",
        "created_at": page.created_at.isoformat(),
        "others": [_about(other) for other in others],
    }


def _about(page: Page) -> dict[str, object]:
    return {
        "ticket": page.ticket_number,
        "severity": page.severity.value,
        "subject": page.subject,
        "requester": page.requester,
    }
