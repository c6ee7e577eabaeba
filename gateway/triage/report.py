"""A whole mail's sentences, and what they say together."""

from __future__ import annotations

import re
from typing import NamedTuple

from gateway.triage.concepts import MARK, any_of, pattern
from gateway.triage.lexicon import Lexicon
from gateway.triage.signals import Sentence, sentences

_ANSWER = re.compile(r"\s*(?:re|aw|antw|sv|vs|fwd?|wg|tr|rv|odp|res|rif)\s*(?:\[\d+\])?\s*:", re.IGNORECASE)
"""A subject of an answer or a forward is old text: it names the thread, not what is new."""
_PERCENT = pattern("number ~0 percent")
_NOTHING = Sentence("", ())


class Report(NamedTuple):
    head: tuple[Sentence, ...]
    """Of the subject; empty where it is an older mail's."""
    old_head: tuple[Sentence, ...]
    body: tuple[Sentence, ...]
    all: tuple[Sentence, ...]
    marks: frozenset[str]
    """Of all sentences."""
    bad: tuple[Sentence, ...]
    """The sentences that complain."""
    first: Sentence
    """The complaint itself; where nothing complains, how the mail begins."""
    relevant: tuple[Sentence, ...]
    """All but what is over, and what tells of those who are fine."""
    complaint: str
    """Outline of ``bad``."""
    outline: str
    """Outline of ``relevant``."""
    relevant_marks: frozenset[str]
    """Of ``relevant``."""

    @classmethod
    def read(cls, text: str, subject: str, lexicon: Lexicon) -> Report:
        head, old_head, body = sentences(subject, lexicon), (), sentences(text, lexicon)
        if _ANSWER.match(subject):
            head, old_head = (), head
        both = head + body
        past = MARK["past"]
        marks = frozenset("".join([s.outline for s in both]))
        bad = tuple([s for s in both if s.bad])
        relevant = tuple([s for s in both if s.bad or not s.contrast])
        if past in marks:
            relevant = tuple([s for s in relevant if past not in s.outline])
        outline = "".join([s.outline for s in relevant])
        return cls(
            head,
            old_head,
            body,
            both,
            marks,
            bad,
            next((s for s in bad if not s.contrast), (*bad, *both, _NOTHING)[0]),
            relevant,
            "".join([s.outline for s in bad]),
            outline,
            marks if len(relevant) == len(both) else frozenset(outline),
        )

    @property
    def contrast(self) -> bool:
        """It says that others are fine."""
        return any(s.contrast for s in self.all)

    @property
    def people(self) -> list[int]:
        """Numbers of people that it concerns."""
        return [count for s in self.relevant for count in s.people]

    @property
    def places(self) -> list[int]:
        """Numbers of sites that it concerns."""
        return [count for s in self.relevant for count in s.places]

    @property
    def partial(self) -> bool:
        """Fails at times, or for a share of attempts."""
        return self.complains_of("partial") or _PERCENT.search(self.complaint) is not None

    def says(self, *concepts: str) -> Sentence | None:
        """The first sentence, void or not, that has one of the concepts."""
        wanted = any_of(*concepts)
        if self.marks.isdisjoint(wanted):
            return None
        return next(s for s in self.all if not wanted.isdisjoint(s.outline))

    def mentions(self, *concepts: str) -> bool:
        """Whether any sentence, void or not, has one of the concepts."""
        return not any_of(*concepts).isdisjoint(self.marks)

    def has(self, *concepts: str) -> bool:
        """In a relevant sentence."""
        return not any_of(*concepts).isdisjoint(self.relevant_marks)

    def complains_of(self, *concepts: str) -> bool:
        return not any_of(*concepts).isdisjoint(self.complaint)

    def heaviest(self, concepts: tuple[str, ...]) -> tuple[str, int]:
        """Which of the concepts the mail is about most, the first of equals, and how much that is: words in the
        complaint and in all complaints count twice, beside those anywhere."""
        told = 2 * (self.first.outline + self.complaint) + self.outline
        weights = [told.count(MARK[concept]) for concept in concepts]
        most = max(weights)
        return concepts[weights.index(most)], most
