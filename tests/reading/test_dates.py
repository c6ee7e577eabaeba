from datetime import UTC, datetime

import pytest

from gateway.reading import dates


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tue, 1 Jul 2003 10:52:37 +0200", datetime(2003, 7, 1, 8, 52, 37, tzinfo=UTC)),
        ("1 Jul 2003 10:52 +0200", datetime(2003, 7, 1, 8, 52, tzinfo=UTC)),
        ("Tue, 1 Jul 2003 (a (nested) comment) 10:52:37 -0330", datetime(2003, 7, 1, 14, 22, 37, tzinfo=UTC)),
        ("Tuesday, 01-Jul-03 10:52:37 GMT", datetime(2003, 7, 1, 10, 52, 37, tzinfo=UTC)),
        ("Mo, 10 Mrz 2025 09:15:07 +0100", datetime(2025, 3, 10, 8, 15, 7, tzinfo=UTC)),
        ("Thu, 10 Jul 97 14:53:31 EST", datetime(1997, 7, 10, 19, 53, 31, tzinfo=UTC)),
        ("Thu, 10 Jul 1997 14:53:31", datetime(1997, 7, 10, 14, 53, 31, tzinfo=UTC)),
        ("Thu, 10 Jul 1997 14:53:60 +0000 (GMT)", datetime(1997, 7, 10, 14, 53, 59, tzinfo=UTC)),
        (
            "by mx.acme.example with SMTP; Mon, 10 Oct 2022 10:31:15 -0700",
            datetime(2022, 10, 10, 17, 31, 15, tzinfo=UTC),
        ),
    ],
)
def test_dates_are_instants_in_utc(text: str, expected: datetime) -> None:
    assert dates.parse(text) == expected
    assert dates.parse(text).tzinfo is UTC  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text",
    ["", "soon", "99 Foo 2003 10:00:00 +0000", "1 Jul 2003 99:99:99 +9999", "1 Jul 0000 00:00:00 +0000", "(" * 500],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert dates.parse(text) is None
