"""Mails to send in these tests, each found again by a sender, a subject and a Message-ID of its own."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.utils import parseaddr

from tests.canaries import BODY

SUPPORT = "support@example.com"
AGENT = "ann@example.com"
ON_CALL = "oncall@example.com"
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
    data: bytes
    return_path: str
    """Without angle brackets; empty for the null one."""
    to: str
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
        text = self.words()
        if self._random.random() < self._large:
            text += "\n" + self.pages()
        return self.write("Question about labels", text)

    def urgent(self) -> Letter:
        """One that nobody may sleep through."""
        text = "The portal is down for everyone since 9:00. All users are affected, nobody can log in."
        return self.write("URGENT: portal completely down, production outage", text)

    def words(self) -> str:
        return " ".join(self._random.choices(_WORDS, k=40))

    def pages(self) -> str:
        """Beyond what is kept in the database's row."""
        return "\n".join(" ".join(self._random.choices(_WORDS, k=12)) for _ in range(self._random.randrange(400, 900)))

    def write(
        self, about: str, text: str, *, author: str = "", return_path: str | None = None, to: str = SUPPORT,
        finish: Callable[[EmailMessage], object] | None = None,
    ) -> Letter:  # fmt: skip
        """A plain mail, of a customer who never wrote before where no ``author`` is named; ``finish`` adds to it.

        The return path is the author's address where none is given.
        """
        number = len(self.made)
        author = author or f"Kim Miller <{self._name}-{number}@example.net>"
        sender = parseaddr(author)[1]
        mail = EmailMessage()
        mail["From"] = author
        mail["To"] = to
        mail["Subject"] = f"{about} {number}"
        mail["Message-ID"] = f"<{self._name}.{number}@example.net>"
        mail["Date"] = "Mon, 02 Mar 2026 09:00:00 +0000"
        mail.set_content(f"{text}\n-- \n{BODY}\n")
        if finish is not None:
            finish(mail)
        path = sender if return_path is None else return_path
        message_id = mail["Message-ID"].strip("<>")
        letter = Letter(sender, mail["Subject"], message_id, mail.as_bytes(policy=policy.SMTP), path, to)
        self.made.append(letter)
        return letter
