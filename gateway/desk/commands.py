"""Commands in an agent's mail: lines such as ``#solved`` or ``#sev S1`` above the text.

What stands there and is not understood stops the whole mail: a mistyped ``#note`` must never reach a customer.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from itertools import takewhile

from gateway.model import Said, Severity, Status

KNOWN = "#note, #solved, #open, #pending, #sev S0 to S3, #assign me, #assign ADDRESS"

_COMMAND = re.compile(
    r"""
    \#\s*(?P<name>[^\W\d_]\w*)    # a word behind the sign: "#123" is text
    (?:[\s:=]+(?P<argument>.*))?
    """,
    re.VERBOSE,
)
_WORD = re.compile(r"#(?:[^\W\d_]|\s+(?:note|solved|open|pending|sev|severity|assign)\b)", re.IGNORECASE)
"""Telephones put a space behind the sign; before any other word that is a heading of Markdown."""
_NOTE = re.compile(r"#\s*note\b", re.IGNORECASE)
_PIECES = re.compile(r"\s+(?=\#)")
_BEGINNING = 40
_SEVERITY = re.compile(r"s?([0-3])", re.IGNORECASE)
_AGENT = re.compile(
    r"""
    <?(?:mailto:)?(?P<agent>me|[^\s<>@]+@[^\s<>@]+)>?
    (?:\s*<mailto:[^\s<>]+>)?     # what clients put behind an address that they made a link
    """,
    re.VERBOSE,
)
_STATUSES = {status.value: status for status in Status}


@dataclass(frozen=True, slots=True)
class Commands:
    """What the mail commands; None and empty leave as is."""

    note: bool = False
    status: Status | None = None
    severity: Severity | None = None
    assign: str = ""
    """``me`` or an address, as written in lower case."""


@dataclass(frozen=True, slots=True)
class Parsed:
    commands: Commands
    rest: str
    """The text below the commands, as it was."""
    problems: tuple[str, ...] = ()
    """A sentence for each line that could not be understood; the commands are not to be trusted then."""


class _Problem(ValueError):
    pass


def parse(text: str) -> Parsed:
    """Read the commands off the top of an agent's new text. Never raises."""
    lines = text.splitlines()
    top = list(takewhile(_is_top, lines))
    commands, problems = Commands(), list[str]()
    for piece in (piece for line in top for piece in _PIECES.split(_plain(line)) if piece):
        try:
            commands = _obey(commands, piece)
        except _Problem as problem:
            problems.append(problem.args[0])
    below = lines[len(top) :]
    if not commands.note and any(_NOTE.match(_plain(line[:_BEGINNING])) for line in below):
        problems.append(Said("#note stands below other text; it must stand above it"))
    return Parsed(commands, "\n".join(below).strip("\n"), tuple(problems))


def _is_top(line: str) -> bool:
    plain = _plain(line)
    return not plain or bool(_WORD.match(plain))


def _plain(line: str) -> str:
    """The line without what HTML, input methods and converters put around: full-width forms, no-break and
    zero-width spaces, asterisks of bold text."""
    folded = unicodedata.normalize("NFKC", line)
    return "".join(c for c in folded if unicodedata.category(c) != "Cf").strip().strip("*_`\\").strip()


def _obey(commands: Commands, piece: str) -> Commands:
    found = _COMMAND.fullmatch(piece.rstrip(".,;! "))
    name = found["name"].lower() if found else ""
    argument = (found["argument"] or "").strip() if found else ""
    if name in ("sev", "severity"):
        return _once(commands, "severity", _severity(argument), piece)
    if name == "assign":
        return _once(commands, "assign", _agent(argument), piece)
    if name != "note" and name not in _STATUSES:
        raise _Problem(Said("{!r} is no command", piece[:60]))
    if argument:
        raise _Problem(Said("#{} stands on a line of its own; {!r} follows it", name, argument[:60]))
    if name == "note":
        return replace(commands, note=True)
    return _once(commands, "status", _STATUSES[name], piece)


def _once(commands: Commands, field: str, value: Status | Severity | str, piece: str) -> Commands:
    if getattr(commands, field) not in (None, "", value):
        raise _Problem(Said("{!r} contradicts a command above it", piece[:60]))
    return replace(commands, **{field: value})  # type: ignore[arg-type]


def _severity(argument: str) -> Severity:
    found = _SEVERITY.fullmatch(argument)
    if found is None:
        raise _Problem(Said("#sev needs S0, S1, S2 or S3 behind it, not {!r}", argument[:60]))
    return Severity(f"S{found[1]}")


def _agent(argument: str) -> str:
    found = _AGENT.fullmatch(argument.lower())
    if found is None:
        raise _Problem(Said("#assign needs 'me' or an agent's address behind it, not {!r}", argument[:60]))
    return found["agent"]
