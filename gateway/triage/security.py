"""Is this a security incident that somebody saw, and of which kind."""

from __future__ import annotations

from gateway.triage.signals import Sentence

EXTERNAL = ("root", "malware", "csrf", "xss", "authbypass", "ddos", "exposure", "vuln")
"""Sub-categories of ``esec``, the most telling words first."""


def incident(sentences: tuple[Sentence, ...]) -> tuple[str, Sentence] | None:
    """The sub-category and the sentence that shows it; None where nothing credible is reported.

    Credible is what is stated as seen; questionnaires, bounty offers, advice and exercises are not.
    """
    enquiries = sum(s.has("enquiry") or s.asks for s in sentences)
    told = [
        s
        for s in sentences
        if not (s.has("drill", "enquiry", "planned", "blame") or (s.asks and s.outline.endswith("?")))
    ]
    if any(s.has("drill", "blame") for s in sentences):
        return None
    for place, sentence in enumerate(told):
        near = told[max(0, place - 2) : place + 3]
        proved = any(s.has("proof") for s in near)
        kind = _kind(sentence, near)
        if kind == "isec.leak" and sentence.has("privilege"):
            return kind, sentence
        if kind and proved and sum(s.has("proof") for s in told) >= enquiries:
            return kind, sentence
    return None


def _kind(sentence: Sentence, near: list[Sentence]) -> str:
    for name in EXTERNAL:
        if sentence.has(f"security_{name}"):
            return f"esec.{name}"
    if sentence.has("foreign") and any(s.has("rls", "leak", "figures", "proof") for s in near):
        return "isec.rls"
    if sentence.has("secret") and sentence.has("leak", "foreign"):
        return "isec.leak"
    return "isec.leak" if sentence.has("privilege") else ""
