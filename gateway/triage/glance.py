"""A first look at the bytes of a mail, before it is read: may it be one that cannot wait?

It only decides who is read first when many wait; the severity comes from reading. So it is cheap, looks at the
beginning, and says yes too often rather than too seldom.
"""

from __future__ import annotations

import re

LOOKED_AT = 8 * 1024
"""Bytes; headers of a long way and the first lines of a text fit."""

_URGENT = re.compile(
    rb"""
    \bs(?:ev(?:erity)?)?[ :=-]*0\b | \bcritical | \bblocker | \burgent | \bemergency
    | \boutage | \b(?:is|are|all|completely|everything)\ down\b | \bunreachable | \binaccessible | \bunavailable
    | \b(?:nobody|no\ one|none\ of\ (?:us|our)|everyone|everybody|all\ (?:of\ )?(?:our\ |the\ )?users|whole\ company)\b
    | \bbreach | \bhacked | \bcompromised | \bleak | \bmalware | \bransom | \bvulnerab | \bexploit | \bxss\b | \bcsrf\b
    | \bddos\b | \bother\ (?:customer|tenant|compan)
    | \bausfall | \bausgefallen | \bniemand | \balle\ (?:benutzer|nutzer|kunden|mitarbeiter)\b | \bkritisch | \bnotfall
    | \bnicht\ (?:erreichbar|verf)
    | \bpersonne\ ne | \bpanne\b | \bnadie\b | \bca[i\xc3] | \bnessuno\b | \bniemand\b | \bningu
    """,
    re.VERBOSE | re.IGNORECASE,
)


def may_be_urgent(raw: bytes) -> bool:
    """Whether a mail goes ahead of those that wait."""
    return _URGENT.search(raw, 0, LOOKED_AT) is not None
