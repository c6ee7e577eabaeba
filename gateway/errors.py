"""What can go wrong, in two kinds: what may work later, and what never will."""

from __future__ import annotations


class GatewayError(Exception):
    """A failure with a text for outsiders and one for the operator.

    ``public`` may go over the wire to a stranger, so it holds no path, address or secret; ``private`` goes to the
    log. ``code`` is the RFC 3463 enhanced status.
    """

    code = "4.3.0"

    def __init__(self, public: str, private: str = "", code: str = "") -> None:
        super().__init__(private or public)
        self.public = public
        self.private = private or public
        self.code = code or type(self).code


class Temporary(GatewayError):
    """May work later: the sender keeps the mail, the outbox tries again."""


class Unavailable(Temporary):
    """What we work with is away, such as the database: nothing is wrong with what was asked."""


class Damaged(Unavailable):
    """The database is damaged: what needs the part that is fails until somebody mends it."""


class Permanent(GatewayError):
    """Never works: trying again is of no use."""

    code = "5.0.0"


class Unfit(Permanent):
    """The other side cannot carry the mail as it is: another one may, or a plainer form of the mail may go."""


class ConfigurationError(Permanent):
    """The configuration is wrong; ``mistakes`` holds one line each: where, what, and how to mend it."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes
