"""Is this a security incident that somebody saw, and of which kind."""

from __future__ import annotations

from gateway.triage.concepts import ASK, MARK, any_of
from gateway.triage.report import Report
from gateway.triage.signals import Sentence

EXTERNAL = ("root", "malware", "csrf", "xss", "authbypass", "ddos", "exposure", "vuln")
"""Sub-categories of ``esec``, the most telling words first."""
_EXTERNAL_WORDS = tuple(f"security_{name}" for name in EXTERNAL)


def incident(report: Report) -> tuple[str, Sentence] | None:
    """The sub-category and the sentence that shows it; None where nothing credible is reported.

    Credible is what is stated as seen; questionnaires, bounty offers, advice and exercises are not.
    """
    if not _possible(report) or report.mentions("drill", "blame"):
        return None
    told = [s for s in report.all if not (s.asks and s.outline.endswith(ASK)) and _NOT_SEEN.isdisjoint(s.outline)]
    credible = _credible(report, told)
    for place, sentence in enumerate(told):
        if _SUSPICIOUS.isdisjoint(sentence.outline):
            continue
        if sentence.has("privilege"):
            return "isec.leak", sentence
        near = told[max(0, place - 2) : place + 3]
        seen = credible and (_detailed(sentence, report) or any(_PROOF in s.outline for s in near))
        if seen and (kind := _kind(sentence, near)):
            return kind, sentence
    return None


_SERIOUS = any_of(*_EXTERNAL_WORDS, "foreign", "rls", "privilege")
_PROOF = MARK["proof"]
_NOT_SEEN = any_of("enquiry", "planned")
_SUSPICIOUS = any_of(*_EXTERNAL_WORDS, "privilege", "other", "everyone", "foreign", "secret")
"""Without one of these, a sentence shows no incident."""
_TELLING = any_of(*_EXTERNAL_WORDS, "leak", "rls", "foreign", "other")


def _possible(report: Report) -> bool:
    """Whether the mail has the words at all that ``_kind`` and a privilege ask for; most have not."""
    return not _SERIOUS.isdisjoint(report.marks) or (report.mentions("secret") and report.mentions("leak"))


def _detailed(sentence: Sentence, report: Report) -> bool:
    """Two telling words in one sentence of the body: nobody says so in passing."""
    return sum(map(_TELLING.__contains__, sentence.outline)) > 1 and sentence in report.body


def _credible(report: Report, told: list[Sentence]) -> bool:
    """No more is asked than is proven."""
    asked = sum([s.asks or MARK["enquiry"] in s.outline for s in report.all])
    return sum([_PROOF in s.outline for s in told]) >= asked


def _kind(sentence: Sentence, near: list[Sentence]) -> str:
    if sentence.has(*_EXTERNAL_WORDS):
        return "esec." + next(name for name in EXTERNAL if sentence.has(f"security_{name}"))
    if sentence.has("other", "everyone") and any(s.has("rls") for s in near) and not sentence.asks:
        return "isec.rls"
    if sentence.has("foreign") and any(s.has("rls", "leak", "figures", "proof") for s in near):
        return "isec.rls"
    return "isec.leak" if sentence.has("secret") and any(s.has("leak", "foreign") for s in near) else ""
