"""Which parts are the text of a mail, and which are attached to it (after RFC 8621, section 4.1.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.reading.mime import Part

PLAIN, HTML = "text/plain", "text/html"


@dataclass(frozen=True, slots=True)
class Bodies:
    """Text and HTML parts to be shown one after the other, and all other leaves."""

    texts: tuple[Part, ...]
    htmls: tuple[Part, ...]
    attached: tuple[Part, ...]


@dataclass(slots=True)
class _Container:
    subtype: str
    alternative: bool
    """Whether this one, or one that holds it, is multipart/alternative."""
    seen: int = 0


def sort(parts: Sequence[Part]) -> Bodies:
    """Sort the leaves of a mail. Text parts without alternative belong to both bodies."""
    texts: list[Part] = []
    htmls: list[Part] = []
    attached: list[Part] = []
    containers = {-1: _Container("mixed", False)}
    for index, part in enumerate(parts):
        outer = containers[part.parent]
        first = outer.seen == 0
        outer.seen += 1
        if part.is_container:
            subtype = part.content_type[10:]
            containers[index] = _Container(subtype, outer.alternative or subtype == "alternative")
        elif not _is_body(part, outer.subtype, first):
            attached.append(part)
        elif part.content_type == HTML:
            htmls.append(part)
        else:
            texts.append(part)
    return Bodies(tuple(texts), tuple(htmls), tuple(attached))


def _is_body(part: Part, outer: str, first: bool) -> bool:
    if part.content_type not in (PLAIN, HTML) or part.disposition == "attachment":
        return False
    return first or (outer != "related" and not part.filename)
