"""Status codes (RFC 3463) and SMTP reply codes (RFC 5321 §4.2) in the prose of a report."""

from __future__ import annotations

import re

_STATUS = re.compile(r"(?<![\w.])([245]\.\d{1,3}\.\d{1,3})(?!\d|\.\d)")
_CLASS_ONLY = re.compile(r"[245]\.0\.0")

# What the remote server said, quoted by the relay: `554 4.4.7 Message expired.<421 4.4.2 Connection timed out>`.
_QUOTED_STATUS = re.compile(r"<[45]\d\d[ -]([45]\.\d{1,3}\.\d{1,3})[ >]")

# A code and, behind it, the enhanced status: `550 5.1.1`, `550-5.7.1`, `554 (#5.1.1`, `550 #5.1.0`.
_REPLY_WITH_STATUS = re.compile(r"(?<![\w.])([45]\d\d)[ \t-]{1,3}\(?#?[45]\.\d{1,3}\.\d{1,3}(?!\d)")

# What sendmail 5 quotes behind its own code: `554 <a@b>... 550 Host unknown`.
_QUOTED_REPLY = re.compile(r"\.\.\. ([45]\d\d) ")

# A code alone, where a server's answer begins: at the start of a line, behind a mark or behind a word.
_REPLY = re.compile(
    r"""
    (?: ^ [ \t]*
      | [:;,=>\[('"\#] [ \t]?
      | (?: said | returned | response | error | code | with | reason | was ) :? [ \t]+
    )
    ( [45][0-5]\d )
    (?= [ \t\-,:;.)\]'"] | $ )
    # Neither a time nor a quantity.
    (?! [:.]\d | [ ]\d\d:\d\d )
    (?! [ \t]* (?: hours? | minutes? | seconds? | days? | [km]b\b | bytes | messages? | times ) )
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)


def status(text: str) -> str:
    """The first enhanced status in ``text``, a specific one rather than ``x.0.0``; empty where there is none."""
    if quoted := _QUOTED_STATUS.search(text):
        return quoted[1]
    found = _STATUS.findall(text)
    return next((code for code in found if not is_vague(code)), found[0] if found else "")


def reply(text: str, like: str = "") -> str:
    """The first SMTP reply code in ``text``, of the class of the status ``like`` where one is known."""
    for pattern in (_REPLY_WITH_STATUS, _QUOTED_REPLY, _REPLY):
        for code in pattern.findall(text):
            if not like or like[0] == code[0]:
                return str(code)
    return ""


def is_vague(code: str) -> bool:
    """Whether a status tells no more than its class, or is empty."""
    return not code or _CLASS_ONLY.fullmatch(code) is not None
