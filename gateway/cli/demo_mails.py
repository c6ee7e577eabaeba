"""The three mails of ``gateway demo``, as customers would write them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""A PNG of one pixel, for a screenshot."""


def mails(to: str) -> Iterator[EmailMessage]:
    """The mails to the support address ``to``: an outage, one with a CC and a screenshot, a German one."""
    yield _mail(
        "Maria Keller <maria@northwind.example>",
        to,
        "Nobody can sign in",
        "Hello,\n\nsince 08:40 nobody in our three offices can sign in; the page ends with error 502 for everyone.\n"
        "We tried other browsers and private windows, and there is no way around it: order intake has stopped.\n\n"
        "Maria Keller\n",
    )
    chart = _mail(
        "Sam Ortiz <sam@harbor.example>",
        to,
        "Bars overlap in one chart",
        "Hi,\n\nin one workbook the labels of a bar chart overlap beyond 30 bars; see the screenshot.\n"
        "Only I have noticed so far, and a table of the same numbers does the job meanwhile.\n\nBest, Sam\n",
    )
    chart["Cc"] = "Lee Park <lee@harbor.example>"
    chart.add_attachment(PIXEL, maintype="image", subtype="png", filename="bar chart.png")
    yield chart
    yield _mail(
        "Jürgen Groß <juergen@werkstatt.example>",
        to,
        "Frage zum Export",
        "Guten Tag,\n\nkann ich einen Bericht auch jeden Montag automatisch als PDF bekommen?\n"
        "In der Hilfe habe ich dazu nichts gefunden. Es eilt nicht.\n\nViele Grüße\nJürgen Groß\n",
    )


def _mail(author: str, to: str, subject: str, body: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = author, to, subject
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = make_msgid(domain="customer.example")
    mail.set_content(body)
    return mail
