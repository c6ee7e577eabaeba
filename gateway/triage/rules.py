"""What rules make of a mail: the severity and the subcategory that its words stand for, and the sentences that say so.

A chain of questions of which the first that has an answer decides: is it a report at all, a security incident, over,
somebody else's fault, no complaint; and else what fails, for how many, and is there another way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from gateway.model import Category, Evidence, Severity
from gateway.triage import security
from gateway.triage.concepts import MARK, later, pattern
from gateway.triage.lexicon import language_of, lexicon
from gateway.triage.policy import Policy
from gateway.triage.report import Report
from gateway.triage.scope import Scope, scope
from gateway.triage.signals import COMPONENTS, Sentence

SUBJECT = 1000
"""Characters of a subject that are read."""

_SPACED = re.compile(r"(?<=\S) (?=\S)")

WHOLE_SERVICE = "workbook"
"""The component meant where many say that "it" is down: what everybody works with."""


class Finding(NamedTuple):
    """What the words came to. ``subcategory`` such as ``core.login``; empty for no category."""

    severity: Severity
    subcategory: str
    evidence: tuple[Evidence, ...]

    @property
    def category(self) -> Category:
        return Category(self.subcategory.partition(".")[0] or Category.NONE)

    @property
    def is_report(self) -> bool:
        """Neither a robot's mail nor an exercise."""
        return not any(reason.signal in _NO_REPORT.values() for reason in self.evidence)

    def signals(self) -> Iterator[str]:
        """For the second opinion."""
        yield f"rules {self.severity}"
        yield f"rules {self.severity} {self.category}"
        yield f"rules {self.subcategory}"
        yield from (f"rules {reason.signal}" for reason in self.evidence)


def judge(text: str, subject: str, policy: Policy, language: str = "") -> tuple[Report, Finding, str]:
    """What the mail says, what the rules make of it, and the language it was read in."""
    text, subject = _closed_up(text[: policy.triage.characters]), _closed_up(subject[:SUBJECT])
    tongue = language_of(f"{subject} {text}", language)
    report = Report.read(text, subject, lexicon(tongue, policy.extra_words.get(tongue, ())))
    return report, _answer(report, policy.triage.small_group), tongue


def _closed_up(text: str) -> str:
    """With the letters of each word together, where programs set them apart: ``N o b o d y   c a n``."""
    blanks = text.count(" ")
    if 5 * blanks < 2 * len(text) or len(text.split()) < 0.8 * (len(text) - blanks):
        return text
    return _SPACED.sub("", text)


def _answer(report: Report, small_group: int) -> Finding:
    for question in _QUESTIONS:
        if finding := question(report):
            return finding
    return _failure(report, small_group)


def _finding(severity: Severity, signal: str, sentence: Sentence | None, subcategory: str = "") -> Finding:
    return Finding(severity, subcategory, (Evidence(signal, sentence.text if sentence else ""),))


_NO_REPORT = {"robot": "automatic", "drill": "exercise"}


def _not_a_report(report: Report) -> Finding | None:
    for signal, meaning in _NO_REPORT.items():
        if found := report.says(signal):
            return _finding(Severity.S3, meaning, found)
    return None


def _incident(report: Report) -> Finding | None:
    contained = report.says("contained")
    if found := security.incident(report):
        kind, sentence = found
        severity = Severity.S2 if contained else Severity.S0
        return _finding(severity, "security contained" if contained else "security incident", sentence, kind)
    if contained and (secret := report.says("secret")):
        return _finding(Severity.S2, "security contained", secret, "isec.leak")
    return None


def _over(report: Report) -> Finding | None:
    """Recovered, and nothing bad is said after that."""
    if not report.mentions("past"):
        return None
    past = [place for place, s in enumerate(report.body) if MARK["past"] in s.outline]
    if not past or report.mentions("again") or any(s.bad for s in report.body[past[-1] + 1 :]):
        return None
    return _finding(Severity.S3, "over", report.body[past[-1]])


_OURS = re.compile(
    "|".join(
        (
            pattern("ours ~3 fail/planned/stop").pattern,
            later("planned", "ours"),
            later("ours", "planned"),
        )
    )
)


def _not_our_fault(report: Report) -> Finding | None:
    found = report.says("blame")
    if not found and report.mentions("ours"):
        found = next((s for s in report.all if _OURS.search(s.outline)), None)
    return _finding(Severity.S3, "third party", found) if found else None


