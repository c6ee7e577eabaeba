"""The verdict on a mail: severity, category, and whether to wake somebody, from the words of its new text.

First the rules judge it; then a second opinion (``opinion``) weighs what they came to with all the other words: rules
see only what they know.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.model import Action, Category, Evidence, Severity, Verdict
from gateway.triage import rules, security
from gateway.triage.concepts import MARK, QUOTE
from gateway.triage.opinion import Opinion, opinion, telling
from gateway.triage.policy import Policy
from gateway.triage.report import Report
from gateway.triage.rules import WHOLE_SERVICE, Finding, component_of, kind_of
from gateway.triage.signals import Sentence
from gateway.triage.stated import stated_severity

LOUDEST = 3
"""Sentences shown where the wording decided."""
LIKELY = 0.5
"""So likely severe that the words alone wake somebody."""
UNSURE = 0.4
"""So likely severe that a human looks, though something else is likelier."""


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
    report, finding, tongue = rules.judge(text, subject, policy, language)
    said = opinion(report, finding.signals(), tongue, policy.triage.small_group)
    ruled, finding = finding, _weighed(finding, said, report, tongue)
    stated = stated_severity(subject, text, policy.stated_words)
    return Verdict(
        severity=finding.severity,
        category=finding.category,
        subcategory=finding.subcategory or Category.NONE,
        action=_action(finding, ruled, said, stated, policy),
        stated=stated,
        evidence=finding.evidence,
        missing=_missing(finding, report, attachments),
    )


def _weighed(finding: Finding, said: Opinion, report: Report, tongue: str) -> Finding:
    """What the rules found, or what the words say against it: but of a robot's mail and an exercise nobody is woken."""
    if not finding.is_report:
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
            return f"core.{component_of(report) or WHOLE_SERVICE}"
        case Category.DATA:
            kind = kind_of(report)
            return kind if kind.startswith("data.") else "data.incorrect"
        case Category.ISEC:
            return "isec.rls" if report.mentions("foreign", "rls") else "isec.leak"
        case Category.ESEC:
            return "esec." + next((one for one in security.EXTERNAL if report.mentions(f"security_{one}")), "exposure")
    return ""


_SEVERE = (Severity.S0, Severity.S1)


def _action(finding: Finding, ruled: Finding, said: Opinion, stated: Severity | None, policy: Policy) -> Action:
    """Page what is escalated and severe, by the rules or rather than not. A human checks what is severe without a
    category, a stated S0 that we do not share, and what may be severe after all."""
    severe = sum(said.severities[one] for one in _SEVERE)
    likely = ruled.severity in _SEVERE or severe > LIKELY
    if likely and finding.category is not Category.NONE and finding.severity in policy.paging.severities:
        return Action.PAGE
    unsure = severe > UNSURE
    return Action.CHECK if unsure or stated is Severity.S0 or finding.severity in _SEVERE else Action.QUEUE


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
