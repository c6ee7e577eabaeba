"""A whole mail's sentences, and what they say together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from gateway.triage.concepts import MARK, pattern
from gateway.triage.lexicon import Lexicon
from gateway.triage.signals import Sentence, sentences

_ANSWER = re.compile(r"\s*(?:re|aw|antw|sv|vs|fwd?|wg|tr|rv|odp|res|rif)\s*(?:\[\d+\])?\s*:", re.IGNORECASE)
"""A subject of an answer or a forward is old text: it names the thread, not what is new."""
_PERCENT = pattern("number ~0 percent")


@dataclass(frozen=True)
class Report:
    head: tuple[Sentence, ...]
    """Of the subject; empty where it is an older mail's."""
    old_head: tuple[Sentence, ...]
    body: tuple[Sentence, ...]

    @classmethod
    def read(cls, text: str, subject: str, lexicon: Lexicon) -> Report:
        head, body = sentences(subject, lexicon), sentences(text, lexicon)
        return cls((), head, body) if _ANSWER.match(subject) else cls(head, (), body)

    @cached_property
    def all(self) -> tuple[Sentence, ...]:
        return self.head + self.body

    @cached_property
    def bad(self) -> tuple[Sentence, ...]:
        """The sentences that complain."""
        return tuple(s for s in self.all if s.bad)

    @cached_property
    def first(self) -> Sentence:
        """The complaint itself. Only where there is one."""
        return next((s for s in self.bad if not s.contrast), self.bad[0])

    @cached_property
    def relevant(self) -> tuple[Sentence, ...]:
        """All but what is over, and what tells of those who are fine."""
        return tuple(s for s in self.all if not s.has("past") and (s.bad or not s.contrast))

    @cached_property
    def complaint_marks(self) -> str:
        return "".join(s.outline for s in self.bad)

    @cached_property
    def marks(self) -> str:
        return "".join(s.outline for s in self.relevant)

    @cached_property
    def contrast(self) -> Sentence | None:
        """Where it says that others are fine."""
        return _first(self.all, lambda s: s.contrast)

    @cached_property
    def partial(self) -> bool:
        """Fails at times, or for a share of attempts."""
        return self.complains_of("partial") or _PERCENT.search(self.complaint_marks) is not None

    def says(self, *concepts: str) -> Sentence | None:
        """The first sentence, void or not, that has one of the concepts."""
        return _first(self.all, lambda s: s.has(*concepts))

    def has(self, *concepts: str) -> bool:
        """In a relevant sentence."""
        return any(MARK[concept] in self.marks for concept in concepts)

    def complains_of(self, *concepts: str) -> bool:
        return any(MARK[concept] in self.complaint_marks for concept in concepts)

    def weight(self, concept: str) -> int:
        """How much of the mail is about it: in the complaint, in all complaints, anywhere."""
        mark = MARK[concept]
        return 2 * self.first.outline.count(mark) + 2 * self.complaint_marks.count(mark) + self.marks.count(mark)


def _first(found: Iterable[Sentence], wanted: Callable[[Sentence], bool]) -> Sentence | None:
    return next((s for s in found if wanted(s)), None)
