"""Text of old clients with marks in angle brackets: text/enriched (RFC 1896)."""

from __future__ import annotations

import re

TYPE = "text/enriched"
_MARK = re.compile(r"<<|<param>[^<>]{0,200}</param>|</?[a-z][a-z0-9-]{0,60}>", re.IGNORECASE)
_BREAKS = re.compile(r"\n(\n*)")


def to_text(text: str) -> str:
    """Without its marks. A single line break is a blank, and of several there is one less (RFC 1896 §1)."""
    bare = _MARK.sub(lambda mark: "<" if mark[0] == "<<" else "", text)
    return _BREAKS.sub(lambda found: found[1] or " ", bare)
