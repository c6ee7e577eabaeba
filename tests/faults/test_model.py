from dataclasses import replace

import pytest

from tests.faults.model import Rules, start, walk


@pytest.mark.parametrize(("nodes", "crashes", "holds"), [(1, 2, 0), (1, 1, 1), (2, 1, 0), (2, 0, 1)])
def test_no_order_of_events_and_faults_loses_or_doubles_a_mail(nodes: int, crashes: int, holds: int) -> None:
    done = walk(start(nodes, crashes, holds))
    assert not done.wrong, done
    assert done.at_rest


@pytest.mark.parametrize("rule", Rules.__dataclass_fields__)
def test_the_walk_finds_what_goes_wrong_where_a_rule_is_broken(rule: str) -> None:
    done = walk(start(2, 1, 1), replace(Rules(), **{rule: False}))
    assert done.wrong
    assert done.path
