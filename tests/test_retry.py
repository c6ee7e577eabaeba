from datetime import timedelta

from gateway.retry import next_wait

HOUR = timedelta(hours=1)
WAITS = (HOUR / 60, HOUR / 4, HOUR)


def test_the_waits_come_in_turn_and_the_last_one_repeats() -> None:
    assert [next_wait(n, WAITS, 24 * HOUR) for n in range(1, 6)] == [*WAITS, HOUR, HOUR]


def test_there_is_a_wait_even_where_no_failure_was_counted() -> None:
    assert next_wait(0, WAITS, 24 * HOUR) == WAITS[0]


def test_it_ends_when_the_waits_add_up_to_the_patience() -> None:
    assert next_wait(26, [HOUR], 26 * HOUR) == HOUR
    assert next_wait(27, [HOUR], 26 * HOUR) is None
    assert next_wait(4, WAITS, 2 * HOUR) is None
    assert next_wait(3, WAITS, 2 * HOUR) == HOUR
