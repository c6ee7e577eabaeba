"""How much of a mail is read. What lies beyond is left out and noted as a defect; the raw mail keeps it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    header_bytes: int = 100 * 1024
    """Of one header block, as Postfix has it."""
    nesting: int = 100
    parts: int = 1000
    addresses: int = 500
    """In one header."""
    body_bytes: int = 1024 * 1024
    """Of the text, and of the HTML, that are decoded and looked at. The whole is in the raw mail."""
    name_chars: int = 255
    """Of an attachment's name."""


DEFAULT = Limits()
