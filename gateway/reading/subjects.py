"""What a subject is about: without the marks of answering and forwarding, in any language."""

from __future__ import annotations

import re

from gateway.reading.lines import folded
from gateway.reading.phrases import FORWARD_PREFIXES, REPLY_PREFIXES

_PREFIX = re.compile(
    r"""
    \s*+ ([^\W\d_]{1,12}) \.?+ \s*+                     # the word
    (?: \[ \d{1,3} \] | \( \d{1,3} \) | \^ \d{1,3} )?+  # how often, as some programs count
    \s*+ [:：]
    """,
    re.VERBOSE,
)
_TRAILER = re.compile(r" ?\((?:fwd|fw)\)\Z", re.IGNORECASE)
_KNOWN = REPLY_PREFIXES | FORWARD_PREFIXES


def base(subject: str) -> str:
    """The subject without ``Re:``, ``AW:``, ``Fwd:`` and their like, however many stand there."""
    at = 0
    while (found := _PREFIX.match(subject, at)) and folded(found[1]) in _KNOWN:
        at = found.end()
    rest = subject[at:].strip()
    return _TRAILER.sub("", rest) if rest.endswith(")") else rest
