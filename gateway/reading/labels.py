"""Headers that a client writes out above a quoted mail: From, Sent, To, Subject, in the languages known."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gateway.model import Address
from gateway.reading import phrases
from gateway.reading.lines import LONGEST, bare, folded, next_filled, variants

_BLOCK = 40
"""Lines of the longest block of headers; lists of recipients are wrapped."""
_LONGEST_LABEL = 48
_EMPHASIS = " \t\xa0*_|•\u200b\u200e\u200f\ufeff"  # of a rich text turned plain
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}")
_TIME = re.compile(r"\d\s?[:h時时点]\s?\d\d|(?<![\d.])\d{1,2}\.\d\d(?![\d.])|\d\s?(?:[aApP]\.?[mM]\b|[hH]\b|Uhr)")
"""As every client writes it behind the date."""
_NOISE = re.compile(r"mailto:|[<>\[\]()]")


def _by_label() -> dict[str, str]:
    table: dict[str, str] = {}
    for labels in phrases.LABELS.values():
        for name, row in labels._asdict().items():
            for label in variants(row):
                table.setdefault(label, name)
    return table


_FIELDS = _by_label() | dict.fromkeys(variants(phrases.OTHER_LABELS), "")


def of(line: str) -> tuple[str, str] | None:
    """The field that a line names, and its value: ``("sender", "Bob <bob@example.com>")``.

    The names are those of ``phrases.Labels``; empty for a header that is known but not read.
    """
    colon = line.find(":", 0, _LONGEST_LABEL)
    if not line.isascii():
        wide = line.find("：", 0, _LONGEST_LABEL)
        colon = wide if colon < 0 or 0 <= wide < colon else colon
    if colon < 1:
        return None
    name = _FIELDS.get(folded(line[:colon].strip(_EMPHASIS)))
    return None if name is None else (name, line[colon + 1 : 2000].strip(_EMPHASIS))


def read(lines: Sequence[str], position: int) -> tuple[dict[str, str], int]:
    """Reads a block of headers from ``position`` on: raw values by field, and the index behind the last line."""
    fields: dict[str, str] = {}
    index, end, last = position, position, ""
    while index < min(len(lines), position + _BLOCK):
        line = bare(lines[index][:2000])
        found = of(line) if line else None
        if found and (not found[0] or found[0] == "cc" or found[0] not in fields):
            last = found[0] or last
            if found[0]:
                fields[last] = f"{fields[last]}, {found[1]}" if last in fields else found[1]
        elif not line:
            ahead = _continues_below_blank(lines, index, fields)
            if ahead is None:
                break
            index = ahead
            continue
        elif last and not found and _is_wrapped(lines, index, last, fields[last]):
            fields[last] = f"{fields[last]} {line}".strip()
        else:
            break
        index += 1
        end = index
    return fields, end


def _continues_below_blank(lines: Sequence[str], index: int, fields: Mapping[str, str]) -> int | None:
    """Some clients put blank lines between headers: the next header, if one of another field follows."""
    ahead = next_filled(lines, index, 4) if fields else None
    found = of(bare(lines[ahead][:LONGEST])) if ahead is not None else None
    return ahead if found and found[0] and found[0] not in fields else None


def _is_wrapped(lines: Sequence[str], index: int, name: str, value: str) -> bool:
    """Whether a line goes on with the header above it: long ones are wrapped, or stand below their label."""
    line = bare(lines[index][: LONGEST + 1])
    if len(line) > LONGEST:
        return False
    if name in ("sender", "to", "cc", "reply_to"):
        newest = re.split("[,;]", value[-200:])[-1]
        return ("@" in line and "@" not in newest) or value.endswith((",", ";", "<")) or (not value and len(line) < 100)
    following = bare(lines[index + 1][:LONGEST]) if index + 1 < len(lines) else ""
    if following and of(following):
        return True
    return (not value or (name == "subject" and len(value) > 45)) and not following and len(line) < 100


def read_without_colons(lines: Sequence[str], position: int) -> tuple[dict[str, str], int]:
    """As ``read``, for clients that write none (eM Client): only believed below a separator."""
    written: list[str] = []
    for line in lines[position : position + _BLOCK]:
        label, _, value = bare(line[:2000]).partition(" ")
        if folded(label) not in _FIELDS:
            break
        written.append(f"{label}: {value}")
    return read(written, 0)[0], position + len(written)


def convincing(fields: Mapping[str, str]) -> bool:
    """Whether fields are a mail's without anything else that says so: sender, recipient, date; a time or an address.

    What people write or paste themselves, "From: Olbia, To: Genoa, Date: 22 June, Subject: van", has no time.
    """
    if not fields.get("date") or fields.get("to", "-") == "-" or not any(map(str.isalnum, fields.get("sender", ""))):
        return False
    timed = "subject" in fields and _TIME.search(fields["date"]) is not None
    return timed or any("@" in value for value in fields.values())


def people(value: str) -> tuple[Address, ...]:
    """Reads addresses as clients print them: ``Name <a@b>``, ``Name [mailto:a@b]``, ``a@b<mailto:a@b>``, bare names."""
    value = value[:4000]
    found: list[Address] = []
    position = 0
    for match in _ADDRESS.finditer(value) if "@" in value else ():
        name = clean_name(value[position : match.start()])
        position = match.end()
        if not (found and not name and found[-1].address == match[0]):
            found.append(Address("" if name == match[0] else name, match[0]))
    if found:
        return tuple(found)
    names = (clean_name(part) for part in value.split(";"))
    return tuple(Address(name, "") for name in names if name)


def clean_name(text: str) -> str:
    """A display name without the brackets, quotes and commas around it."""
    name = _NOISE.sub(" ", text).strip(" \t\xa0,;:.\"'*‘’“”，、")
    return " ".join(name.split())
