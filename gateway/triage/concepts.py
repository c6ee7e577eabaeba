"""What words can mean to the triage, each written as one character of a sentence's outline.

"None of the 480 members can open documents" has the outline ``nobody number people act workbook``. The rules are
patterns over outlines, so they hold for every language whose words are listed in ``words/``.
"""

from __future__ import annotations

import re
from functools import cache

MEANING = {
    # who, how many
    "everyone": "universal subject: everybody, whole company, everywhere",
    "all": "universal determiner: all, every, each",
    "nobody": "universal denial: nobody, none of, not one",
    "self": "the writer or one other person",
    "one": "said to be one person or one object only",
    "few": "said to be a handful",
    "group": "a part of an organisation: department, branch, site",
    "organisation": "the whole of one",
    "people": "noun for people, that a number can count",
    "places": "noun for branches, sites, terminals, that a number can count",
    "not_people": "looks like one and is none: numbers, orders, servers",
    "number": "a count",
    "headcount_before": "a count of people follows: we are, team of",
    "headcount_after": "a count of people stood before: of us",
    "other": "those who are set against the ones concerned: others, the rest, except",
    # what happens
    "not": "negation",
    "cannot": "inability; a failure, unless a verb of the mind follows",
    "mind": "verbs of mind and speech: decide, tell, wait",
    "act": "something one does with the product",
    "works": "is as it should be",
    "fail": "fails",
    "affected": "concerned by a failure; negated, it is one's being fine",
    "trouble": "vague or minor defect",
    "partial": "fails at times, or for a part",
    "slow": "slow",
    "takes": "takes, waits: slow when a duration follows",
    "duration": "unit of a duration",
    "wrong": "wrong output",
    "figures": "what output consists of",
    "unreadable": "cannot be read",
    "stop": "business that stands still",
    # when and whether
    "now": "current",
    "past": "over, recovered",
    "again": "comes back repeatedly",
    "hypothetical": "supposed",
    "drill": "exercise, test",
    "planned": "announced for later",
    "question": "asks",
    "auxiliary": "begins a question, where a question mark ends it",
    "wish": "wants a feature",
    "courtesy": "thanks, praise",
    "commercial": "money, contracts, events, addresses",
    "robot": "auto-reply, newsletter",
    "ours": "the customer's own systems or suppliers",
    "blame": "says that the fault is not the product's",
    "plain": "means nothing here; listed so that no part of it is taken for something",
    "finishes": "slow, yet it ends well",
    "yields": "verb before a quoted message: says, gets, ends in",
    "percent": "per cent",
    "browser": "browsers, which a good report names",
    "script": "program of the customer's that calls us",
    "workaround": "another way",
    "clumsy": "makes another way unreasonable",
    # components
    "login": "core.login",
    "provision": "core.provision",
    "workbook": "core.workbook",
    "share": "core.share",
    "api": "core.api",
    "export": "core.export",
    "connection": "core.connection",
    "surface": "what may be part of a workbook: page, view, screen",
    "vague": "the writer does not say what: something",
    "status": "status code",
    "plugin": "data.plugin",
    "chart": "data.readability",
    # security
    "foreign": "data of somebody else",
    "rls": "the rule that should have hidden it",
    "secret": "password, key, token",
    "leak": "is exposed",
    "privilege": "has rights that it should not have",
    "security_vuln": "esec.vuln",
    "security_authbypass": "esec.authbypass",
    "security_xss": "esec.xss",
    "security_exposure": "esec.exposure",
    "security_csrf": "esec.csrf",
    "security_ddos": "esec.ddos",
    "security_root": "esec.root",
    "security_malware": "esec.malware",
    "proof": "observed, reproduced, live",
    "contained": "already made harmless",
    "enquiry": "questionnaire, bounty, scanner, advice",
}

MARK = {name: chr(0x80 + place) for place, name in enumerate(MEANING)}
"""The character of each concept. Python keeps those below 256 ready, so that searches and sets of them cost a third."""

END, ASK, CLAUSE, QUOTE = "|", "?", ",", '"'
"""In an outline: end of a sentence, question mark before it, end of a clause, quotation mark."""

_STEP = re.compile(r"~(\d+)|(\w+(?:/\w+)*)|([?|,\"])")


def pattern(text: str) -> re.Pattern[str]:
    """Compile ``"not ~2 act/works"``: concepts in order, ``a/b`` either, ``~2`` up to two others in the same clause.

    Each ``~`` is a group, so that a substitution can keep what stood there.
    """
    parts = []
    for gap, names, mark in _STEP.findall(text):
        if gap:
            parts.append(f"([^|,?]{{0,{gap}}}?)")
        else:
            parts.append("[" + "".join(MARK[name] for name in names.split("/")) + "]" if names else re.escape(mark))
    return re.compile("".join(parts))


def later(*steps: str) -> str:
    """The source of a pattern whose steps follow each other anywhere in one sentence.

    A gap is bounded, so that the search stays linear in a hostile sentence that never ends.
    """
    return "[^|]{0,80}?".join(pattern(step).pattern for step in steps)


@cache
def any_of(*names: str) -> frozenset[str]:
    """The characters of several concepts, for ``isdisjoint`` with an outline."""
    return frozenset(MARK[name] for name in names)
