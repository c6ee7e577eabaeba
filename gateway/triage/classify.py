"""The verdict on a mail: severity, category, and whether to wake somebody, from the words of its new text.

First the rules, a chain of questions of which the first that has an answer decides: is it a report at all, a security
incident, over, somebody else's fault, no complaint; and else what fails, for how many, and is there another way. Then a
second opinion (``opinion``) weighs what they came to with all the other words: rules see only what they know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from gateway.model import Action, Category, Evidence, Severity, Verdict
from gateway.triage import security
from gateway.triage.concepts import MARK, QUOTE, later, pattern
from gateway.triage.lexicon import language_of, lexicon
from gateway.triage.opinion import Opinion, opinion, telling
from gateway.triage.policy import Policy
from gateway.triage.report import Report
from gateway.triage.scope import Scope, scope
from gateway.triage.signals import COMPONENTS, Sentence
from gateway.triage.stated import stated_severity

SUBJECT = 1000
"""Characters of a subject that are read."""
LOUDEST = 3
"""Sentences shown where the wording decided."""
UNSURE = 0.4
"""So likely severe that a human looks, though something else is likelier."""

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

    def signals(self) -> Iterator[str]:
        """For the second opinion."""
        yield f"rules {self.severity}"
        yield f"rules {self.severity} {self.category}"
        yield f"rules {self.subcategory}"
        yield from (f"rules {reason.signal}" for reason in self.evidence)


def classify(
    text: str,
    subject: str,
    policy: Policy,
    *,
    sender: str = "",
    attachments: tuple[str, ...] = (),
    language: str = "",
) -> Verdict:
    """The verdict on ``text``, the new text of a mail (no quotation, no signature).

    ``language`` is a hint (ISO 639-1). Pure; linear in the text, of which ``policy.triage.characters`` are read.
    """
    report, finding, tongue = rules(text, subject, policy, language)
    said = opinion(report, finding.signals(), tongue, policy.triage.small_group)
    finding = _weighed(finding, said, report, tongue)
    stated = stated_severity(subject, text, policy.stated_words)
    return Verdict(
        severity=finding.severity,
        category=finding.category,
        subcategory=finding.subcategory or Category.NONE,
        action=_action(finding, said, stated, policy),
        stated=stated,
        evidence=finding.evidence,
        missing=_missing(finding, report, attachments),
    )


def rules(text: str, subject: str, policy: Policy, language: str = "") -> tuple[Report, Finding, str]:
    """What the mail says, what the rules make of it, and the language it was read in."""
    text, subject = text[: policy.triage.characters], subject[:SUBJECT]
    tongue = language_of(f"{subject} {text}", language)
    report = Report.read(text, subject, lexicon(tongue, policy.extra_words.get(tongue, ())))
    return report, _judge(report, policy.triage.small_group), tongue


def _weighed(finding: Finding, said: Opinion, report: Report, tongue: str) -> Finding:
    """What the rules found, or what the words say against it: but of a robot's mail and an exercise nobody is woken."""
    if any(reason.signal in _NO_REPORT.values() for reason in finding.evidence):
        return finding
    severity = _severity(said)
    category = _category(severity, said, finding)
    if (severity, category) == (finding.severity, finding.category):
        return finding
    subcategory = finding.subcategory if category is finding.category else _subcategory(category, report)
    evidence = finding.evidence
    if severity is not finding.severity:
        evidence = _wording(telling(report, severity, tongue)) or evidence
    return Finding(severity, subcategory, evidence)


def _wording(told: Sequence[tuple[float, Sentence]]) -> tuple[Evidence, ...]:
    """The loudest sentences, and what is at least half as loud."""
    return tuple(
        Evidence("wording", sentence.text, round(loud, 2)) for loud, sentence in told[:LOUDEST] if loud > told[0][0] / 2
    )


def _severity(said: Opinion) -> Severity:
    """The likeliest, seen together with the category: what is critical has one, what is no failure has none."""
    nothing = said.categories[Category.NONE]
    fitting = {Severity.S0: 1 - nothing, Severity.S3: nothing}
    both = {one: share * fitting.get(one, max(nothing, 1 - nothing)) for one, share in said.severities.items()}
    return max(both, key=both.__getitem__)


_SECURITY = (Category.ISEC, Category.ESEC)


def _category(severity: Severity, said: Opinion, finding: Finding) -> Category:
    """Where nothing fails there is none; what is critical is an incident of security or a core feature that is down;
    and another way ends a core feature's escalation."""
    shares = said.categories
    if severity is Severity.S3:
        return Category.NONE
    if severity is Severity.S0:
        insecure = sum(shares[one] for one in _SECURITY) > shares[Category.CORE] + shares[Category.DATA]
        return max(_SECURITY, key=shares.__getitem__) if insecure else Category.CORE
    likeliest = max(shares, key=shares.__getitem__)
    other_way = any(reason.signal == "workaround" for reason in finding.evidence)
    return Category.NONE if likeliest is Category.CORE and other_way else likeliest


def _subcategory(category: Category, report: Report) -> str:
    """The one that the words suggest."""
    match category:
        case Category.CORE:
            return f"core.{_component(report) or WHOLE_SERVICE}"
        case Category.DATA:
            kind = _kind(report)
            return kind if kind.startswith("data.") else "data.incorrect"
        case Category.ISEC:
            return "isec.rls" if report.mentions("foreign", "rls") else "isec.leak"
        case Category.ESEC:
            return "esec." + next((one for one in security.EXTERNAL if report.mentions(f"security_{one}")), "exposure")
    return ""


def _judge(report: Report, small_group: int) -> Finding:
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
    kind = _kind(report)
    component = _component(report) if kind == "fail" else ""
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


def _kind(report: Report) -> str:
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


def _component(report: Report) -> str:
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


_SEVERE = (Severity.S0, Severity.S1)


def _action(finding: Finding, said: Opinion, stated: Severity | None, policy: Policy) -> Action:
    """Page what is escalated and severe. A human checks what is severe without a category, a stated S0 that we do not
    share, and what may be severe after all."""
    if finding.category is not Category.NONE and finding.severity in policy.paging.severities:
        return Action.PAGE
    unsure = sum(said.severities[one] for one in _SEVERE) > UNSURE
    return Action.CHECK if unsure or stated is Severity.S0 or finding.severity in _SEVERE else Action.QUEUE


_NO_PUZZLE = ("question", "wish", "courtesy", "commercial", "planned", "past", "enquiry")


def _puzzling(report: Report) -> bool:
    """It states something, and neither asks nor thanks nor speaks of business or plans."""
    return bool(report.body) and not report.mentions(*_NO_PUZZLE)


def _missing(finding: Finding, report: Report, attachments: tuple[str, ...]) -> tuple[str, ...]:
    """What a good report has and this one lacks; nothing is asked for where nothing fails."""
    if finding.severity is Severity.S3 or finding.subcategory.startswith(("isec", "esec")):
        return ()
    told = {
        "workaround": report.mentions("workaround", "clumsy"),
        "others": report.mentions("everyone", "nobody", "all", "other", "one", "few") or _counted(report),
        "browser": report.mentions("browser", "api"),
        "errors": attachments or report.mentions("status") or QUOTE in report.marks,
    }
    return tuple(name for name, found in told.items() if not found)


def _counted(report: Report) -> bool:
    return MARK["number"] in report.marks and any(s.people or s.places for s in report.all)
