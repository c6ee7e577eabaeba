"""Dates of mail (RFC 5322, section 3.3), and the forms of old and of broken programs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz

LONGEST = 200
_MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6,
    "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
    "mrz": 3, "mai": 5, "okt": 10, "dez": 12,
}  # fmt: skip
_ZONES = {"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7}
_DATE = re.compile(
    r"""
    (?: [A-Za-z]{2,9} \s* ,? \s* )?
    (\d{1,2}) [\s-]+ ([A-Za-z]{3,9} | \d{1,2}) [\s-]+ (\d{2,4}) \s+
    (\d{1,2}) : (\d{2}) (?: : (\d{2}) )?
    (?: \s* ([+-]) (\d{2}) :? (\d{2}) \b | \s+ ([A-Za-z]{3}) \w*+ )?
    (?! [\w:.] )
    """,
    re.VERBOSE,
)
_COMMENT = re.compile(r"\([^()]*\)")


def parse(text: str) -> datetime | None:
    """The instant in UTC, or None where there is none. A missing or unknown zone is read as UTC."""
    text = text[:LONGEST]
    try:
        return _usual(text) or _usual(_bare(text)) or _other(text)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _bare(text: str) -> str:
    """Without comments, and without what stands before a semicolon in a trace header."""
    for _ in range(text.count("(")):
        text = _COMMENT.sub(" ", text)
    return text.rpartition(";")[2].strip()


def _usual(text: str) -> datetime | None:
    found = _DATE.match(text)
    if not found:
        return None
    day, month, year, hour, minute, second, sign, hours, minutes, zone = found.groups()
    month = int(month) if month.isdigit() else _MONTHS.get(month[:3].lower(), 0)
    full, second = _full(int(year), len(year)), min(int(second or 0), 59)
    local = datetime(full, month, int(day), int(hour), int(minute), second, tzinfo=UTC)
    if sign:
        ahead = timedelta(hours=int(hours), minutes=int(minutes))
        return local - ahead if sign == "+" else local + ahead
    return local - timedelta(hours=_ZONES.get(zone.lower(), 0)) if zone else local


def _full(year: int, digits: int) -> int:
    """Years of two and three digits (RFC 5322, section 4.3)."""
    if digits > 3:
        return year
    return year + (2000 if year < 50 else 1900)


def _other(text: str) -> datetime | None:
    parsed = parsedate_tz(text)
    if not parsed:
        return None
    local = datetime(*parsed[:5], min(parsed[5], 59), tzinfo=UTC)
    return local - timedelta(seconds=parsed[9] or 0)
