"""Made-up values for every template: for looking at it, and for finding what is wrong with an operator's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from gateway.model import Category, Said, Severity
from gateway.outbound import harmless, views
from gateway.outbound.views import Confirmation, Held, Notice, Page, Problem, Unfetched, View
from gateway.triage.policy import DEFAULT, Policy

_COMMON: dict[str, Any] = {
    "brand": "Support",
    "address": "support@example.com",
    "signature": "Example Analytics, Customer Support",
    "number": "SUP-1042",
    "subject": "Workbooks do not load since this morning",
    "subject_line": "Workbooks do not load since this morning",
}
_TEXT = (
    "Hello,\n\nsince about nine this morning no workbook opens any more. The page\n"
    "stays empty, and after a minute it says: query could not be loaded\n(id 7f3a-22).\n\nCarla"
)
_ANSWER = (
    "Hello Carla,\n\nthank you for the error id: with it we found the cause. A connection\n"
    "to your warehouse had expired, and it is renewed now. Please reload the\npage.\n\nAnn"
)
_EVIDENCE = ("“no workbook opens any more”: a core feature does not work", "nothing is said of a workaround")
_FACTS: dict[str, Any] = {"severity": "S1", "severity_name": DEFAULT.severity_name(Severity.S1, "en")}
_CRITICAL: dict[str, Any] = {"severity": "S0", "severity_name": DEFAULT.severity_name(Severity.S0, "en")}
_EXPECTED = views.Moment(weekday=0, day=24, month=11, year=2025, time="09:30", zone="PST")

_CONFIRMATION = views.Confirmation(
    **_COMMON,
    **_FACTS,
    name="Carla Customer",
    severity_meaning=DEFAULT.severity_meaning(Severity.S1, "en"),
    expected=_EXPECTED,
    chat=DEFAULT.chat("en"),
    missing=("workaround", "others", "browser", "errors"),
    attachments=("empty-page.png", "console.log"),
)
_NOTICE = views.Notice(
    **_COMMON,
    **_FACTS,
    category_name=DEFAULT.category_name(Category.CORE, "core.workbook", "en"),
    author="Carla Customer",
    author_address="carla@customer.example",
    people=("carla@customer.example", "colin@customer.example"),
    opened=True,
    status="open",
    assignee="",
    evidence=_EVIDENCE,
    text=_TEXT,
    html=harmless.lines(_TEXT),
    cut="-- \nCarla Customer, Northwind\nTel. +1 555 0100",
    attachments=("empty-page.png", "console.log"),
)

SAMPLES: Mapping[str, tuple[View, ...]] = {
    "confirmation": (
        _CONFIRMATION,
        replace(
            _CONFIRMATION,
            **_CRITICAL,
            severity_meaning=DEFAULT.severity_meaning(Severity.S0, "en"),
            alerted=True,
            minutes=30,
            chat="",
            missing=(),
            signature="",
        ),
        replace(_CONFIRMATION, stated="S0", name="", chat="", attachments=(), opens=_EXPECTED),
        replace(
            _CONFIRMATION,
            stated="S2",
            copy=True,
            expected=None,
            missing=(),
            portal="https://help.example.com",
            status_page="https://status.example.com",
        ),
    ),
    "answer": (
        views.Answer(
            **_COMMON, agent="Ann Agent", text=_ANSWER, html=harmless.lines(_ANSWER), attachments=("steps.pdf",)
        ),
        views.Answer(**{**_COMMON, "signature": ""}, agent="Ann Agent", text=_ANSWER, html=harmless.lines(_ANSWER)),
    ),
    "notice": (
        _NOTICE,
        replace(_NOTICE, stated="S0", check=True, opened=False, assignee="Ann Agent", status="pending", attachments=()),
        replace(_NOTICE, **_CRITICAL, alerted=True, author="carla@customer.example", goes_on=True),
        replace(
            _NOTICE, author="Ann Agent", author_address="ann@example.com", by_agent=True, evidence=(), status="solved"
        ),
        replace(
            _NOTICE,
            author="Ann Agent",
            author_address="ann@example.com",
            by_agent=True,
            note=True,
            text="",
            html=Markup(),
        ),
    ),
    "page": (
        views.Page(
            **_COMMON,
            **_CRITICAL,
            requester="Carla Customer <carla@customer.example>",
            text=_TEXT,
            evidence=_EVIDENCE,
            others=(
                views.Paged(
                    number="SUP-1043", severity="S0", subject="Nobody can log in", requester="dan@customer.example"
                ),
            ),
        ),
        views.Page(**_COMMON, **_CRITICAL, requester="carla@customer.example", text=_TEXT),
    ),
    "problem": (
        views.Problem(
            **_COMMON,
            problem=Said("#sev needs S0, S1, S2 or S3 behind it, not {!r}", "S9"),
            remedy=Said(
                "Send it again. Commands stand above the text, each on a line of its own: {}.", "#note, #solved, #sev"
            ),
        ),
        views.Problem(
            **{**_COMMON, "number": ""}, problem="There is no such ticket.", remedy="Answer one of our mails."
        ),
    ),
    "held": (
        views.Held(
            **_COMMON,
            sender="ann@example.com",
            problem=Said("From names an agent, and nothing proves it"),
            remedy=Said("Answer one of the notices, or send through the gateway with your login."),
        ),
        views.Held(**{**_COMMON, "number": ""}, sender="", problem="It has no sender.", remedy="Look at it."),
    ),
    "undeliverable": (
        views.Undeliverable(
            **_COMMON,
            recipient="carla@customer.example",
            requester="carla@customer.example",
            reason="5.1.1 no such user",
        ),
        views.Undeliverable(
            **_COMMON,
            recipient="ann@example.com",
            staff=True,
            requester="carla@customer.example",
            reason="552 5.3.4 Message too big",
        ),
        views.Undeliverable(**{**_COMMON, "number": ""}, recipient="ann@example.com", reason="connection refused"),
    ),
    "unfetched": (
        views.Unfetched(
            **{**_COMMON, "number": ""},
            folder="support@example.com at imap.example.com, INBOX",
            sender="Carla Customer <carla@customer.example>",
            problem=Said("it has {} octets, of which the first {} were fetched", "83,886,080", "262,144"),
            remedy=Said("The ticket has what was fetched. Read the rest in the folder, where all of it still lies."),
        ),
        views.Unfetched(
            **{**_COMMON, "number": "", "subject": "", "subject_line": ""},
            folder="support@example.com at imap.example.com, INBOX",
            sender="",
            problem=Said("the server does not send it"),
            remedy=Said("No ticket was made. The mail is still in the folder: read it there, and answer its sender."),
        ),
    ),
}
"""The first of each is the one that is shown."""


def sample(
    name: str, language: str, policy: Policy = DEFAULT, say: Callable[[str, str], str] = lambda sentence, _: sentence
) -> View:
    """The sample to show, with the policy's words in that language, and ours as ``say`` puts them.

    Raises KeyError for an unknown name.
    """
    view = SAMPLES[name][0]
    if isinstance(view, Problem | Held | Unfetched):
        return replace(view, problem=say(view.problem, language), remedy=say(view.remedy, language))
    if not isinstance(view, Confirmation | Notice | Page):
        return view
    severity = Severity(view.severity)
    view = replace(view, severity_name=policy.severity_name(severity, language))
    if isinstance(view, Confirmation):
        return replace(
            view,
            severity_meaning=policy.severity_meaning(severity, language),
            chat=policy.chat(language),
            portal=policy.contact.portal,
            status_page=policy.contact.status_page,
        )
    if isinstance(view, Notice):
        return replace(view, category_name=policy.category_name(Category.CORE, "core.workbook", language))
    return view
