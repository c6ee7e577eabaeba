"""A first look at the bytes of a mail, before it is read: may it be one that cannot wait?

It only decides who is read first when many wait; the severity comes from reading. So it is cheap, looks at single words
of the subject and of the beginning of the text, and says yes too often rather than too seldom. Words have weights, as
``training/learn.py`` learns them; in a short mail some of them decide alone.
"""

from __future__ import annotations

import json
import re
import string
from binascii import a2b_base64, a2b_qp
from collections.abc import Mapping
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import NamedTuple

from gateway.triage.concepts import MEANING
from gateway.triage.lexicon import CJK, single_words

HEADERS = 32 * 1024
"""Bytes in which the header fields end; else they are looked at as text."""
LOOKED_AT = 4 * 1024
"""Bytes of text."""
FEW = 9
"""Different words that are too few to weigh: the subject and half a sentence."""
SHORT = 30
"""Different words up to which some are enough by themselves: who is in trouble says it and no more."""

_BLANK_LINE = re.compile(rb"\n\r?\n")
_SUBJECT = re.compile(rb"\nsubject:[^\n]*(?:\n[ \t][^\n]*)*", re.IGNORECASE)
_BASE64 = re.compile(rb"\n\r?\n((?:[A-Za-z0-9+/]{60,76}\r?\n)+)")
_WORDS = bytes.maketrans(
    b'-/()[]{}<>*=+&_\\.,:;!?"|#' + string.ascii_uppercase.encode(), b" " * 25 + string.ascii_lowercase.encode()
)
"""What stands between words becomes a space, and letters small; those beyond ASCII later, for that takes longer."""

_INCIDENT = ("leak", "privilege", "foreign", *(name for name in MEANING if name.startswith("security_")))
_BROKEN = ("fail", "cannot", "stop", "nobody")
_TOTAL = ("everyone", "nobody", "all", "stop")
_ALARM = frozenset(
    (
        "ausfall", "ausgefallen", "compromised", "critical", "emergency", "inaccessible", "kritisch", "notfall",
        "outage", "panne", "ransom", "s0", "sev0", "unavailable", "unreachable",
    )
)  # fmt: skip
"""Words that are enough by themselves, though no incident to the triage."""
_TOGETHER = ({"severity", "0"}, {"sev", "0"}, {"is", "down"}, {"are", "down"})


class Weights(NamedTuple):
    """A mail goes ahead where those of its words are more than ``enough`` together."""

    enough: int
    words: Mapping[str, int]
    """Of scripts without spaces, the pairs of characters."""


@cache
def _shipped() -> Weights:
    table = json.loads((resources.files("gateway.triage") / "glance.json").read_text(encoding="utf-8"))
    return Weights(table["enough"], table["words"])


@cache
def _telling() -> tuple[frozenset[str], ...]:
    return single_words(_INCIDENT, _BROKEN, _TOTAL)


def warm_up() -> None:
    """Load the words now: the first mail would wait for it."""
    _shipped()
    _telling()


def may_be_urgent(raw: bytes) -> bool:
    """Whether a mail goes ahead of those that wait."""
    found = words_of(raw)
    if len(found) < SHORT and _alarming(found):
        return True
    enough, weights = _shipped()
    return len(found) >= FEW and sum(filter(None, map(weights.get, found))) > enough


def words_of(raw: bytes) -> set[str]:
    """What has a weight, if any of it is known."""
    text = _decoded(_beginning(raw).translate(_WORDS))
    found = set(text.split())
    if text.isascii() or not CJK.search(text):
        return found
    return found.union(*(map("".join, pairwise(word)) for word in found if CJK.search(word)))


def _alarming(found: set[str]) -> bool:
    """They speak of an incident, or of a failure and of everybody."""
    incident, broken, total = _telling()
    if not incident.isdisjoint(found) or not _ALARM.isdisjoint(found) or any(pair <= found for pair in _TOGETHER):
        return True
    return not broken.isdisjoint(found) and not total.isdisjoint(found)


def _beginning(raw: bytes) -> bytes:
    """Subject and text, without the commonest transfer encodings."""
    blank = _BLANK_LINE.search(raw, 0, HEADERS)
    end = blank.start() if blank else 0
    subject = _SUBJECT.search(b"\n" + raw[:end])
    # Without a subject, what looks like header fields may be the text.
    text = raw[end if subject else 0 : end + LOOKED_AT]
    encoded = _BASE64.search(text)
    if encoded:
        letters = encoded[1].translate(None, b"\r\n")
        text = a2b_base64(letters[: len(letters) // 4 * 4])
    elif b"=\n" in text or b"=\r\n" in text:
        text = a2b_qp(text)
    return (subject[0] if subject else b"") + b"\n" + text


def _decoded(text: bytes) -> str:
    """UTF-8, cut anywhere, or else the letters of western Europe."""
    if text.isascii():
        return text.decode()
    try:
        decoded = text.decode()
    except UnicodeDecodeError as problem:
        decoded = text[: problem.start].decode() if problem.start > len(text) - 4 else text.decode("latin-1")
    return decoded.lower().replace("’", "'")
