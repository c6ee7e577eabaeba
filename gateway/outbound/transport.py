"""What carries a mail away, and how several of them stand in for each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from gateway import log
from gateway.errors import GatewayError, Temporary, Unfit
from gateway.oauth import Tokens
from gateway.outbound.conversation import PUTTING_AWAY, always
from gateway.outbound.maildir import Maildir
from gateway.outbound.relay import Relay
from gateway.settings import Outbound


class Transport(Protocol):
    name: str
    """The relay as the settings write it."""

    async def send(
        self, mail_from: str, recipient: str, data: bytes, message_id: str, ours: Callable[[], bool] = always
    ) -> str:
        """Hand one mail for one recipient over and say to whom; ``mail_from`` is empty for the null return path.

        ``ours`` is asked once more before the mail itself goes: whether no other node can have taken it meanwhile.
        Raises Temporary where it may work later, Unfit where the other side cannot carry it like this, and Permanent
        where it never will, with the other side's words in the private text.
        """

    async def close(self) -> None: ...


class FailOver:
    """Several transports. The one that worked last is asked first, so that a dead one costs its timeout only once.

    What one cannot carry, the next may; what one refuses, no other is asked for.
    """

    def __init__(self, transports: Sequence[Transport]) -> None:
        self._transports = list(transports)
        self.name = ", ".join(t.name for t in transports)

    async def send(
        self, mail_from: str, recipient: str, data: bytes, message_id: str, ours: Callable[[], bool] = always
    ) -> str:
        failures: list[Temporary | Unfit] = []
        for transport in tuple(self._transports):
            try:
                relay = await transport.send(mail_from, recipient, data, message_id, ours)
            except Temporary as failure:
                log.relay_down(transport.name, failure)
                failures.append(failure)
            except Unfit as failure:
                failures.append(failure)
            else:
                if any(isinstance(failure, Temporary) for failure in failures):
                    self._prefer(transport)
                return relay
        raise _together(failures)

    async def close(self) -> None:
        for transport in self._transports:
            await transport.close()

    def _prefer(self, transport: Transport) -> None:
        if self._transports[0] is not transport:
            self._transports.remove(transport)
            self._transports.insert(0, transport)


def _together(failures: Sequence[Temporary | Unfit]) -> GatewayError:
    """Temporary where one of them is: that relay may carry it yet."""
    reasons = "; ".join(failure.private for failure in failures)
    if all(isinstance(failure, Unfit) for failure in failures):
        return Unfit(failures[-1].public, reasons, failures[-1].code)
    return Temporary("No relay took the mail.", reasons, "4.4.1")


def open_transport(
    settings: Outbound, hostname: str, tokens: Tokens | None = None, patience: float = PUTTING_AWAY
) -> Transport:
    """The transport that the settings name; connections are made when the first mail goes."""
    transports = [
        Maildir(Path(url.removeprefix("maildir:")))
        if url.startswith("maildir:")
        else Relay(url, settings, hostname, tokens, patience=patience)
        for url in settings.relays
    ]
    return transports[0] if len(transports) == 1 else FailOver(transports)
