"""The fields of a delivery status notification (RFC 3464), read as they come: blank lines are often wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from gateway.reading.bounce import codes

_LINES_MAX = 5_000
_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,40})[ \t]*:[ \t]*(.*)")
_ADDRESS = re.compile(
    r"""<([^<>\s]{1,320})>|(?<![^\s<>()"';,])([^\s<>()"';,@]{1,64}@[^\s<>()"';,]{1,255})|"([^"\s]{1,320})\""""
)
_TYPED = re.compile(r"\s*[A-Za-z0-9-]+\s*;\s*")
_XTEXT = re.compile(r"\+(2B|3D)")
_ACTIONS = frozenset({"failed", "delayed", "delivered", "relayed", "expanded"})


@dataclass(frozen=True, slots=True)
class Recipient:
    """One per-recipient group. ``diagnostic`` is the text that explains it, from the report or from prose."""

    address: str
    status: str = ""
    action: str = ""
    diagnostic: str = ""
    original: str = ""
    """The address that the sender used (Original-Recipient), where the report tells."""


def recipients(text: str) -> list[Recipient]:
    """The per-recipient groups in ``text``, which may hold other lines too."""
    found: list[Recipient] = []
    seen: set[str] = set()
    for group in _groups(text):
        recipient = _recipient(group)
        if recipient.address:
            if recipient.address.lower() not in seen:
                found.append(recipient)
            seen.add(recipient.address.lower())
        elif found and not found[-1].action and recipient.action:
            # A blank line fell into the middle of a group.
            last = found[-1]
            found[-1] = replace(recipient, address=last.address, original=last.original)
    return found


def message_id(text: str) -> str:
    """The id of the returned mail where a field tells it (Original-Message-ID and the like), else empty."""
    for group in _groups(text):
        for name in ("original-message-id", "x-original-message-id"):
            if value := group.get(name):
                return value.strip().strip("<>")
    return ""


def _groups(text: str) -> Iterator[dict[str, str]]:
    """Fields, lower-case name to value, group by group. A second recipient opens a group of its own."""
    group: dict[str, str] = {}
    name = ""
    for line in text.split("\n", _LINES_MAX)[:_LINES_MAX]:
        if not line.strip():
            if group:
                yield group
            group, name = {}, ""
            continue
        if line[0] in " \t" and name:
            group[name] += " " + line.strip()
            continue
        match = _FIELD.match(line)
        if match is None:
            name = ""
            continue
        name = match[1].lower()
        if name == "final-recipient" and name in group:
            yield group
            group = {}
        group.setdefault(name, match[2].strip())
    if group:
        yield group


def _recipient(group: dict[str, str]) -> Recipient:
    final, original = (_address(group.get(f"{which}-recipient", "")) for which in ("final", "original"))
    action = group.get("action", "").split(" ", 1)[0].strip(";,.()").lower()
    return Recipient(
        address=final or original,
        status=codes.status(group.get("status", "")),
        action=action if action in _ACTIONS else "",
        diagnostic=_TYPED.sub("", group.get("diagnostic-code", ""), count=1),
        original=original,
    )


def _address(value: str) -> str:
    """The address of `rfc822; <a@b>`. Only what xtext (RFC 3461 §4) must escape in an address is unescaped."""
    value = _TYPED.sub("", value, count=1)
    match = _ADDRESS.search(value)
    if match is None:
        return ""
    plain = next(group for group in match.groups() if group)
    return _XTEXT.sub(lambda hit: chr(int(hit[1], 16)), plain).strip("'")
