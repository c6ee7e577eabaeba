"""Dates of mail (RFC 5322, section 3.3), and the forms of old and of broken programs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz

LONGEST = 200
_MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
_USUAL = re.compile(
    r"""
    (?: [A-Za-z]{3}, \s* )? (\d{1,2}) \s+ ([A-Za-z]{3}) \s+ (\d{4}) \s+
    (\d{1,2}) : (\d{2}) (?: : (\d{2}) )? \s* ([+-])(\d{2})(\d{2}) \b
    """,
    re.VERBOSE,
)


def parse(text: str) -> datetime | None:
    """The instant in UTC, or None where there is none. A missing zone is read as UTC."""
    try:
        return _usual(text) or _other(text[:LONGEST])
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _usual(text: str) -> datetime | None:
    found = _USUAL.match(text)
    month = _MONTHS.get(found[2].lower()) if found else None
    if not found or not month:
        return None
    zone = timedelta(hours=int(found[8]), minutes=int(found[9]))
    if zone >= timedelta(hours=24):
        return None
    day, year, hour, minute, second = (int(found[n] or 0) for n in (1, 3, 4, 5, 6))
    local = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    return local - zone if found[7] == "+" else local + zone


def _other(text: str) -> datetime | None:
    parsed = parsedate_tz(text)
    if not parsed:
        return None
    local = datetime(*parsed[:5], min(parsed[5], 59), tzinfo=timezone(timedelta(seconds=parsed[9] or 0)))
    return local.astimezone(UTC)