def _no_complaint(report: Report) -> Finding | None:
    asked = next((s for s in report.body if s.asks), None)
    if asked and not any(s.bad for s in report.body):
        return _finding(Severity.S3, "question", asked)
    if report.bad or (not asked and _consequences(report)):
        return None
    told = (s for s in report.all if s.has("trouble", "workaround") and not s.void and not s.has("planned"))
    if defect := next(told, None):
        return _finding(Severity.S2, "defect", defect)
    return _hint_of_a_defect(report) or _finding(Severity.S3, "no complaint", asked)


def _hint_of_a_defect(report: Report) -> Finding | None:
    """A part of the product in one sentence with a negation whose verb we do not know: "isn't recognised at login"."""
    if not _puzzling(report):
        return None
    for sentence in report.body:
        if sentence.has("not") and (part := next((c for c in COMPONENTS if sentence.has(c)), "")):
            return _finding(Severity.S2, "defect", sentence, f"core.{part}")
    return None


def _consequences(report: Report) -> bool:
    """Many people's work stands still, whatever the failure was called."""
    many = report.has("everyone", "nobody") or any(count > 1 for count in report.people)
    return many and report.has("stop") and report.has(*COMPONENTS, "surface") and not report.mentions("commercial")


_QUESTIONS: tuple[Callable[[Report], Finding | None], ...] = (
    _not_a_report,
    _incident,
    _over,
    _not_our_fault,
    _no_complaint,
)

_STEPS = (Severity.S0, Severity.S1, Severity.S2)
_FAILS = {Scope.ALL: Severity.S0, Scope.PART: Severity.S1, Scope.FEW: Severity.S2}
_DEGRADED = {Scope.ALL: Severity.S1, Scope.PART: Severity.S1, Scope.FEW: Severity.S2}


def _failure(report: Report, small_group: int) -> Finding:
    """Something fails, is slow, wrong or unreadable: scope and impact decide, another way lowers by one step."""
    kind = kind_of(report)
    component = component_of(report) if kind == "fail" else ""
    reach = scope(report, component, small_group)
    if kind == "fail" and reach > Scope.FEW:
        component = component or WHOLE_SERVICE
    severity = (_FAILS if kind == "fail" else _DEGRADED)[reach]
    way = report.says("workaround") if not report.mentions("clumsy") else None
    if way and not (kind.startswith("data.") and reach is Scope.ALL):
        severity = _STEPS[min(_STEPS.index(severity) + 1, 2)]
    subcategory = kind if kind.startswith("data.") else f"core.{component}" if component and not way else ""
    evidence = [
        Evidence(kind, report.first.text, 1.0),
        Evidence(f"concerns {reach.name.lower()}", _scope_text(report, reach), float(reach)),
    ]
    if way:
        evidence.append(Evidence("workaround", way.text, -1.0))
    return Finding(severity, subcategory, tuple(evidence))


_OUTPUT = ("figures", "chart", "export", "workbook")


def kind_of(report: Report) -> str:
    """``data...`` where output is wrong or unreadable; ``fail``; ``slow``."""
    if report.complains_of("plugin"):
        return "data.plugin"
    if any(s.has("unreadable") and s.has("chart") for s in report.bad) or report.first.has("unreadable"):
        return "data.readability"
    if report.first.slow and not report.first.has("fail", "wrong"):
        return "slow"
    if not report.first.has("fail"):
        if any(s.has("wrong") and not s.has("login", "secret") for s in report.bad) and report.has(*_OUTPUT):
            return "data.incorrect"
        if any(s.slow for s in report.bad):
            return "slow"
    return "slow" if report.mentions("finishes") and any(s.slow for s in report.bad) else "fail"


def component_of(report: Report) -> str:
    """The core component that the complaint is about; empty where it cannot be told."""
    best, weight = report.heaviest(COMPONENTS)
    if weight:
        return best if weight > 5 or not report.has("vague") else ""
    if report.has("script", "status"):
        return "api"
    if report.has("surface") and not report.has("vague"):
        return "workbook"
    return next((c for c in COMPONENTS for s in report.old_head if s.has(c)), "")


_SCOPE_WORDS = {
    Scope.ALL: ("everyone", "nobody", "all", "people", "places", "stop"),
    Scope.PART: ("people", "places", "group", "organisation", "partial"),
    Scope.FEW: ("one", "few", "self", "people"),
}


def _scope_text(report: Report, reach: Scope) -> str:
    mark = next((MARK[word] for word in _SCOPE_WORDS[reach] if MARK[word] in report.outline), None)
    return next(s.text for s in report.relevant if mark in s.outline) if mark else ""


_NO_PUZZLE = ("question", "wish", "courtesy", "commercial", "planned", "past", "enquiry")


def _puzzling(report: Report) -> bool:
    """It states something, and neither asks nor thanks nor speaks of business or plans."""
    return bool(report.body) and not report.mentions(*_NO_PUZZLE)
