"""Commands in an agent's mail: lines such as ``#solved`` or ``#sev S1`` above the text.

What stands there and is not understood, what only looks like one, and a command below the text stop the whole mail: a
mistyped ``#note`` must never reach a customer, and no customer is to read commands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice, takewhile

from gateway.model import Said, Severity, Status

KNOWN = "#note, #solved, #open, #pending, #sev S0 to S3, #assign me, #assign ADDRESS"

_COMMAND = re.compile(
    r"""
    \#\s*(?P<name>[^\W\d_]\w*)    # a word behind the sign: "#123" is text
    (?:[\s:=]+(?P<argument>.*))?
    """,
    re.VERBOSE,
)
_NAMES = ("note", "solved", "open", "pending", "sev", "severity", "assign")
_WORD = re.compile(rf"#(?:[^\W\d_]|\s+(?:{'|'.join(_NAMES)})\b)", re.IGNORECASE)
"""Telephones put a space behind the sign; before any other word that is a heading of Markdown."""
_DECORATION = re.compile(
    r"""
    [\s>|"'“”„‘’‚«»()\[\]{}<*+•·‣◦▪–—-]*     # quotation marks, brackets, bullets, dashes
    (?:\d{1,2}[.)])?                          # the number in a list
    [\s"'“”„‘’‚«»()\[\]{}<]*
    """,
    re.VERBOSE,
)
_LOOSE = re.compile(r"#[#\s_-]*(?P<word>[^\W\d_]{2,})")
_NOTE = re.compile(r"#\s*note\b", re.IGNORECASE)
_NOTE_BEHIND = re.compile(r"\s#\s*note\W*$", re.IGNORECASE)
_PIECES = re.compile(r"\s+(?=\#)")
_SIGNS = frozenset("#\uff03\ufe5f")
"""What NFKC makes a number sign of."""
_MOST, _LONGEST = 100, 200
"""Lines above the text, and characters of a line, that are looked at."""
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
    top = list(takewhile(_is_top, lines[:_MOST]))
    commands, problems = Commands(), list[str]()
    for plain in filter(None, map(_plain, top)):
        if not _WORD.match(plain):
            problems.append(Said("{!r} is no command", plain[:60]))
            continue
        for piece in _PIECES.split(plain):
            try:
                commands = _obey(commands, piece)
            except _Problem as problem:
                problems.append(problem.args[0])
    below = lines[len(top) :]
    if not commands.note:
        problems += misplaced(below)
    return Parsed(commands, "\n".join(below).strip("\n"), tuple(problems))


def misplaced(lines: Iterable[str]) -> tuple[str, ...]:
    """A sentence for the first line that would be a command above the text; none where there is none."""
    return tuple(islice(filter(None, map(_misplaced, lines)), 1))


def _is_top(line: str) -> bool:
    plain = _plain(line)
    return not plain or bool(_WORD.match(plain)) or _is_mistyped(plain)


def _is_mistyped(plain: str) -> bool:
    """Whether a line above the text is nearly a command: ``- #note``, ``##note``, ``# notes``."""
    found = _LOOSE.match(_bare(plain[:_LONGEST]))
    return found is not None and any(_is_nearly(found["word"].lower(), name) for name in _NAMES)


def _is_nearly(word: str, name: str) -> bool:
    """Whether at most one letter is wrong, missing or too many, or two have changed places."""
    if word == name or len(name) < 4:  # "see" is no mistyped "sev"
        return word == name
    at = next((i for i, (a, b) in enumerate(zip(word, name, strict=False)) if a != b), min(len(word), len(name)))
    rest, wanted = word[at:], name[at:]
    swapped = rest[1::-1] + rest[2:]
    return rest[1:] in (wanted, wanted[1:]) or wanted[1:] == rest or swapped == wanted


def _misplaced(line: str) -> Said | None:
    """What is wrong with the line, if it is a command. Hashtags and headings are text."""
    if _SIGNS.isdisjoint(line):
        return None
    plain = _plain(line[:_LONGEST])
    bare = _bare(plain)
    if not (_NOTE.match(bare) or _NOTE_BEHIND.search(plain) or _is_command(bare)):
        return None
    if plain.startswith((">", "|")):
        return Said("{!r} is quoted from a mail to staff; write above the quotation, or leave it out", plain[:60])
    return Said("{!r} stands below other text; commands stand above it", plain[:60])


def _is_command(bare: str) -> bool:
    if not bare[1:2].isalpha():
        return False
    try:
        for piece in _PIECES.split(bare):
            _obey(Commands(), piece)
    except _Problem:
        return False
    return True


def _plain(line: str) -> str:
    """The line without what HTML, input methods and converters put around: full-width forms, no-break and
    zero-width spaces, asterisks of bold text."""
    folded = unicodedata.normalize("NFKC", line)
    return "".join(c for c in folded if unicodedata.category(c) != "Cf").strip().strip("*_`\\").strip()


def _bare(plain: str) -> str:
    return _DECORATION.sub("", plain, count=1)


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
