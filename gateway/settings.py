"""The settings: one TOML file, overlaid by ``GATEWAY_...`` environment variables, as frozen values.

``load`` reports every mistake at once, each with file, key, what is wrong and how to mend it.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, get_origin
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from gateway.agreement import disagreements
from gateway.errors import ConfigurationError
from gateway.fields import (
    Afterwards,
    Amount,
    AnsweredFrom,
    Database,
    Days,
    Filled,
    Folder,
    Hostname,
    ImapServer,
    Language,
    Listed,
    Listen,
    MailAddress,
    Minutes,
    NotNegative,
    ObjectStore,
    OwnAddress,
    Positive,
    Prefix,
    Relay,
    Target,
    TokenUrl,
    spellings,
)
from gateway.mistakes import explain, key_of, section_model, setting_names

ENVIRONMENT_PREFIX = "GATEWAY_"
NOT_SETTINGS = {"GATEWAY_CONFIG"}
"""Variables with our prefix that the command line reads itself."""


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Gateway(Section):
    data_dir: Path = Path("var")
    database: Database = ""
    hostname: Hostname = ""
    templates: Path | None = None
    policy: Path | None = None
    secret_file: Path | None = None
    lease_seconds: Positive = 30
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "console", "json"] = "auto"


class Smtp(Section):
    listen: Listen = "127.0.0.1:8025"
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    max_message_bytes: Positive = 36 * 1024 * 1024
    max_recipients: Positive = 1000
    max_connections: Positive = 500
    max_connections_per_peer: Positive = 50
    max_errors: Positive = 20
    max_junk_commands: Positive = 100
    max_login_failures: Positive = 10
    command_seconds: Amount = 300
    data_bytes_per_second: Positive = 500
    session_seconds: Amount = 3600
    max_received_hops: Positive = 50
    max_bytes_in_flight: Positive = 512 * 1024 * 1024
    max_backlog: Positive = 1_000_000
    min_free_disk_bytes: NotNegative = 0
    proxy_protocol: bool = False

    @property
    def least_free_bytes(self) -> int:
        """Disk space below which new mail is put off: at least half as much again as the largest mail we take."""
        return max(self.min_free_disk_bytes, self.max_message_bytes * 3 // 2)


class Lmtp(Section):
    listen: Listen


class Imap(Section):
    server: ImapServer
    username: Annotated[str, Filled]
    password: str = Field("", repr=False)
    password_file: Path | None = None
    login: Literal["password", "oauth"] = "password"
    folder: Folder = "INBOX"
    mailbox: str = ""
    tls: Literal["required", "none"] = "required"
    ca_file: Path | None = None
    begin: Literal["unseen", "all", "new"] = "unseen"
    afterwards: Afterwards = "seen"
    poll_seconds: Annotated[Positive, Field(le=1500)] = 60
    timeout_seconds: Amount = 60

    @property
    def name(self) -> str:
        """Of the folder, by which the database knows how far it was read; the port is left out, for it may change."""
        return f"{self.username} at {urlsplit(self.server).hostname}, {self.folder}"


class Metrics(Section):
    listen: Listen


class Reading(Section):
    workers: Positive = 1
    cpu_seconds: Amount = 5
    memory_bytes: Positive = 512 * 1024 * 1024
    header_bytes: Positive = 100 * 1024
    nesting: Positive = 100
    parts: Positive = 1000


class Outbound(Section):
    relays: Annotated[tuple[Relay, ...], Listed, Filled, Field(alias="relay")] = ("maildir:var/outbox",)
    tls: Literal["opportunistic", "required", "none"] = "opportunistic"
    username: str = ""
    password: str = Field("", repr=False)
    password_file: Path | None = None
    login: Literal["password", "oauth"] = "password"
    connections: Positive = 4
    timeout_seconds: Amount = 60
    retry_minutes: Annotated[tuple[Minutes, ...], Filled] = (1, 5, 15, 30, 60)
    give_up_days: Amount = 5


class Oauth(Section):
    token_url: TokenUrl
    client_id: Annotated[str, Filled]
    client_secret: str = Field("", repr=False)
    client_secret_file: Path | None = None
    refresh_token: str = Field("", repr=False)
    refresh_token_file: Path | None = None
    scope: str = ""


class Mailbox(Section):
    name: Annotated[str, Filled]
    addresses: Annotated[tuple[OwnAddress, ...], Listed, Filled, AnsweredFrom]
    prefix: Prefix = "SUP"
    display_name: str = "Support"
    language: Language = "en"
    signature: str = ""

    @property
    def address(self) -> str:
        return self.addresses[0]


class Agent(Section):
    name: Annotated[str, Filled]
    address: MailAddress
    password: str = Field("", repr=False)
    password_file: Path | None = None
    mailboxes: Annotated[tuple[str, ...], Listed] = ()

    def serves(self, mailbox: str) -> bool:
        """An agent without a list serves all."""
        return not self.mailboxes or mailbox in self.mailboxes


class Oncall(Section):
    notify: Annotated[tuple[Target, ...], Listed] = ()
    timeout_seconds: Amount = 10
    burst: Positive = 60
    gather_seconds: Positive = 10


class Loops(Section):
    mails: Positive = 30
    minutes: Minutes = 10
    acknowledgements_per_hour: Positive = 20


class Tickets(Section):
    reopen_days: Days = 14
    max_cc: NotNegative = 50


class Retention(Section):
    raw_days: Days = 0


class Storage(Section):
    raw: ObjectStore = ""


class Settings(Section):
    gateway: Gateway = Gateway()
    smtp: Smtp = Smtp()
    lmtp: Lmtp | None = None
    imap: tuple[Imap, ...] = ()
    metrics: Metrics | None = None
    reading: Reading = Reading()
    outbound: Outbound = Field(default={}, validate_default=True)
    oauth: Oauth | None = None
    mailbox: Annotated[tuple[Mailbox, ...], Filled]
    agent: tuple[Agent, ...] = ()
    oncall: Oncall = Oncall()
    loops: Loops = Loops()
    tickets: Tickets = Tickets()
    retention: Retention = Retention()
    storage: Storage = Storage()

    @field_validator("outbound", mode="before")
    @classmethod
    def _relay_beside_the_data(cls, value: Any, info: ValidationInfo) -> Any:
        folder = info.data.get("gateway", Gateway()).data_dir / "outbox"
        return {"relay": f"maildir:{folder}", **value} if isinstance(value, dict) else value

    @cached_property
    def by_address(self) -> Mapping[str, Mailbox]:
        """Own addresses, lower case and in all spellings, to their mailbox."""
        return {spelling: m for m in self.mailbox for a in m.addresses for spelling in spellings(a.lower())}

    @cached_property
    def agents(self) -> Mapping[str, Agent]:
        """Agents by lower-case address."""
        return {a.address.lower(): a for a in self.agent}

    @cached_property
    def by_name(self) -> Mapping[str, Mailbox]:
        return {m.name: m for m in self.mailbox}

    def mailbox_of(self, imap: Imap) -> Mailbox:
        """Whose mail lies in a folder."""
        return self.by_name[imap.mailbox] if imap.mailbox else self.mailbox[0]

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL; left out, it is a SQLite file inside ``data_dir``."""
        if self.gateway.database:
            return self.gateway.database
        from sqlalchemy import URL  # heavy, and only who opens the database needs it

        return URL.create("sqlite", database=str(self.gateway.data_dir / "gateway.db")).render_as_string()

    @property
    def hostname(self) -> str:
        """The name that we say of ourselves in EHLO and behind the @ of Message-IDs."""
        return self.gateway.hostname or self.mailbox[0].address.rpartition("@")[2]

    def agents_of(self, mailbox: str) -> tuple[Agent, ...]:
        """The agents who get the notices of a mailbox."""
        return tuple(a for a in self.agent if a.serves(mailbox))


