"""Mails to send in these tests, each found again by a sender, a subject and a Message-ID of its own."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage

from tests.canaries import BODY

_WORDS = (
    "we", "would", "like", "to", "know", "where", "the", "colour", "of", "a", "label", "is", "set", "and", "how",
    "many", "labels", "one", "page", "may", "hold", "thank", "you",
)  # fmt: skip


@dataclass(slots=True)
class Letter:
    """One mail and what its sender was told about it."""

    sender: str
    subject: str
    message_id: str
    """Without angle brackets."""
    data: bytes = b""
    kept: bool = False
    """The gateway answered 250 to the final dot."""
    kept_at: float = 0.0
    """``time.monotonic`` then."""
    tries: int = 0
    replies: list[str] = field(default_factory=list)
    """What came instead of a 250, the last ones."""


class Letters(Iterator[Letter]):
    """An endless row of mails; the same seed makes the same ones."""

    def __init__(self, seed: int, name: str = "kim", large: float = 0.1) -> None:
        """``large`` of them are beyond what is kept in the database's row."""
        self._random = random.Random(seed)
        self._name = f"{name}-{seed}"
        self._large = large
        self.made: list[Letter] = []

    def __next__(self) -> Letter:
        text = " ".join(self._random.choices(_WORDS, k=40))
        if self._random.random() < self._large:
            text += "\n" + "\n".join(self._lines())
        return self._make("Question about labels", text)

    def urgent(self) -> Letter:
        """One that nobody may sleep through."""
        text = "The portal is down for everyone since 9:00. All users are affected, nobody can log in."
        return self._make("URGENT: portal completely down, production outage", text)

    def _lines(self) -> Iterator[str]:
        for _ in range(self._random.randrange(400, 900)):
            yield " ".join(self._random.choices(_WORDS, k=12))

    def _make(self, about: str, text: str) -> Letter:
        number = len(self.made)
        letter = Letter(f"{self._name}-{number}@example.net", f"{about} {number}", f"{self._name}.{number}@example.net")
        mail = EmailMessage()
        mail["From"] = f"Kim Miller <{letter.sender}>"
        mail["To"] = "support@example.com"
        mail["Subject"] = letter.subject
        mail["Message-ID"] = f"<{letter.message_id}>"
        mail["Date"] = "Mon, 02 Mar 2026 09:00:00 +0000"
        mail.set_content(f"Hello,\n\n{text}\n\nKim\n-- \n{BODY}\n")
        letter.data = mail.as_bytes(policy=policy.SMTP)
        self.made.append(letter)
        return letter
