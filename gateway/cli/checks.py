"""What ``gateway check`` looks at, one function each. They change nothing but make the data folder."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from gateway import app
from gateway.cli.check import Finding, Level
from gateway.cli.check_ports import ports
from gateway.db.damage import REMEDY, quick_check
from gateway.db.engine import check_version, open_engine, sqlite_file
from gateway.db.objects import Objects
from gateway.errors import ConfigurationError, GatewayError, Temporary
from gateway.inbound.imap import Connection
from gateway.keyfile import load_or_make
from gateway.oauth import tokens_of
from gateway.outbound.check import check as check_templates
from gateway.outbound.relay import Relay
from gateway.outbound.render import Renderer
from gateway.pipeline import open_policy, secret_file
from gateway.settings import Settings

SECONDS = 5.0
MANY_MAILS = 50
"""To fetch at once from a mailbox that was used before."""
WAL_RESET_FIXED = (3, 51, 3)
"""SQLite before this may damage a database when two connections write and checkpoint at the same instant."""


def policy(settings: Settings) -> Iterator[Finding]:
    try:
        open_policy(settings)
    except GatewayError as problem:
        for line in problem.private.splitlines():
            yield Finding("policy", Level.FAIL, line)
    else:
        yield Finding("policy", Level.OK, str(settings.gateway.policy or "the shipped one"))


def templates(settings: Settings) -> Iterator[Finding]:
    renderer = Renderer(settings.gateway.templates)
    mistakes = check_templates(renderer)
    for mistake in mistakes:
        yield Finding("templates", Level.FAIL, mistake)
    languages = renderer.languages()
    if not mistakes:
        yield Finding("templates", Level.OK, f"{len(renderer.names())} in {', '.join(languages)}")
    for mailbox in settings.mailbox:
        if mailbox.language not in languages:
            says = f"mailbox {mailbox.name}: there are none in {mailbox.language!r}, so English goes out in their place"
            yield Finding("templates", Level.NOTE, says, f"use one of {', '.join(languages)}, or write your own")


def data(settings: Settings) -> Iterator[Finding]:
    """The data folder, its disk and the secret."""
    folder = settings.gateway.data_dir
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = folder / ".check"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as problem:
        remedy = "name a folder" if folder.is_file() else "let the gateway's user write there"
        yield Finding("data folder", Level.FAIL, f"{folder}: {problem.strerror}", remedy)
        return
    yield _disk(folder, settings)
    try:
        secret = secret_file(settings)
        load_or_make(secret)
    except (GatewayError, OSError) as problem:
        yield Finding("secret", Level.FAIL, str(problem), "restore it from a backup")
        return
    open_to_others = secret.stat().st_mode & 0o077
    yield Finding(
        "secret",
        Level.NOTE if open_to_others else Level.OK,
        str(secret),
        f"chmod 600 {secret}" if open_to_others else "",
    )


def _disk(folder: Path, settings: Settings) -> Finding:
    free, needed = shutil.disk_usage(folder).free, settings.smtp.least_free_bytes
    says = f"{free / 1e9:,.1f} GB free in {folder}"
    if free < needed:
        return Finding("disk", Level.FAIL, f"{says}; new mail is put off below {needed / 1e6:,.0f} MB", "make room")
    return Finding("disk", Level.OK, says)


def database(settings: Settings) -> Iterator[Finding]:
    url = settings.database_url
    file = sqlite_file(url)
    if file is not None:
        yield _sqlite()
        if not file.exists():
            yield Finding("database", Level.OK, f"{file} is made when the gateway first runs")
            return
    try:
        engine = open_engine(url)
    except GatewayError as problem:
        yield Finding("database", Level.FAIL, problem.private)
        return
    try:
        check_version(engine)
    except Temporary as problem:
        remedy = "the embedded database is upgraded at the next start" if file else ""
        yield Finding("database", Level.NOTE if file else Level.FAIL, problem.private, remedy)
    except GatewayError as problem:
        yield Finding("database", Level.FAIL, problem.private)
    except SQLAlchemyError as problem:
        says = str(getattr(problem, "orig", problem)).strip()
        remedy = "restore a backup, or move it away" if file else "start it, or mend gateway.database"
        yield Finding("database", Level.FAIL, f"{file}: {says}" if file else says, remedy)
    else:
        yield _whole(file) if file else Finding("database", Level.OK, engine.url.render_as_string(hide_password=True))
    finally:
        engine.dispose()


def _whole(file: Path) -> Finding:
    found = quick_check(file, SECONDS)
    if found:
        return Finding("database", Level.FAIL, f"{file} is damaged: {found}", REMEDY)
    if found is None:
        says = f"{file}: nothing is wrong with what could be read in {SECONDS:g} s"
        return Finding("database", Level.OK, says, "to have all of it read: gateway backup FOLDER")
    return Finding("database", Level.OK, f"{file} is whole")


def _sqlite() -> Finding:
    version = f"SQLite {sqlite3.sqlite_version}"
    if sqlite3.sqlite_version_info >= WAL_RESET_FIXED:
        return Finding("SQLite", Level.OK, version)
    return Finding(
        "SQLite",
        Level.NOTE,
        f"{version} has the WAL-reset bug, which needs two writers at the same instant; the gateway has one",
        "nothing to do; for commands that write beside it, 3.51.3 or newer is safer",
    )


def object_store(settings: Settings) -> Iterator[Finding]:
    """Write an object and delete it again."""
    if not settings.storage.raw:
        return
    try:
        store = Objects(settings.storage.raw)
        store.delete(store.append([b"check"]))
    except GatewayError as problem:
        remedy = "name the account in the environment (AWS_ACCESS_KEY_ID, ...); it must write and delete there"
        yield Finding("object store", Level.FAIL, problem.private, remedy)
    else:
        yield Finding("object store", Level.OK, settings.storage.raw)


def tls(settings: Settings) -> Iterator[Finding]:
    if settings.smtp.tls_certificate is None:
        with_password = [agent.name for agent in settings.agent if agent.password]
        if with_password:
            says = f"{', '.join(with_password)} cannot log in without TLS"
            yield Finding("TLS", Level.NOTE, says, "name smtp.tls_certificate and smtp.tls_key")
        return
    try:
        app.tls_context(settings)
    except ConfigurationError as problem:
        yield Finding("TLS", Level.FAIL, problem.private)
        return
    yield Finding("TLS", Level.OK, str(settings.smtp.tls_certificate))


def relays(settings: Settings) -> Iterator[Finding]:
    """Come to each as a mail would, with TLS and login."""
    brief = settings.outbound.model_copy(update={"timeout_seconds": SECONDS})
    for relay in settings.outbound.relays:
        if relay.startswith("maildir:"):
            says = f"{relay}: outgoing mail stays on this machine"
            yield Finding("relay", Level.NOTE, says, "to send it, name smtp://HOST:PORT in outbound.relay")
            continue
        try:
            said = asyncio.run(Relay(relay, brief, settings.hostname, tokens_of(settings)).look())
        except Temporary as problem:
            remedy = "start it, or mend relay, tls, username or password in [outbound]; mail waits meanwhile"
            yield Finding("relay", Level.FAIL, f"{relay}: {problem.private}", remedy)
        else:
            yield Finding("relay", Level.OK, f"{relay} says {said}")


def imap(settings: Settings) -> Iterator[Finding]:
    """Log in and look into each folder, changing nothing."""
    tokens = tokens_of(settings)
    for one in settings.imap:
        connection = Connection(one.model_copy(update={"timeout_seconds": SECONDS}), tokens)
        try:
            connection.open()
            there, unseen = connection.all(connection.uid_next), connection.unseen(connection.uid_next)
        except GatewayError as problem:
            remedy = "mend server, username, password or folder of this [[imap]]; no mail is fetched meanwhile"
            yield Finding("imap", Level.FAIL, f"{one.name}: {problem.private}", remedy)
            continue
        finally:
            connection.leave()
        wanted = {"unseen": len(unseen), "all": len(there), "new": 0}[one.begin]
        there_are = f"{one.name}: {len(there):,} mails, {len(unseen):,} of them unread"
        says = f"{there_are}; at the first contact {wanted:,} are fetched"
        many = wanted > MANY_MAILS
        remedy = 'each of their senders gets a confirmation; begin = "new" fetches only what comes' if many else ""
        yield Finding("imap", Level.NOTE if many else Level.OK, says, remedy)


EVERYWHERE: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    policy,
    templates,
    data,
    database,
    object_store,
    ports,
    tls,
    relays,
    imap,
)