def load(path: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the file and the environment. Relative paths count from the working directory.

    Raises ConfigurationError with all mistakes.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as problem:
        raise ConfigurationError(
            [f"{path}: cannot be read ({problem.strerror}); make one with: gateway init"]
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError([f"{path}: is not UTF-8 text; save it as UTF-8"]) from None
    return parse(text, str(path), environment)


def parse(text: str, where: str, environment: Mapping[str, str]) -> Settings:
    """Settings out of TOML text; ``where`` names the file in messages."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise ConfigurationError([f"{where}: is not TOML: {problem}"]) from None
    mistakes, from_environment = _overlay(values, environment)
    settings = None
    try:
        settings = Settings.model_validate(values)
    except ValidationError as problem:
        mistakes += explain(problem, Settings, where, from_environment)
    defaults = Mailbox.model_fields["prefix"].default, Smtp.model_fields["listen"].default
    mistakes += [f"{where}: {line}" for line in disagreements(values, *defaults)]
    if settings is not None:
        settings, missing = _with_secrets(settings, where)
        mistakes += missing
    if mistakes or settings is None:
        raise ConfigurationError(mistakes)
    return settings


def _overlay(values: dict[str, Any], environment: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Lay ``GATEWAY_SECTION_KEY`` (or ``GATEWAY_KEY`` for [gateway]) over the file's values.

    Returns the mistakes, and which setting came from which variable. An empty variable counts as not there.
    """
    mistakes, used = [], {}
    for variable, text in sorted(environment.items()):
        if not variable.startswith(ENVIRONMENT_PREFIX) or variable in NOT_SETTINGS or not text:
            continue
        place = _place(variable.removeprefix(ENVIRONMENT_PREFIX).lower())
        if place is None:
            mistakes.append(
                f"environment: {variable} names no setting; unset it, or see the commented configuration for the names"
            )
            continue
        section, key = place
        table = values.setdefault(section, {})
        if isinstance(table, dict):
            table[key] = _value(text)
            used[key_of(place)] = variable
    return mistakes, used


def _place(name: str) -> tuple[str, str] | None:
    section, _, key = name.partition("_")
    places = ((section, key), ("gateway", name))
    return next((p for p in places if p[1] in PLAIN_SECTIONS.get(p[0], ())), None)


PLAIN_SECTIONS: Mapping[str, tuple[str, ...]] = {
    name: setting_names(model)
    for name, field in Settings.model_fields.items()
    if get_origin(field.annotation) is not tuple and (model := section_model(field.annotation))
}
"""The sections that are plain tables, and their settings; the environment reaches these."""


def _value(text: str) -> Any:
    """A variable's text; a list where it is written as one in TOML."""
    if text.startswith("["):
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            return text
    return text


def _with_secrets(settings: Settings, where: str) -> tuple[Settings, list[str]]:
    """Read the ``password_file``s; what stands in one wins over a password in the file."""
    mistakes: list[str] = []

    def secret(key: str, path: Path) -> str:
        try:
            return path.read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as problem:
            mistakes.append(f"{where}: {key}: {path} cannot be read ({problem}); write the secret into it")
            return ""

    agents = tuple(
        a.model_copy(update={"password": secret(f"agent[{n}].password_file", a.password_file)})
        if a.password_file
        else a
        for n, a in enumerate(settings.agent, 1)
    )
    imap = tuple(
        i.model_copy(update={"password": secret(f"imap[{n}].password_file", i.password_file)}) if i.password_file else i
        for n, i in enumerate(settings.imap, 1)
    )
    oauth = settings.oauth
    for name in ("client_secret", "refresh_token"):
        if oauth is not None and (file := getattr(oauth, f"{name}_file")) is not None:
            oauth = oauth.model_copy(update={name: secret(f"oauth.{name}_file", file)})
    outbound = settings.outbound
    if outbound.password_file:
        outbound = outbound.model_copy(update={"password": secret("outbound.password_file", outbound.password_file)})
    return settings.model_copy(update={"agent": agents, "imap": imap, "oauth": oauth, "outbound": outbound}), mistakes
