"""The weights of ``gateway.triage.glance``: one logistic regression over the words of a mail's bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression

from gateway.triage.glance import words_of
from gateway.triage.policy import DEFAULT
from training.clues import WORD, Table

SCALE = 100
"""Weights are kept as whole hundredths."""
FOUND = 0.95
"""The share that goes ahead of those mails that page, by what mails of other files teach."""


class Example(NamedTuple):
    file: str
    words: dict[str, float]
    pages: bool


def example(file: str, mail: dict[str, Any]) -> Example:
    raw = f"Subject: {mail['subject']}\n\n{mail['body']}".encode()
    pages = mail["category"] != "none" and mail["severity"] in DEFAULT.paging.severities
    return Example(file, {word: WORD for word in words_of(raw) if not word.isdecimal()}, pages)


class Learned:
    def __init__(self, known: Sequence[Example]) -> None:
        self._table = Table([one.words for one in known])
        regression = LogisticRegression(max_iter=5000, class_weight="balanced")
        self._model = regression.fit(self._table.rows([one.words for one in known]), [one.pages for one in known])

    def sums(self, mails: Sequence[Example]) -> list[float]:
        """Of the words' weights, whole hundredths; without the bias, for the threshold takes its place."""
        sums = self._model.decision_function(self._table.rows([one.words for one in mails]))
        return list(SCALE * (sums - self._model.intercept_[0]))

    def weights(self) -> dict[str, int]:
        rows = zip(self._table.names(), self._model.coef_[0], strict=True)
        weights = {word: round(SCALE * WORD * weight) for word, weight in rows}
        return {word: weight for word, weight in weights.items() if abs(weight) > 1}


def learn(mails: Sequence[Example]) -> dict[str, Any]:
    """As ``glance.json`` has it; prints what the weights are worth to mails of files that they don't come from."""
    pages = np.array([one.pages for one in mails])
    sums = np.zeros(len(mails))
    for file in {one.file for one in mails}:
        own = np.array([one.file == file for one in mails])
        others = Learned([one for one in mails if one.file != file])
        sums[own] = others.sums([one for one in mails if one.file == file])
    enough = int(np.quantile(sums[pages], 1 - FOUND))
    ahead = sums > enough
    print(f"first look: ahead {ahead[pages].mean():.2f} of those that page, {ahead[~pages].mean():.2f} of the others")
    return {"enough": enough, "words": Learned(mails).weights()}
