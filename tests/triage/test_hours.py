from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.triage.hours import Hours, after_working, in_hours, next_opening
from gateway.triage.policy import DEFAULT

PACIFIC = ZoneInfo("America/Los_Angeles")
HOURS = DEFAULT.hours


def pacific(day: int, hour: int, minute: int = 0, month: int = 6) -> datetime:
    """June 2026; the first is a Monday."""
    return datetime(2026, month, day, hour, minute, tzinfo=PACIFIC)


@pytest.mark.parametrize(
    ("moment", "open_"),
    [
        (pacific(1, 2), True),
        (pacific(1, 1, 59), False),
        (pacific(1, 17, 59), True),
        (pacific(1, 18), False),
        (pacific(6, 12), False),
        (pacific(7, 12), False),
    ],
)
def test_hours_are_weekdays_from_opening_to_closing(moment: datetime, open_: bool):
    assert in_hours(moment.astimezone(UTC), HOURS) is open_


def test_in_hours_the_next_opening_is_now():
    assert next_opening(pacific(1, 9), HOURS) == pacific(1, 9)


def test_on_friday_evening_the_next_opening_is_monday():
    assert next_opening(pacific(5, 20), HOURS) == pacific(8, 2)


def test_before_opening_it_is_the_same_day():
    assert next_opening(pacific(2, 1), HOURS) == pacific(2, 2)


def test_working_minutes_pass_over_the_night():
    assert after_working(120, pacific(1, 17), HOURS) == pacific(2, 3)


def test_working_minutes_may_end_at_closing():
    assert after_working(60, pacific(1, 17), HOURS) == pacific(1, 18)


def test_opening_is_local_time_before_and_after_the_clocks_change():
    before = next_opening(datetime(2026, 3, 6, 12, tzinfo=UTC) - timedelta(hours=4), HOURS)
    after = next_opening(datetime(2026, 3, 8, 12, tzinfo=UTC), HOURS)
    assert (before.hour, before.astimezone(UTC).hour) == (2, 10)
    assert (after.day, after.hour, after.astimezone(UTC).hour) == (9, 2, 9)


def test_a_shift_over_the_change_of_clocks_is_an_hour_shorter():
    night = HOURS.model_copy(update={"days": ("sunday",), "opens": time(0), "closes": time(6)})
    end = after_working(300, datetime(2026, 3, 8, 0, tzinfo=PACIFIC), night)
    assert (end.day, end.hour) == (8, 6)


def test_a_day_off_is_passed_over():
    closed = HOURS.model_copy(update={"closed": (date(2026, 6, 2),)})
    assert not in_hours(pacific(2, 12), closed)
    assert next_opening(pacific(1, 19), closed) == pacific(3, 2)


def test_public_holidays_are_free_where_a_region_is_set():
    christmas = pacific(25, 12, month=12)
    assert in_hours(christmas, HOURS)
    assert not in_hours(christmas, HOURS.model_copy(update={"holidays": "US-CA"}))


def test_closing_must_come_after_opening():
    with pytest.raises(ValueError, match="not after opens"):
        Hours(timezone="UTC", days=("monday",), opens=time(9), closes=time(9))
