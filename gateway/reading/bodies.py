"""Which parts are the text of a mail, and which are attached to it (after RFC 8621, section 4.1.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.model import record
from gateway.reading import enriched
from gateway.reading.mime import Part

PLAIN, HTML = "text/plain", "text/html"
_LIKE_PLAIN = (enriched.TYPE, "text/markdown")
"""Read as text where one is the mail itself; beside a text or further down it is attached."""


@record
class Bodies:
    """Text and HTML parts to be shown one after the other, and all other leaves."""

    texts: tuple[Part, ...]
    htmls: tuple[Part, ...]
    attached: tuple[Part, ...]
    alternatives: bool = False
    """Text and HTML are two forms of one thing (RFC 2046 §5.1.4)."""


@dataclass(slots=True)
class _Container:
    subtype: str
    choice: int = -1
    """The innermost multipart/alternative around it, or itself."""
    seen: int = 0


def sort(parts: Sequence[Part]) -> Bodies:
    """Sort the leaves of a mail. Of alternatives of one type, all are shown: nothing is lost."""
    texts: list[Part] = []
    htmls: list[Part] = []
    attached: list[Part] = []
    choices: tuple[set[int], set[int]] = (set(), set())
    containers = {-1: _Container("mixed")}
    for index, part in enumerate(parts):
        outer = containers[part.parent]
        first = outer.seen == 0
        outer.seen += 1
        if part.is_container:
            subtype = part.content_type.removeprefix("multipart/")
            containers[index] = _Container(subtype, index if subtype == "alternative" else outer.choice)
        elif _is_body(part, outer, first):
            is_html = part.content_type == HTML
            (htmls if is_html else texts).append(part)
            choices[is_html].add(outer.choice)
        else:
            attached.append(part)
    alternatives = len(choices[0]) == 1 and choices[0] == choices[1] != {-1}
    return Bodies(tuple(texts), tuple(htmls), tuple(attached), alternatives)


def _is_body(part: Part, outer: _Container, first: bool) -> bool:
    if part.disposition == "attachment":
        return False
    if part.content_type not in (PLAIN, HTML):
        return part.parent < 0 and part.content_type in _LIKE_PLAIN and not part.filename
    return first or (outer.subtype != "related" and not part.filename)
