"""What mails are told apart by, as a table that regressions learn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.feature_extraction import DictVectorizer

SEEN = 3
"""Mails that must have a clue."""
WORD = 0.5
"""Of a signal's value; so words weigh less in the penalty for large weights."""

Clues = Mapping[str, float]


class Table:
    """One row a mail, one column a clue that enough of the known mails have."""

    def __init__(self, known: Sequence[Clues]) -> None:
        seen = Counter(clue for one in known for clue in one)
        self._kept = {clue for clue, times in seen.items() if times >= SEEN}
        self._columns = DictVectorizer().fit(list(map(self._known, known)))

    def _known(self, one: Clues) -> dict[str, float]:
        return {clue: value for clue, value in one.items() if clue in self._kept}

    def rows(self, mails: Sequence[Clues]) -> Any:
        """As scikit-learn takes them."""
        return self._columns.transform(list(map(self._known, mails)))

    def names(self) -> Sequence[str]:
        """Of the columns."""
        return list(self._columns.get_feature_names_out())
