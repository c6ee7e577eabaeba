"""The kinds of values that settings have. Each says in a mistake how its value is written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import urlsplit

import idna
from pydantic import AfterValidator, BeforeValidator, Field

LONGEST_LOCAL = 24
"""Octets before the @ of an address that mails are answered from: RFC 5321 §4.5.3.1.1 allows 64, and a reply address
has a plus and a proof of 39 characters more."""


def _address(value: str) -> str:
    local, at, domain = value.strip().rpartition("@")
    if not (local and at and domain) or any(c.isspace() or c in "<>," for c in value.strip()):
        raise ValueError(f"{value!r} is no e-mail address; write it as name@domain")
    return f"{local}@{domain.lower()}"


def _own_address(value: str) -> str:
    """Its domain as DNS and mail servers write it (RFC 5890), which every relay takes."""
    local, _, domain = _address(value).rpartition("@")
    if domain.isascii():
        return f"{local}@{domain}"
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError as problem:
        raise ValueError(f"{value!r} has a domain that cannot be: {problem}") from None


def _answered_from(values: tuple[str, ...]) -> tuple[str, ...]:
    octets = len(values[0].rpartition("@")[0].encode())
    if octets > LONGEST_LOCAL:
        raise ValueError(
            f"{values[0]!r} has {octets} octets before the @, and its reply addresses {octets + 40} of the 64 that "
            f"servers take; put an address with at most {LONGEST_LOCAL} in front of it"
        )
    return values


def spellings(address: str) -> Iterator[str]:
    """An own address as mails name it: with the domain as DNS has it, and as people read it (RFC 6531)."""
    yield address
    local, _, domain = address.rpartition("@")
    if "xn--" in domain:
        try:
            yield f"{local}@{idna.decode(domain)}"
        except idna.IDNAError:
            return


def _listen(value: str) -> str:
    host, colon, port = value.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535 or not host:
        raise ValueError(f"{value!r} is no HOST:PORT; write it as 127.0.0.1:8025")
    return value


def _hostname(value: str) -> str:
    if value and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)*", value):
        raise ValueError(f"{value!r} is no host name; write it as mail.example.com")
    return value


def _shown(url: str) -> str:
    """As a mistake may show it: without whatever stands before the @, for a password may be part of it."""
    before, _, rest = url.rpartition("@")
    return repr(f"...@{rest}" if before else url)


def _database(value: str) -> str:
    if value and not re.match(r"sqlite:///.|postgresql(?:\+psycopg)?://.", value):
        raise ValueError(f"{_shown(value)} is no database; use sqlite:///FILE or postgresql://USER@HOST/NAME")
    if value.startswith("postgresql"):
        _known_to_sqlalchemy(value)
    return value


def _known_to_sqlalchemy(url: str) -> None:
    """Which takes more in a password than other readers of URLs do."""
    from sqlalchemy import make_url  # heavy, and only who has a database of this kind needs it

    try:
        make_url(url)
    except ValueError:
        raise ValueError("its port is no number; use postgresql://USER@HOST:PORT/NAME") from None


def _object_store(value: str) -> str:
    if value and not re.match(r"(?:s3|gs|az)://[^/\s]", value):
        raise ValueError(f"{value!r} is no object store; use s3://BUCKET/PREFIX, gs://BUCKET or az://ACCOUNT/CONTAINER")
    return value


def _relay(value: str) -> str:
    if not re.fullmatch(r"maildir:.+|smtps?://[^/\s?#]+/?", value) or not _has_port(value):
        known = "maildir:FOLDER, smtp://HOST:PORT or smtps://USER@HOST:PORT"
        raise ValueError(f"{_shown(value)} is no relay; use {known}")
    if not value.startswith("maildir:") and urlsplit(value).password is not None:
        raise ValueError(f"{_shown(value)} holds a password; write it into password_file or password, beside relay")
    return value


def _has_port(url: str) -> bool:
    """Or none, which is as good."""
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def _token_url(value: str) -> str:
    if not re.match(r"https://[^/\s]|http://(?:127\.0\.0\.1|localhost)[:/]", value) or not _has_port(value):
        raise ValueError(f"{_shown(value)} is no address for tokens; use https://...")
    return value


def _imap_server(value: str) -> str:
    if not re.match(r"imaps?://[^/\s@]+/?$", value) or not _has_port(value):
        raise ValueError(f"{_shown(value)} is no IMAP server; use imaps://HOST, or imap://HOST:143 with STARTTLS")
    return value.removesuffix("/")


def _folder(value: str) -> str:
    # A line break would end the command that names the folder, and begin one of a stranger's.
    if not value or not value.isprintable():
        raise ValueError(f"{value!r} is no folder; write its name as the server lists it, such as INBOX")
    return value


def _afterwards(value: str) -> str:
    kind, _, folder = value.partition(":")
    if value not in ("seen", "delete") and (kind != "move" or not folder.isprintable() or not folder):
        raise ValueError(f"{value!r} is not known; use seen, delete or move:FOLDER")
    return value


def _target(value: str) -> str:
    if value.startswith("mailto:"):
        return f"mailto:{_address(value.removeprefix('mailto:'))}"
    if not re.match(r"https?://[^/\s]", value) or not _has_port(value):
        raise ValueError(f"{_shown(value)} is no target; use mailto:ADDRESS or https://...")
    return value


def _prefix(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]{0,15}", value):
        raise ValueError(f"{value!r} is no prefix; use a letter, then up to 15 letters and digits, such as SUP")
    return value


def _language(value: str) -> str:
    if not re.fullmatch(r"[a-z]{2}", value):
        raise ValueError(f"{value!r} is no language; use its two small letters, such as en or de")
    return value


def _no_switch(value: Any) -> Any:
    """For Python true is the number 1."""
    if isinstance(value, bool):
        raise ValueError(f"{str(value).lower()} is no number; write it as 10")
    return value


def _listed(value: Any) -> Any:
    """One text may stand where a list of texts is meant."""
    return [value] if isinstance(value, str) else value


Afterwards = Annotated[str, AfterValidator(_afterwards)]
Database = Annotated[str, AfterValidator(_database)]
Folder = Annotated[str, AfterValidator(_folder)]
Hostname = Annotated[str, AfterValidator(_hostname)]
ImapServer = Annotated[str, AfterValidator(_imap_server)]
MailAddress = Annotated[str, AfterValidator(_address)]
OwnAddress = Annotated[str, AfterValidator(_own_address)]
AnsweredFrom = AfterValidator(_answered_from)
Listen = Annotated[str, AfterValidator(_listen)]
ObjectStore = Annotated[str, AfterValidator(_object_store)]
Relay = Annotated[str, AfterValidator(_relay)]
TokenUrl = Annotated[str, AfterValidator(_token_url)]
Target = Annotated[str, AfterValidator(_target)]
Prefix = Annotated[str, AfterValidator(_prefix)]
Language = Annotated[str, AfterValidator(_language)]
Listed = BeforeValidator(_listed)
Filled = Field(min_length=1)
Number = BeforeValidator(_no_switch)
Positive = Annotated[int, Number, Field(gt=0)]
NotNegative = Annotated[int, Number, Field(ge=0)]
Amount = Annotated[float, Number, Field(gt=0, le=365 * 86_400)]
"""Seconds or days, at most a year of seconds: beyond some hundred years no clock and no calendar can follow."""
Minutes = Annotated[int, Number, Field(gt=0, le=365 * 1_440)]
Days = Annotated[int, Number, Field(ge=0, le=100 * 365)]
