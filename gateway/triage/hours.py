"""Support hours: whether somebody is there, when next, and by when an answer can be promised.

Opening hours are local wall-clock times, so each day's are placed on the time line by themselves; durations are taken
in UTC. A day with a change to or from summer time is then an hour shorter or longer, as it is for the people there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no time zone; write it as America/Los_Angeles or UTC")
    return name


def _region(code: str) -> str:
    if code:
        import holidays  # a second of import that most set-ups never need

        country, _, part = code.partition("-")
        parts = holidays.list_supported_countries().get(country)
        if parts is None or (part and part not in parts):
            raise ValueError(f"{code!r} is no region with known holidays; write it as US, US-CA or DE-BY")
    return code


def _time_of_day(value: object) -> time:
    """A local time as TOML has it, or as text. Left to pydantic, 9 would be nine seconds past midnight in UTC."""
    with suppress(ValueError):
        moment = time.fromisoformat(value) if isinstance(value, str) else value
        if isinstance(moment, time) and moment.tzinfo is None:
            return moment
    raise ValueError(f"{value!r} is no time of day; write it as 09:00:00")


def _day(value: object) -> date:
    """Likewise: left to pydantic, a number would be seconds since 1970."""
    with suppress(ValueError):
        day = date.fromisoformat(value) if isinstance(value, str) else value
        if isinstance(day, date) and not isinstance(day, datetime):
            return day
    raise ValueError(f"{value!r} is no day; write it as 2030-12-24")


TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
Day = Annotated[date, BeforeValidator(_day)]


class Hours(BaseModel):
    """When people are there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    timezone: Annotated[str, AfterValidator(_zone)]
    days: Annotated[tuple[Weekday, ...], Field(min_length=1)]
    opens: TimeOfDay
    closes: TimeOfDay
    holidays: Annotated[str, AfterValidator(_region)] = ""
    """Region whose public holidays are free, such as ``US-CA``; empty for none."""
    closed: tuple[Day, ...] = ()
    """Further days off."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.opens >= self.closes:
            raise ValueError(f"closes: {self.closes:%H:%M} is not after opens ({self.opens:%H:%M}); give a later time")
        return self

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(ZoneInfo(self.timezone))


def in_hours(now: datetime, hours: Hours) -> bool:
    """Whether somebody is there at ``now``; the closing minute is outside."""
    local = hours.local(now)
    return _works_on(local.date(), hours) and hours.opens <= local.time() < hours.closes


def next_opening(now: datetime, hours: Hours) -> datetime:
    """When somebody is there again: ``now`` itself in hours. In the time zone of the hours."""
    return max(hours.local(now), next(_shifts(now, hours))[0])


def after_working(minutes: int, now: datetime, hours: Hours) -> datetime:
    """The moment at which that many minutes in hours have gone by."""
    left = timedelta(minutes=minutes)
    for opens, closes in _shifts(now, hours):
        start = max(opens, hours.local(now)).astimezone(UTC)
        if start + left <= closes.astimezone(UTC):
            return hours.local(start + left)
        left -= closes.astimezone(UTC) - start
    raise AssertionError("shifts never end")


def _shifts(now: datetime, hours: Hours) -> Iterator[tuple[datetime, datetime]]:
    """The shift that ``now`` is in, and all that follow."""
    zone = ZoneInfo(hours.timezone)
    day = hours.local(now).date()
    while True:
        closes = datetime.combine(day, hours.closes, zone)
        if _works_on(day, hours) and closes > now:
            yield datetime.combine(day, hours.opens, zone), closes
        day += timedelta(days=1)


def _works_on(day: date, hours: Hours) -> bool:
    return (
        WEEKDAYS[day.weekday()] in hours.days
        and day not in hours.closed
        and not (hours.holidays and _is_holiday(day, hours.holidays))
    )


@lru_cache(maxsize=4096)
def _is_holiday(day: date, region: str) -> bool:
    import holidays

    country, _, part = region.partition("-")
    return day in holidays.country_holidays(country, subdiv=part or None, years=day.year)
