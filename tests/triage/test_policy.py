import pickle
from datetime import UTC, date, datetime, time, timedelta
from importlib import resources

import pytest

from gateway.errors import ConfigurationError
from gateway.model import Category, Severity
from gateway.triage.classify import classify
from gateway.triage.policy import DEFAULT, Contact, load_policy

SHIPPED = (resources.files("gateway") / "defaults" / "policy.toml").read_text(encoding="utf-8")
MONDAY_NIGHT = datetime(2026, 6, 2, 4, tzinfo=UTC)
"""21:00 Pacific."""


def mistakes(old: str, new: str) -> list[str]:
    assert old in SHIPPED
    with pytest.raises(ConfigurationError) as caught:
        load_policy(SHIPPED.replace(old, new), "policy.toml")
    return caught.value.mistakes


def test_the_shipped_policy_is_the_default():
    assert load_policy(SHIPPED, "policy.toml") == DEFAULT


def test_every_severity_and_category_has_a_text():
    assert set(DEFAULT.severity) == set(Severity)
    assert set(DEFAULT.category) == set(Category) - {Category.NONE}


def test_all_mistakes_come_at_once_with_file_key_and_remedy():
    wrong = SHIPPED.replace("America/Los_Angeles", "Mars/Base").replace("answer_minutes = 30\n", "answer_minutes = 0\n")
    with pytest.raises(ConfigurationError) as caught:
        load_policy(wrong.replace("[paging]", "[pagging]"), "policy.toml")
    lines = caught.value.mistakes
    assert all(line.startswith("policy.toml: ") for line in lines)
    for key in ("hours.timezone", "severity.S0.answer_minutes", "pagging", "paging"):
        assert any(f": {key}: " in line for line in lines), (key, lines)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[severity.S2]", "[severity.S9]", "severity.S2: is missing"),
        ("[category.data", "[category.none", "category.data: is missing"),
        ('en = "critical", ', "", "no English text"),
        ("closes = 18:00:00", "closes = 01:00:00", "not after opens"),
        ("opens = 02:00:00", "opens = 9", "hours.opens: 9 is no time of day; write it as 09:00:00"),
        ("closes = 18:00:00", "closes = 17.5", "hours.closes: 17.5 is no time of day"),
        ("opens = 02:00:00", 'opens = "02:00Z"', "'02:00Z' is no time of day"),
        ("opens = 02:00:00", 'opens = "at nine"', "'at nine' is no time of day"),
        ("closed = []", "closed = [20301224]", "hours.closed[1]: 20301224 is no day; write it as 2030-12-24"),
        ("closed = []", "closed = [2030-12-24T00:00:00Z]", "is no day"),
        ("answer_minutes = 30\n", "answer_minutes = true\n", "answer_minutes: true is no number"),
        ('holidays = ""', 'holidays = "XX-YY"', "no region"),
        ('"monday", ', '"mondag", ', "days"),
        ("[words.en]", "[words.xx]", "no language that is read"),
        ("[words.en]", "[words.en]\nfial = ['kaput']", "use fail"),
        ("small_group = 10", "small_group = 'ten'", "triage.small_group"),
    ],
)
def test_a_mistake_is_told_in_plain_words(old: str, new: str, said: str):
    assert any(said in line for line in mistakes(old, new))


def test_hours_and_days_off_may_stand_in_quotes():
    quoted = SHIPPED.replace("opens = 02:00:00", 'opens = "02:00"').replace("closed = []", 'closed = ["2030-12-24"]')
    hours = load_policy(quoted, "policy.toml").hours
    assert (hours.opens, hours.closed) == (time(2), (date(2030, 12, 24),))


def test_what_is_no_toml_is_told():
    with pytest.raises(ConfigurationError, match="is not TOML"):
        load_policy("[", "policy.toml")


def test_texts_come_in_the_language_asked_for_or_in_english():
    assert DEFAULT.severity_name(Severity.S0, "de") == "kritisch"
    assert DEFAULT.severity_name(Severity.S0, "fi") == "critical"
    assert "questions" in DEFAULT.severity_meaning(Severity.S3, "en")


def test_a_critical_ticket_is_answered_at_any_hour():
    assert DEFAULT.answer_expected_by(Severity.S0, MONDAY_NIGHT) == MONDAY_NIGHT + timedelta(minutes=30)


def test_the_others_are_answered_in_support_hours():
    expected = DEFAULT.answer_expected_by(Severity.S1, MONDAY_NIGHT)
    assert (expected.day, expected.hour, expected.minute) == (2, 6, 0)
    assert expected.utcoffset() == timedelta(hours=-7)


def test_the_chat_is_named_only_where_it_is_open():
    assert DEFAULT.chat_now(MONDAY_NIGHT, "en") == ""
    assert DEFAULT.chat_now(MONDAY_NIGHT + timedelta(hours=12), "de") == "der Live-Chat in der Anwendung"


def test_a_plain_text_for_the_chat_stands_for_every_language():
    assert Contact(chat="#help").chat == {"en": "#help"}
    assert Contact().chat == {"en": ""}


def test_the_next_opening_is_told_only_while_nobody_is_there():
    assert DEFAULT.reopens(MONDAY_NIGHT + timedelta(hours=12)) is None
    opens = DEFAULT.reopens(MONDAY_NIGHT)
    assert opens
    assert (opens.day, opens.hour) == (2, 2)


def test_a_category_is_named_with_what_of_it_is_meant():
    named = DEFAULT.category_name(Category.CORE, "core.login", "de")
    assert named == "Kernfunktionen gestört: anmelden, authentifizieren"
    assert DEFAULT.category_name(Category.CORE, "core.unheard-of", "en") == "core features not working"
    assert DEFAULT.category_name(Category.NONE, "", "en") == ""


def test_a_policy_that_was_used_goes_to_another_process():
    classify("The login is down for everyone", "", DEFAULT)
    assert pickle.loads(pickle.dumps(DEFAULT)) == DEFAULT
