"""The log: one function a domain event, so that an operator searches for ``mail_done``, not for a sentence.
Each also moves its counter in ``gateway.metrics``.

On a terminal the lines are for reading, elsewhere each is one JSON object. Senders choose much of what stands in
them, so whatever does not print (control characters, ANSI escapes, U+2028, bidi overrides) is written escaped, and
long values are cut. No event takes a body or a password; addresses of services lose their credentials, and reply
addresses, which also stand in what relays answer, their proof.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from typing import Literal, TextIO
from urllib.parse import urlsplit

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from gateway import metrics
from gateway.errors import GatewayError
from gateway.printable import printable

LONGEST_VALUE = 500
_PROOF = re.compile(r"\+[A-Za-z2-7]{30,}(?=@)")
"""The token of a reply address: whoever has it is heard as the participant that it was given to."""
_JSON = json.JSONEncoder(ensure_ascii=False, check_circular=False, default=str).encode
_log = structlog.get_logger()


def set_up(
    level: str = "info", form: Literal["auto", "console", "json"] = "auto", stream: TextIO | None = None
) -> None:
    """Say how and where events are written; ``auto`` is console on a terminal and JSON otherwise."""
    stream = stream or sys.stderr
    terminal = stream.isatty()
    colors = terminal and not os.environ.get("NO_COLOR")
    console = form == "console" or (form == "auto" and terminal)
    structlog.configure(
        processors=[structlog.processors.add_log_level, *(_for_reading(colors) if console else (_as_json,))],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _Lines(stream),
        cache_logger_on_first_use=False,
    )
    global _log
    _log = structlog.get_logger().bind()  # bound once: some events happen with every mail
    logging.basicConfig(handlers=[_FromLibraries()], level=logging.WARNING, force=True)


class _Held(threading.local):
    lines: list[tuple[_Lines, str]] | None = None


_held = _Held()


@contextmanager
def together() -> Iterator[None]:
    """Write the events of a block in one go at its end: for what is told of many mails. It must not ``await``."""
    held: list[tuple[_Lines, str]] = []
    _held.lines = held
    try:
        yield
    finally:
        _held.lines = None
        if held:
            held[0][0].write("\n".join([line for _, line in held]))


class _Lines:
    """A log that cannot be written, on a full disk or to a reader that is gone, must not stop the mail."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        if _held.lines is not None:
            _held.lines.append((self, line))
        else:
            self.write(line)

    def write(self, lines: str) -> None:
        with suppress(OSError, ValueError):  # ValueError: the stream is closed
            self._stream.write(f"{lines}\n")
            self._stream.flush()

    debug = info = warning = error = msg


def _for_reading(colors: bool) -> tuple[Processor, ...]:
    stamp = structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=True)
    return stamp, clean, structlog.dev.ConsoleRenderer(colors=colors)


def _as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """A structlog processor. Every mail makes some events, and looking through a whole line costs less than cleaning
    each value: in a line without backslashes JSON had nothing to escape."""
    event["time"] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    line = _JSON(event)
    harmless = len(line) <= LONGEST_VALUE and line.isprintable() and "\\" not in line and "+" not in line
    return line if harmless else _JSON(clean(_logger, _method, event))


