"""One connection to an IMAP server (RFC 9051) with one folder selected.

Whatever the server says is bounded: the octets of an answer, and the seconds between them. Messages are named by UID
throughout, and fetched without being marked as read.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from typing import Any

from imapclient.datetime_util import format_criteria_date
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

from gateway.errors import Temporary
from gateway.inbound.imap_login import Broken, Refused, connect, log_in, secure
from gateway.oauth import Tokens
from gateway.portions import portions
from gateway.reading.charset import storable
from gateway.settings import Imap

SEEN = b"\\Seen"
DELETED = b"\\Deleted"
_ANSWER_BYTES = 64 * 1024 * 1024
"""Of one answer, beside the mails that were asked for: the numbers of five million mails."""
_SLICE_SECONDS = 0.25
"""At most so long after it is told to, a wait ends."""
_MOST = 200
"""Mails that are asked about in one command."""


class Connection:
    """Every method blocks for ``timeout_seconds`` at most between two signs of life, and raises Refused or Broken."""

    uid_validity = 0
    """The server's name for its numbering of the folder's mails."""
    uid_next = 0
    """The number of the next mail to come."""

    def __init__(self, settings: Imap, tokens: Tokens | None = None) -> None:
        """Not open yet. ``tokens`` for a login without password."""
        self._settings = settings
        self._tokens = tokens
        self._allowed = 0
        self._client: Any = None

    def open(self) -> None:
        """Connect, log in and select the folder."""
        with self._talking():
            self._client = connect(self._settings)
            # The library sends a command in pieces, each of which would wait for the answer to the one before it.
            self._client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._bound()
            secure(self._client, self._settings)
            log_in(self._client, self._settings, self._tokens)
            selected = self._client.select_folder(self._settings.folder)
            self.uid_validity = _number(selected.get(b"UIDVALIDITY", 0))
            if not self.uid_validity:
                raise Refused("", "the server tells no UIDVALIDITY: the numbers of its mails do not last")
            self.uid_next = _number(selected.get(b"UIDNEXT", 0)) or self._after_the_last()

    def close(self) -> None:
        """From any thread; what another one waits for here ends with Broken."""
        client = self._client
        if client is not None:
            with suppress(Exception):
                client.socket().shutdown(socket.SHUT_RDWR)
            with suppress(Exception):
                client.shutdown()

    def leave(self) -> None:
        """Say goodbye, and close."""
        with suppress(Exception), self._talking():
            self._client.logout()
        self.close()

    def from_(self, uid: int) -> list[int]:
        """The mails with this number or a greater one that nobody deleted, in order."""
        return [one for one in self._search(f"UID {uid}:* UNDELETED") if one >= uid]

    def unseen(self, below: int) -> list[int]:
        """Of the mails below this number those that nobody has read or deleted."""
        return self._below(below, "UNSEEN")

    def since(self, day: date, below: int) -> list[int]:
        """Those that came on this day, by the server's time, or later."""
        return self._below(below, f"SINCE {format_criteria_date(day).decode()}")

    def all(self, below: int) -> list[int]:
        return self._below(below, "ALL")

    def there(self, uids: Sequence[int]) -> set[int]:
        """Which of them the folder holds."""
        found: set[int] = set()
        for some in portions(uids, _MOST):
            found.update(self._search(f"UID {','.join(map(str, some))}"))
        return found.intersection(uids)

    def sizes(self, uids: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Octets of each, in the order of ``uids``, as the server counts them; 0 where it tells nothing."""
        for some in portions(uids, _MOST):
            answer = self._ask(some, "RFC822.SIZE")
            sizes = (answer.get(uid, {}).get(b"RFC822.SIZE") for uid in some)
            yield from ((uid, size if isinstance(size, int) else 0) for uid, size in zip(some, sizes, strict=True))

    def headers(self, uids: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        """Who is not there is left out."""
        for some in portions(uids, _MOST):
            answer = self._ask(some, "BODY.PEEK[HEADER]")
            yield from ((uid, _octets(one, b"BODY[HEADER]") or b"") for uid, one in answer.items())

    def mails(self, uids: Sequence[int], octets: int) -> dict[int, bytes]:
        """Mails as they are, together of about so many ``octets``. Who is not there is left out."""
        answer = self._ask(uids, "BODY.PEEK[]", octets).items()
        return {uid: mail for uid, one in answer if (mail := _octets(one, b"BODY[]")) is not None}

    def beginning(self, uid: int, octets: int) -> bytes:
        """The first ``octets`` of a mail."""
        answer = self._ask([uid], f"BODY.PEEK[]<0.{octets}>", octets)
        return _octets(answer.get(uid, {}), b"BODY[]<0>") or b""

    def mark(self, uids: Sequence[int]) -> None:
        """Do with mails that are kept what the settings say."""
        for some in portions(uids, _MOST):
            with self._talking():
                self._mark(some)

    def _mark(self, uids: Sequence[int]) -> None:
        kind, _, folder = self._settings.afterwards.partition(":")
        if kind == "seen":
            self._client.add_flags(uids, [SEEN], silent=True)
            return
        if kind == "move":
            self._client.add_flags(uids, [SEEN], silent=True)
            if not self._client.folder_exists(folder):
                self._client.create_folder(folder)
            if self._client.has_capability("MOVE"):
                self._client.move(uids, folder)
                return
            self._client.copy(uids, folder)
        self._client.add_flags(uids, [DELETED], silent=True)
        if self._client.has_capability("UIDPLUS"):
            self._client.uid_expunge(uids)
        else:
            self._client.expunge()

    def wait(self, seconds: float, going: Callable[[], bool]) -> None:
        """Until there is news in the folder, ``seconds`` have passed, or it is not ``going`` any more."""
        with self._talking():
            if not self._client.has_capability("IDLE"):
                self._is_told(seconds, going)
                self._client.noop()
                return
            self._client.idle()
            if not self._has_read_on() and self._is_told(seconds, going) and not self._client.idle_check(timeout=0):
                raise ConnectionError("the server has closed the connection")
            self._client.idle_done()

    def _has_read_on(self) -> bool:
        """Whether news came together with the answer to IDLE: what is read already, no look at the socket tells."""
        connection = self._client.socket()
        connection.settimeout(0)
        try:
            return bool(self._client._imap.file.peek(1))
        except ssl.SSLWantReadError:
            return False
        finally:
            connection.settimeout(self._settings.timeout_seconds)

    def _is_told(self, seconds: float, going: Callable[[], bool]) -> bool:
        """Whether the server says something in that time."""
        end, ear = time.monotonic() + seconds, select.poll()
        ear.register(self._client.socket(), select.POLLIN)
        while going() and (left := end - time.monotonic()) > 0:
            if ear.poll(1000 * min(left, _SLICE_SECONDS)):
                return True
        return False

    def _after_the_last(self) -> int:
        """What a server that tells no UIDNEXT would say."""
        return max(self._search("UID *"), default=0) + 1

    def _below(self, uid: int, criteria: str) -> list[int]:
        return self._search(f"UID 1:{uid - 1} {criteria} UNDELETED") if uid > 1 else []

    def _search(self, criteria: str) -> list[int]:
        with self._talking():
            return sorted({_number(uid) for uid in self._client.search(criteria)})

    def _ask(self, uids: Sequence[int], item: str, octets: int = 0) -> Mapping[int, Mapping[bytes, Any]]:
        with self._talking(octets):
            answer: Mapping[int, Mapping[bytes, Any]] = self._client.fetch(list(uids), [item])
        return answer

    def _bound(self) -> None:
        """Let the server send as much as is allowed at the moment and no more: it names the length of what follows."""
        protocol = self._client._imap  # what reads from the socket; the library has no limit of its own

        def read(size: int) -> bytes:
            self._count(size)
            return protocol.file.read(size)  # type: ignore[no-any-return]

        def readline() -> bytes:
            line: bytes = protocol.file.readline(self._allowed + 1)
            self._count(len(line))
            return line

        protocol.read, protocol.readline = read, readline

    def _count(self, octets: int) -> None:
        self._allowed -= octets
        if self._allowed < 0:
            raise Broken("", "the server sends more than was asked for")

    @contextmanager
    def _talking(self, octets: int = 0) -> Iterator[None]:
        """For one command: how much may come, and what is wrong in our words."""
        self._allowed = _ANSWER_BYTES + 2 * octets
        try:
            yield
        except Temporary:
            raise
        except IMAPClientAbortError as problem:
            raise Broken("", _words(problem)) from problem
        except IMAPClientError as problem:
            raise Refused("", _words(problem)) from problem
        except Exception as problem:  # a hostile answer may end in anything: RecursionError, ValueError, ...
            raise Broken("", _words(problem)) from problem


def _number(value: object) -> int:
    """One of 32 bits (RFC 9051 §9, nz-number), or 0."""
    if isinstance(value, int) and 0 <= value < 1 << 32:
        return value
    raise Broken("", f"the server says {value!r:.40} where a number belongs")


def _octets(one: Mapping[bytes, object], item: bytes) -> bytes | None:
    """A text, where there is one; a list or a number may stand in its place."""
    value = one.get(item)
    return value if isinstance(value, bytes) else None


def _words(problem: BaseException) -> str:
    """The server's own words, such as ``AUTHENTICATIONFAILED``, or what kind of failure it was."""
    first = problem.args[0] if problem.args else ""
    text = first.decode("utf-8", "replace") if isinstance(first, bytes) else str(problem)
    return storable(" ".join(text.split())) or type(problem).__name__
