"""Mails to load a support desk with, the same bytes for the same arguments on every machine.

``small``: plain text of about 2 kB. ``realistic``: of a hundred mails 60 are plain text of 1 to 3 kB, 25 have HTML of
5 to 20 kB beside it, 10 an attachment of 50 to 200 kB and 5 one of 1 to 2 MB. Two of five answer an earlier mail of the
same customer, by its Message-ID. No clock, no host name.
"""

from __future__ import annotations

import base64
import quopri
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum

RECIPIENT = "support@bench.local"
LAG = 64
"""An answer is at least so many tickets younger than what it answers: nobody answers within the same second."""
ANSWERS = 0.4
"""Share of the mails that answer another."""
_START = datetime(2026, 1, 12, 8, 0, tzinfo=UTC)
_DOMAINS = ("acme.example", "globex.example", "initech.example", "umbrella.example")
_FIRST_NAMES = ("Anna", "Ben", "Carla", "David", "Emma", "Felix")
_LAST_NAMES = ("Adams", "Becker", "Costa", "Dupont", "Evans")
_OPENINGS = (
    "Since this morning the export of the monthly report stops at half of the rows",
    "The invoice page stays empty for me and for a colleague in another office",
    "I cannot find where the delivery address of an order is changed",
    "The workbook opens, but every second formula shows an old figure",
    "Our auditors ask for a list of all users and their permissions",
    "Logging in takes about a minute, afterwards everything is as fast as ever",
    "The nightly import brought only a part of the products",
    "Please tell us whether the new price list can be loaded before the end of the week",
)
_SENTENCES = (
    "We tried it in two browsers and on a second machine, with the same result.",
    "It worked on Friday, and nobody here remembers having changed a setting.",
    "The message says that the request could not be completed, and nothing more.",
    "A colleague found that saving twice helps, which is good enough for today.",
    "You can call me on the number below until five o'clock, or simply answer this mail.",
    "There is no hurry from our side, but the month ends soon.",
    "In the list of orders the column with the date is in the wrong place as well.",
    "If you need a file to try it with, I can send the one from last week.",
    "The other branch offices have not reported anything of the kind.",
    "We use the standard settings, apart from the language and the currency.",
)
_SUBJECTS = ("Export stops", "Empty invoice page", "Delivery address", "Old figures in the workbook", "List of users",
             "Slow login", "Import incomplete", "New price list")  # fmt: skip


class Mix(StrEnum):
    SMALL = "small"
    REALISTIC = "realistic"


@dataclass(frozen=True, slots=True)
class Mail:
    sender: str
    message_id: str
    """Without brackets."""
    raw: bytes
    """As it is written after DATA, but for its end and the doubled dots."""


@dataclass(slots=True)
class Thread:
    """A ticket as its customer knows it."""

    name: str
    sender: str
    subject: str
    message_ids: list[str]


def make(mix: Mix, count: int, seed: int = 1, earlier: Sequence[Thread] = ()) -> list[Mail]:
    """``count`` mails; another ``seed`` makes other customers and ids. Answers go to ``earlier`` threads, too."""
    return list(_Maker(mix, seed, earlier).mails(count))


