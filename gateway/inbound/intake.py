"""What the listener needs of whoever keeps the mail."""

from __future__ import annotations

from typing import Protocol

from gateway.model import Envelope


class Intake(Protocol):
    """Where accepted mail goes. The listener asks nothing else of the rest of the gateway."""

    async def accept(self, envelope: Envelope, raw: bytes) -> int:
        """Keep a mail and return its id, only once both are durably committed (RFC 5321 §6.1).

        Raises gateway.errors.Temporary or Permanent; whatever else it raises counts as temporary.
        """
        ...

    def knows(self, address: str) -> bool:
        """Whether we take mail for this address; ``postmaster`` without a domain is one (RFC 5321 §4.5.1)."""
        ...

    def authenticate(self, username: str, password: str) -> str:
        """The address of the agent who logs in, or an empty text; takes equally long for either."""
        ...

    def trouble(self) -> str:
        """Why no mail can be taken at present, for the operator's log; empty when all is well."""
        ...
