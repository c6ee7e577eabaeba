"""A first look at the bytes of a mail, before it is read: may it be one that cannot wait?

It only decides who is read first when many wait; the severity comes from reading. So it is cheap, looks at the
subject and the beginning of the text, and says yes too often rather than too seldom.
"""

from __future__ import annotations

import re

HEADERS = 32 * 1024
"""Bytes in which the header fields end; else they are looked at as text."""
LOOKED_AT = 4 * 1024
"""Bytes of text."""

_BLANK_LINE = re.compile(rb"\n\r?\n")
_SUBJECT = re.compile(rb"\nsubject:[^\n]*(?:\n[ \t][^\n]*)*")
_URGENT = re.compile(
    # This looks at every mail: no case, begun by what can be searched for at once, and each first letter tried once.
    rb"""\W(?:
        a (?: ll\ (?:of\ )?(?:our\ |the\ )?users\b | ll\ down\b | re\ down\b
            | lle\ (?:benutzer|nutzer|kunden|mitarbeiter)\b | usfall | usgefallen )
      | breach
      | c (?: ompletely\ down\b | ompromised | ritical | srf\b )
      | ddos\b
      | e (?: mergency | very(?:one|body)\b | verything\ down\b | xploit )
      | hacked
      | i (?: naccessible | s\ down\b )
      | kritisch
      | leak
      | malware
      | n (?: adie\b | essuno\b | icht\ (?:erreichbar|verf) | iemand | ingu
            | obody\b | o\ one\b | one\ of\ (?:us|our)\b | otfall )
      | o (?: ther\ (?:compan|customer|tenant) | utage )
      | p (?: anne\b | ersonne\ ne )
      | ransom
      | s (?:ev(?:erity)?)?[ :=-]*0\b
      | un (?: available | reachable )
      | vulnerab
      | whole\ company\b
      | xss\b
    )""",
    re.VERBOSE,
)


def may_be_urgent(raw: bytes) -> bool:
    """Whether a mail goes ahead of those that wait."""
    blank = _BLANK_LINE.search(raw, 0, HEADERS)
    end = blank.start() if blank else 0
    subject = _SUBJECT.search(b"\n" + raw[:end].lower())
    if subject and _URGENT.search(subject[0]):
        return True
    # Without a subject, what looks like header fields may be the text.
    text = raw[end if subject else 0 : end + LOOKED_AT]
    return _URGENT.search(b"\n" + text.lower()) is not None
