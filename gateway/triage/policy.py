"""The support policy: severities, categories, hours, contacts, and words that an operator adds to the triage.

``DEFAULT`` is the one that ships (``gateway/defaults/policy.toml``).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import cached_property
from importlib import resources
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from gateway.errors import ConfigurationError
from gateway.fields import Language, Minutes, NotNegative, Positive
from gateway.mistakes import explain
from gateway.model import Category, Severity
from gateway.triage import hours as support_hours
from gateway.triage.concepts import MEANING
from gateway.triage.hours import Hours
from gateway.triage.lexicon import LANGUAGES, Extra


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _english(texts: dict[str, str]) -> dict[str, str]:
    if "en" not in texts:
        raise ValueError('has no English text, which stands in for missing languages; add en = "..."')
    return texts


Texts = Annotated[dict[Language, str], AfterValidator(_english)]
"""A text by language; English where a language is missing."""


def _by_language(value: object) -> object:
    return {"en": value} if isinstance(value, str) else value


AnyTexts = Annotated[Texts, BeforeValidator(_by_language)]
"""The same; a plain text stands for every language."""


def _concepts(table: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    for concept in table:
        if concept not in MEANING:
            near = get_close_matches(concept, MEANING, 1)
            raise ValueError(f"{concept!r} is no concept of the triage; use {near[0] if near else ', '.join(MEANING)}")
    return table


def _known_language(language: str) -> str:
    if language not in LANGUAGES:
        raise ValueError(f"{language!r} is no language that is read; use one of {', '.join(LANGUAGES)}")
    return language


Words = Annotated[dict[str, tuple[str, ...]], AfterValidator(_concepts)]
ReadLanguage = Annotated[str, AfterValidator(_known_language)]


class SeverityPolicy(Section):
    """One severity: what it means, what is promised, and how senders state it."""

    name: Texts
    meaning: Texts
    answer_minutes: Minutes
    around_the_clock: bool = False
    """The minutes run at any time, not only in support hours."""
    words: tuple[str, ...] = ()
    """How senders state it in a ``Severity:`` line or in brackets in the subject, beside its id."""


class CategoryPolicy(Section):
    """One escalation category and what belongs to it."""

    name: Texts
    criteria: dict[str, Texts]
    """Sub-category to what it covers."""


class Paging(Section):
    severities: tuple[Severity, ...]
    """Of these an escalated one wakes the on-call."""


class Contact(Section):
    """Where else people find help; what is empty is left out."""

    chat: AnyTexts = Field(default={"en": ""})
    """Said in support hours."""
    portal: str = ""
    status_page: str = ""


class Reading(Section):
    characters: Positive
    """Of new text that are read; what follows never counts."""
    small_group: NotNegative
    """So many people are still a small number of users."""


class Policy(Section):
    severity: dict[Severity, SeverityPolicy]
    category: dict[Category, CategoryPolicy]
    paging: Paging
    hours: Hours
    contact: Contact = Contact()
    triage: Reading
    words: dict[ReadLanguage, Words] = Field(default_factory=dict)

    def severity_name(self, severity: Severity, language: str) -> str:
        return _in(language, self.severity[severity].name)

    def severity_meaning(self, severity: Severity, language: str) -> str:
        return _in(language, self.severity[severity].meaning)

    def category_name(self, category: Category, subcategory: str, language: str) -> str:
        """The category and its criterion in words, as in ``core features not working: log in``; empty for none."""
        if category is Category.NONE:
            return ""
        found = self.category[category]
        criterion = found.criteria.get(subcategory.partition(".")[2])
        return ": ".join(_in(language, texts) for texts in (found.name, criterion) if texts)

    def minutes_at_any_hour(self, severity: Severity) -> int:
        """Within how many minutes it is answered, day or night; 0 where the minutes run in support hours only."""
        promise = self.severity[severity]
        return promise.answer_minutes if promise.around_the_clock else 0

    def answer_expected_by(self, severity: Severity, now: datetime) -> datetime:
        """By when an engineer will have answered, in the time zone of the support hours."""
        promise = self.severity[severity]
        if promise.around_the_clock:
            return self.hours.local(now + timedelta(minutes=promise.answer_minutes))
        return support_hours.after_working(promise.answer_minutes, now, self.hours)

    def chat_now(self, now: datetime, language: str) -> str:
        """How to reach the live chat, where it is open; else empty."""
        return self.chat(language) if support_hours.in_hours(now, self.hours) else ""

    def chat(self, language: str) -> str:
        return _in(language, self.contact.chat)

    def reopens(self, now: datetime) -> datetime | None:
        """When support hours begin again; None while they are on."""
        return None if support_hours.in_hours(now, self.hours) else support_hours.next_opening(now, self.hours)

    @cached_property
    def extra_words(self) -> Mapping[str, Extra]:
        """Language to the operator's words, in a form that can key a cache."""
        return {
            language: tuple((concept, ", ".join(words)) for concept, words in table.items())
            for language, table in self.words.items()
        }

    @cached_property
    def stated_words(self) -> Mapping[str, Severity]:
        """Lower-case word or id to the severity that a sender states with it."""
        return {
            word.lower(): severity
            for severity, promise in self.severity.items()
            for word in (severity.value, *promise.words)
        }


def _in(language: str, texts: Mapping[str, str]) -> str:
    return texts.get(language) or texts["en"]


def load_policy(text: str, where: str) -> Policy:
    """A policy out of TOML text; ``where`` names the file in messages.

    Raises ConfigurationError with all mistakes: file, key, what is wrong, how to mend it.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise ConfigurationError([f"{where}: is not TOML: {problem}"]) from None
    mistakes = _absent(values, where)
    try:
        policy = Policy.model_validate(values)
    except ValidationError as problem:
        raise ConfigurationError([*mistakes, *explain(problem, Policy, where)]) from None
    if mistakes:
        raise ConfigurationError(mistakes)
    return policy


def _absent(values: Mapping[str, object], where: str) -> list[str]:
    """Every severity and every category except ``none`` must be there: each can be a verdict."""
    wanted: dict[str, tuple[str, ...]] = {
        "severity": tuple(Severity),
        "category": tuple(c for c in Category if c is not Category.NONE),
    }
    tables = {key: table for key in wanted if isinstance(table := values.get(key), dict)}
    return [
        f"{where}: {key}.{name}: is missing; copy it from the shipped policy (gateway init writes one)"
        for key, table in tables.items()
        for name in wanted[key]
        if name not in table
    ]


def _shipped() -> Policy:
    path = resources.files("gateway") / "defaults" / "policy.toml"
    return load_policy(path.read_text(encoding="utf-8"), "the shipped policy")


DEFAULT = _shipped()
