"""A first look at the bytes of a mail, before it is read: may it be one that cannot wait?

It only decides who is read first when many wait; the severity comes from reading. So it is cheap, looks at the
beginning, and says yes too often rather than too seldom.
"""

from __future__ import annotations

import re

LOOKED_AT = 4 * 1024
"""Bytes; headers of a usual way and the first lines of a text fit."""

_URGENT = re.compile(
    # One word boundary in front of all of them, and no case: this looks at every mail.
    rb"""\b(?:
        s(?:ev(?:erity)?)?[ :=-]*0\b | critical | emergency
      | outage | (?:is|are|all|completely|everything)\ down\b | unreachable | inaccessible | unavailable
      | (?:nobody|no\ one|none\ of\ (?:us|our)|everyone|everybody|all\ (?:of\ )?(?:our\ |the\ )?users|whole\ company)\b
      | breach | hacked | compromised | leak | malware | ransom | vulnerab | exploit | xss\b | csrf\b | ddos\b
      | other\ (?:customer|tenant|compan)
      | ausfall | ausgefallen | niemand | alle\ (?:benutzer|nutzer|kunden|mitarbeiter)\b | kritisch | notfall
      | nicht\ (?:erreichbar|verf)
      | personne\ ne | panne\b | nadie\b | nessuno\b | ningu
    )""",
    re.VERBOSE,
)


def may_be_urgent(raw: bytes) -> bool:
    """Whether a mail goes ahead of those that wait."""
    return _URGENT.search(raw[:LOOKED_AT].lower()) is not None