def clean(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: values as text that cannot move a cursor or start a line."""
    return {key: _clean(value) for key, value in event.items()}


def _clean(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    text = _PROOF.sub("+...", str(value))
    if len(text) > LONGEST_VALUE:
        text = f"{text[:LONGEST_VALUE]}... ({len(text)} characters)"
    return printable(text)


class _FromLibraries(logging.Handler):
    """Warnings of the libraries as events; their exceptions stay out, for those quote what they choked on."""

    def emit(self, record: logging.LogRecord) -> None:
        library_warned(library=record.name, message=record.getMessage())


@cache
def _service(url: str) -> str:
    """A relay or target as it may be shown: without user, password, path and query."""
    parts = urlsplit(url)
    if not parts.hostname:
        return url
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")


def config_loaded(path: str, mailboxes: Sequence[str], agents: int) -> None:
    _log.info("config_loaded", path=path, mailboxes=list(mailboxes), agents=agents)


def database_opened(dialect: str, version: str) -> None:
    _log.info("database_opened", dialect=dialect, version=version)


def database_upgraded(revision: str) -> None:
    _log.info("database_upgraded", revision=revision)


def listener_started(protocol: str, address: str) -> None:
    _log.info("listener_started", protocol=protocol, address=address)


def listener_stopped(protocol: str) -> None:
    _log.info("listener_stopped", protocol=protocol)


def gateway_started(version: str, roles: Sequence[str]) -> None:
    _log.info("gateway_started", version=version, roles=list(roles))


def gateway_stopped() -> None:
    _log.info("gateway_stopped")


def session_refused(peer: str, reason: str) -> None:
    """A connection was turned away or cut off: too many, too slow, too many errors."""
    _log.warning("session_refused", peer=peer, reason=reason)


def login_failed(peer: str, user: str) -> None:
    """What is no address is not told: people type passwords into the wrong field."""
    _log.warning("login_failed", peer=peer, user=user if "@" in user else "")


def mail_refused(peer: str, mail_from: str, answer: str) -> None:
    """Not accepted; the sender keeps it or was told. ``answer`` is the SMTP reply."""
    _log.info("mail_refused", peer=peer, mail_from=mail_from, answer=answer)


def mail_accepted(id: int, via: str, peer: str, mail_from: str, recipients: Sequence[str], size: int) -> None:
    """On disk; from here on it is ours. ``size`` in bytes."""
    _log.info(
        "mail_accepted", id=id, via=via, peer=peer, mail_from=mail_from, recipients=list(recipients[:10]), size=size
    )


def imap_connected(folder: str) -> None:
    """It is polled from now on."""
    _log.info("imap_connected", folder=folder)


def imap_begun(folder: str, numbering: int, left: int, known: int) -> None:
    """The first contact, or the server has numbered its mails anew; ``left`` of those that are there are fetched."""
    _log.info("imap_begun", folder=folder, numbering=numbering, left=left, known=known)


def imap_failed(folder: str, problem: BaseException) -> None:
    """The connection could not be made or broke, or kept mails could not be marked; tried again by itself."""
    _log.warning("imap_failed", folder=folder, **_cause(problem))


def imap_mail_left(folder: str, uid: int, reason: str, attempts: int, given_up: bool) -> None:
    """It could not be fetched. Tried again for a day; then given up, and staff get a report."""
    if given_up:
        _log.error("imap_mail_left", folder=folder, uid=uid, reason=reason, attempts=attempts, given_up=True)
    else:
        _log.warning("imap_mail_left", folder=folder, uid=uid, reason=reason, attempts=attempts, given_up=False)


def intake_paused(reason: str) -> None:
    """New mail is put off with a 4xx until ``intake_resumed``: disk, backlog or database."""
    metrics.intake_paused(True)
    _log.error("intake_paused", reason=reason)


def intake_resumed() -> None:
    metrics.intake_paused(False)
    _log.info("intake_resumed")


def mail_done(id: int, state: str, reason: str, ticket: str, seconds: float) -> None:
    """``seconds`` since it was accepted."""
    metrics.mail_done(state, seconds)
    _log.info("mail_done", id=id, state=state, reason=reason, ticket=ticket, seconds=round(seconds, 3))


def mail_failed(id: int, problem: BaseException, attempts: int) -> None:
    """Reading or deciding raised; the mail is kept and tried again, or made a ticket from what is safe."""
    metrics.mail_set_aside()
    _log.error("mail_failed", id=id, attempts=attempts, **_cause(problem))


def reader_stopped(id: int, reason: str) -> None:
    """A mail cost more time or memory than it may, and its reader was ended."""
    metrics.reader_stopped()
    _log.warning("reader_stopped", id=id, reason=reason)


def ticket_opened(number: str, severity: str, category: str, mailbox: str, action: str) -> None:
    _log.info("ticket_opened", number=number, severity=severity, category=category, mailbox=mailbox, action=action)


def message_added(ticket: str, kind: str) -> None:
    _log.info("message_added", ticket=ticket, kind=kind)


def page_sent(ticket: str, target: str, attempts: int, seconds: float) -> None:
    """``seconds`` since the mail that set it off was accepted."""
    metrics.page_tried("sent")
    metrics.page_took(seconds)
    _log.info("page_sent", ticket=ticket, target=_service(target), attempts=attempts, seconds=round(seconds, 3))


def page_later(ticket: str, target: str, attempts: int, problem: BaseException) -> None:
    metrics.page_tried("later")
    _log.warning("page_later", ticket=ticket, target=_service(target), attempts=attempts, **_cause(problem))


def page_failed(ticket: str, target: str, attempts: int, problem: BaseException) -> None:
    metrics.page_tried("failed")
    _log.error("page_failed", ticket=ticket, target=_service(target), attempts=attempts, **_cause(problem))


def delivery_sent(id: int, template: str, recipient: str, relay: str, attempts: int) -> None:
    metrics.delivery_tried("sent")
    _log.info("delivery_sent", id=id, template=template, recipient=recipient, relay=_service(relay), attempts=attempts)


def delivery_later(id: int, recipient: str, attempts: int, problem: BaseException) -> None:
    metrics.delivery_tried("later")
    _log.warning("delivery_later", id=id, recipient=recipient, attempts=attempts, **_cause(problem))


def delivery_failed(id: int, recipient: str, attempts: int, problem: BaseException) -> None:
    """Given up; staff get a report."""
    metrics.delivery_tried("failed")
    _log.error("delivery_failed", id=id, recipient=recipient, attempts=attempts, **_cause(problem))


def relay_down(relay: str, problem: BaseException) -> None:
    """A relay did not take mail; the next one is tried."""
    _log.warning("relay_down", relay=_service(relay), **_cause(problem))


def raw_mails_deleted(number: int) -> None:
    """They were older than ``retention.raw_days``."""
    _log.info("raw_mails_deleted", number=number)


def stray_file(path: str) -> None:
    """In the folder of raw mails, and no file of ours: it is left alone."""
    _log.warning("stray_file", path=path)


def part_crashed(part: str, problem: BaseException) -> None:
    """A loop of the gateway raised what it should have caught; it goes on."""
    _log.error("part_crashed", part=part, **_cause(problem))


def template_wrong(mistake: str) -> None:
    """In an own template; the shipped one stands in."""
    _log.error("template_wrong", mistake=mistake)


def library_warned(library: str, message: str) -> None:
    _log.warning("library_warned", library=library, message=message)


def _cause(problem: BaseException) -> dict[str, str]:
    """What went wrong and where. The text only of our own errors: others quote mails, SQL values or passwords."""
    if isinstance(problem, GatewayError):
        return {"problem": problem.private, "code": problem.code}
    frames = traceback.extract_tb(problem.__traceback__)[-6:]
    where = " < ".join(f"{f.filename.rpartition('site-packages/')[2]}:{f.lineno} {f.name}" for f in reversed(frames))
    return {"problem": type(problem).__qualname__, "where": where}
