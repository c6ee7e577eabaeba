"""Which parts are the body of a mail, and which are attached to it (after RFC 8621, section 4.1.4)."""

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
class Body:
    """One thing that the sender says, in each of the forms that the mail has of it (RFC 2046 §5.1.4)."""

    texts: tuple[Part, ...] = ()
    htmls: tuple[Part, ...] = ()


@record
class Bodies:
    """What is to be shown one after the other, and all other leaves."""

    shown: tuple[Body, ...]
    attached: tuple[Part, ...]

    @property
    def texts(self) -> list[Part]:
        return [part for body in self.shown for part in body.texts]

    @property
    def htmls(self) -> list[Part]:
        return [part for body in self.shown for part in body.htmls]


@dataclass(slots=True)
class _Container:
    subtype: str
    choice: int = -1
    """The outermost multipart/alternative around it, or itself."""
    seen: int = 0


def sort(parts: Sequence[Part]) -> Bodies:
    """Sort the leaves of a mail. Nothing is lost: what is no alternative of another is shown beside it (RFC 2046
    §5.1.3), and so are alternatives of one type."""
    shown: dict[tuple[int, int], list[Part]] = {}
    attached: list[Part] = []
    containers = {-1: _Container("mixed")}
    for index, part in enumerate(parts):
        outer = containers[part.parent]
        first = outer.seen == 0
        outer.seen += 1
        if part.is_container:
            subtype = part.content_type.removeprefix("multipart/")
            choice = index if subtype == "alternative" and outer.choice < 0 else outer.choice
            containers[index] = _Container(subtype, choice)
        elif _is_body(part, outer, first):
            alone = index if outer.choice < 0 else -1
            shown.setdefault((outer.choice, alone), []).append(part)
        else:
            attached.append(part)
    return Bodies(tuple(_body(forms) for forms in shown.values()), tuple(attached))


def _body(forms: Sequence[Part]) -> Body:
    return Body(
        tuple(part for part in forms if part.content_type != HTML),
        tuple(part for part in forms if part.content_type == HTML),
    )


def _is_body(part: Part, outer: _Container, first: bool) -> bool:
    if part.disposition == "attachment":
        return False
    if part.content_type not in (PLAIN, HTML):
        return part.parent < 0 and part.content_type in _LIKE_PLAIN and not part.filename
    return first or (outer.subtype != "related" and not part.filename)
