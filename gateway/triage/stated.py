"""The severity that a sender states: ``Severity: S1`` on a line of its own, or ``[S1]`` in the subject."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise

from gateway.model import Severity

_LINE = re.compile(
    r"""
    \n [ \t>*]* (?= [spudge重] )  # most lines go no further
    (?: severity | sev | priority | prio | urgency | schweregrad | priorität | dringlichkeit | gravité | priorité
      | severidad | prioridad | gravità | priorità | ernst | prioriteit | severidade | prioridade | priorytet | 重大度 )
    [ \t*]* [:：=] [ \t*]* (\S.{0,60})
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""It begins with a character to be searched for at once; ``^`` is tried everywhere."""
_TAG = re.compile(r"[\[{(]([^][{}()]{1,20})[]})]")
_PIECE = re.compile(r"[\w-]+")


def stated_severity(subject: str, text: str, words: Mapping[str, Severity]) -> Severity | None:
    """What the sender stated, None where nothing. The text's own line wins over the subject's tag."""
    for found in _LINE.finditer("\n" + text) if ":" in text or "=" in text or "：" in text else ():
        if severity := _named(found[1], words):
            return severity
    for found in _TAG.finditer(subject[:500]):
        if severity := words.get(found[1].strip().lower()):
            return severity
    return None


def _named(value: str, words: Mapping[str, Severity]) -> Severity | None:
    """The severity in ``S0``, ``0 - critical``, ``Sev 1 (high)``: the first piece that names one."""
    pieces = _PIECE.findall(value.lower())
    pairs = (f"{first} {second}" for first, second in pairwise(pieces))
    return next((words[piece] for piece in (*pieces, *pairs) if piece in words), None)
