"""Every combination of sender, evidence and match, against the rules written as conditions."""

from itertools import product

import pytest

from gateway.desk.identity import Level
from gateway.desk.permission import TABLE, Act, Who, permit
from gateway.desk.threading import Match

COMBINATIONS = list(product(Who, Level, Match))
TOKENS = {Match.OWN_TOKEN, Match.OTHER_TOKEN, Match.OWN_AGENT_TOKEN, Match.AGENT_TOKEN}


def customer(who: Who, level: Level, match: Match) -> Act:
    if match is Match.AGENT_TOKEN:
        return Act.HOLD
    if who is Who.STRANGER:
        return Act.HOLD if match in TOKENS else Act.OPEN if match is Match.NONE else Act.OPEN_REFERRING
    if match is Match.NONE or level is Level.A1:
        return Act.HOLD
    return Act.APPEND if level >= Level.A3 else Act.APPEND_UNVERIFIED


def expected(who: Who, level: Level, match: Match) -> Act:
    if who is Who.ROBOT:
        return Act.ROBOT
    if who is Who.OWN:
        return Act.HOLD
    if who is Who.AGENT:
        proved = level is Level.A4 or (level is Level.A3 and match is Match.OWN_AGENT_TOKEN)
        return Act.WORK if proved else Act.HOLD
    return customer(who, level, match)


@pytest.mark.parametrize(("who", "level", "match"), COMBINATIONS)
def test_the_table_says_what_the_rules_say(who: Who, level: Level, match: Match) -> None:
    assert permit(who, level, match).act is expected(who, level, match)


def test_every_row_is_used() -> None:
    assert {id(permit(*one)) for one in COMBINATIONS} >= {id(row) for row in TABLE}


@pytest.mark.incident("RT trusts From")
def test_only_proved_agents_work() -> None:
    working = {(who, level) for who, level, match in COMBINATIONS if permit(who, level, match).act is Act.WORK}
    assert working == {(Who.AGENT, Level.A3), (Who.AGENT, Level.A4)}