class _Maker:
    def __init__(self, mix: Mix, seed: int, earlier: Sequence[Thread]) -> None:
        self._mix = mix
        self._seed = seed
        self._dice = random.Random(seed)
        self._threads = list(earlier)
        self._settled = len(earlier)

    def mails(self, count: int) -> Iterator[Mail]:
        answers = 0
        for number in range(count):
            old = max(self._settled, len(self._threads) - LAG)
            answer = old > 0 and self._dice.random() < (ANSWERS * count - answers) / (count - number)
            answers += answer
            yield self._answer(number, old) if answer else self._question(number)

    def _question(self, number: int) -> Mail:
        first, last = self._dice.choice(_FIRST_NAMES), self._dice.choice(_LAST_NAMES)
        address = f"{first}.{last}.{self._seed}.{number}@{self._dice.choice(_DOMAINS)}".lower()
        thread = Thread(f"{first} {last}", address, f"{self._dice.choice(_SUBJECTS)} ({number})", [])
        self._threads.append(thread)
        return self._mail(number, thread, thread.subject, [])

    def _answer(self, number: int, old: int) -> Mail:
        thread = self._threads[self._dice.randrange(old)]
        quotation = [f"On Mon, 12 Jan 2026, {RECIPIENT} wrote:", *(f"> {self._sentence()}" for _ in range(6))]
        return self._mail(number, thread, f"Re: {thread.subject}", quotation)

    def _mail(self, number: int, thread: Thread, subject: str, quotation: list[str]) -> Mail:
        domain = thread.sender.partition("@")[2]
        message_id = f"{self._seed:x}.{number:x}.{self._dice.getrandbits(48):012x}@mail.{domain}"
        head = self._head(number, thread, subject, message_id)
        thread.message_ids.append(message_id)
        return Mail(thread.sender, message_id, (head + self._body(thread, quotation)).encode())

    def _head(self, number: int, thread: Thread, subject: str, message_id: str) -> str:
        domain = thread.sender.partition("@")[2]
        date = format_datetime(_START + timedelta(seconds=7 * number))
        signature = base64.b64encode(self._dice.randbytes(192)).decode()
        fields = [
            f"Return-Path: <{thread.sender}>",
            f"Received: from mx.{domain} (mx.{domain} [192.0.2.7])\r\n\tby in.bench.local with ESMTPS id {number:x}\r\n"
            f"\tfor <{RECIPIENT}>; {date}",
            f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s=a;\r\n"
            f"\th=from:to:subject:date:message-id; bh={signature[:44]};\r\n"
            f"\tb={signature[:128]}\r\n\t {signature[128:]}",
            f"From: {thread.name} <{thread.sender}>",
            f"To: Support <{RECIPIENT}>",
            f"Subject: {subject}",
            f"Date: {date}",
            f"Message-ID: <{message_id}>",
            "MIME-Version: 1.0",
            "X-Mailer: Example Mail 12.4",
        ]
        if thread.message_ids:
            chain = "\r\n ".join(f"<{one}>" for one in thread.message_ids[-8:])
            fields += [f"In-Reply-To: <{thread.message_ids[-1]}>", f"References: {chain}"]
        return "\r\n".join(fields) + "\r\n"

    def _body(self, thread: Thread, quotation: list[str]) -> str:
        share = 0.0 if self._mix is Mix.SMALL else self._dice.random()
        size = 1000 if self._mix is Mix.SMALL else self._dice.randint(800, 2600)
        plain = f"Content-Type: text/plain; charset=utf-8\r\n\r\n{self._text(thread, size, quotation)}\r\n"
        if share < 0.60:
            return plain
        if share < 0.85:
            return _joined("alternative", plain, self._html())
        size = self._dice.randint(50_000, 200_000) if share < 0.95 else self._dice.randint(1_000_000, 2_000_000)
        return _joined("mixed", plain, self._attachment(size))

    def _sentence(self) -> str:
        return self._dice.choice(_SENTENCES)

    def _text(self, thread: Thread, size: int, quotation: list[str]) -> str:
        lines = ["Hello,", "", f"{self._dice.choice(_OPENINGS)}."]
        while sum(map(len, lines)) < size:
            lines.append(self._sentence())
        return "\r\n".join([*lines, "", "-- ", thread.name, "Example Ltd, +49 30 123456", "", *quotation])

    def _html(self) -> str:
        rows = [
            f"<p class=MsoNormal style='margin-bottom:6pt'><span style='color:#1F497D'>{self._sentence()} "
            f"<a href='https://example.com/?id={self._dice.getrandbits(40):x}'>here</a></span></p>"
            for _ in range(self._dice.randint(25, 100))
        ]
        page = f"<html><head><style>p.MsoNormal{{margin:0}}</style></head><body>{''.join(rows)}</body></html>"
        text = quopri.encodestring(page.encode()).decode().replace("\n", "\r\n")
        return f"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{text}"

    def _attachment(self, size: int) -> str:
        text = base64.encodebytes(self._dice.randbytes(size)).decode().replace("\n", "\r\n")
        return (
            'Content-Type: image/png; name="screen.png"\r\nContent-Transfer-Encoding: base64\r\n'
            f'Content-Disposition: attachment; filename="screen.png"\r\n\r\n{text}'
        )


def _joined(subtype: str, *parts: str) -> str:
    body = "".join(f"--=_edge\r\n{part}\r\n" for part in parts)
    return f'Content-Type: multipart/{subtype}; boundary="=_edge"\r\n\r\n{body}--=_edge--\r\n'
