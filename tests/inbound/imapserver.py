"""A small IMAP server that can be told to misbehave, on the loopback, one thread a connection."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_COMMAND = re.compile(rb"(\S+) (UID )?(\S+) ?(.*)", re.DOTALL)
Script = Callable[["Session", str, str, str], bool]
"""Takes session, tag, command and arguments; True where it has answered, or has hung up."""


def never(*_: object) -> bool:
    return False


@dataclass
class Server:
    mails: dict[int, bytes] = field(default_factory=dict)
    uid_validity: str = "7"
    capabilities: str = "IMAP4rev1 UIDPLUS MOVE AUTH=PLAIN"
    greeting: bytes = b"* OK ready\r\n"
    script: Script = never
    tls: ssl.SSLContext | None = None
    said: list[str] = field(default_factory=list)
    """Every command, as ``NAME arguments``; of AUTHENTICATE also what follows."""
    seen: set[int] = field(default_factory=set)
    port: int = 0

    def settings(self, **more: object) -> Mapping[str, object]:
        return {
            "server": f"imap://127.0.0.1:{self.port}", "username": "kim", "password": "secret", "tls": "none",
            "timeout_seconds": 20, **more,
        }  # fmt: skip


class Session:
    """One connection."""

    def __init__(self, server: Server, connection: socket.socket) -> None:
        self.server = server
        self.connection = connection
        self.file = connection.makefile("rb")
        self._idling = ""

    def send(self, *pieces: bytes) -> None:
        self.connection.sendall(b"".join(pieces))

    def hang_up(self) -> bool:
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        return True

    def run(self) -> None:
        self.send(self.server.greeting)
        while line := self.file.readline():
            self.take(line)

    def take(self, line: bytes) -> None:
        """One command."""
        if line.rstrip() == b"DONE":
            self.ok(self._idling)
        parts = _COMMAND.fullmatch(line.rstrip(b"\r\n"))
        if parts is None:
            return
        tag, _, name, arguments = (piece.decode() if piece else "" for piece in parts.groups())
        self.server.said.append(f"{name} {arguments}".strip())
        if not self.server.script(self, tag, name, arguments):
            self._answer(tag, name, arguments)

    def ok(self, tag: str, text: str = "done") -> bool:
        self.send(f"{tag} OK {text}\r\n".encode())
        return True

    def no(self, tag: str, text: str = "no") -> bool:
        self.send(f"{tag} NO {text}\r\n".encode())
        return True

    def fetched(self, uid: int, item: str, value: bytes) -> None:
        number = sorted(self.server.mails).index(uid) + 1 if uid in self.server.mails else 99
        self.send(b"* %d FETCH (UID %d %s {%d}\r\n" % (number, uid, item.encode(), len(value)), value, b")\r\n")

    def _answer(self, tag: str, name: str, arguments: str) -> None:
        server = self.server
        if name == "CAPABILITY":
            self.send(f"* CAPABILITY {server.capabilities}\r\n".encode())
        elif name == "AUTHENTICATE":
            self.send(b"+ \r\n")
            server.said.append("AUTHENTICATE " + self.file.readline().decode().strip())
        elif name == "STARTTLS" and server.tls is not None:
            self.ok(tag)
            self.connection = server.tls.wrap_socket(self.connection, server_side=True)
            self.file = self.connection.makefile("rb")
            return
        elif name == "IDLE":
            self._idling = tag
            self.send(b"+ idling\r\n")
            return
        elif name == "SELECT":
            following = max(server.mails, default=0) + 1
            self.send(f"* {len(server.mails)} EXISTS\r\n* OK [UIDVALIDITY {server.uid_validity}] x\r\n".encode())
            self.send(f"* OK [UIDNEXT {following}] x\r\n".encode())
        elif name == "SEARCH":
            found = [uid for uid in server.mails if _within(uid, arguments, server)]
            self.send(f"* SEARCH {' '.join(map(str, sorted(found)))}\r\n".encode())
        elif name == "FETCH":
            numbers, _, items = arguments.partition(" ")
            for uid in _numbers(numbers):
                if uid in server.mails:
                    self._fetch(uid, items)
        elif name == "STORE" and "Seen" in arguments:
            server.seen.update(_numbers(arguments.split()[0]))
        self.ok(tag)

    def _fetch(self, uid: int, items: str) -> None:
        mail = self.server.mails[uid]
        if "SIZE" in items:
            number = sorted(self.server.mails).index(uid) + 1
            self.send(f"* {number} FETCH (UID {uid} RFC822.SIZE {len(mail)})\r\n".encode())
        elif "HEADER" in items:
            self.fetched(uid, "BODY[HEADER]", mail.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
        elif part := re.search(r"<0\.(\d+)>", items):
            self.fetched(uid, "BODY[]<0>", mail[: int(part[1])])
        else:
            self.fetched(uid, "BODY[]", mail)


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _within(uid: int, criteria: str, server: Server) -> bool:
    if "UNSEEN" in criteria.split() and uid in server.seen:
        return False
    numbers = re.search(r"UID ([\d,]+)(?::(\d+|\*))?", criteria)
    assert numbers is not None, criteria
    if numbers[2] is None:
        return uid in _numbers(numbers[1])
    last = max(server.mails) if numbers[2] == "*" else int(numbers[2])
    first = int(numbers[1])
    return min(first, last) <= uid <= max(first, last)


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """Let it run for the length of a block."""
    listener = socket.create_server(("127.0.0.1", 0))
    server.port = listener.getsockname()[1]
    open_: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            open_.append(connection)
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    def talk(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            Session(server, connection).run()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in open_:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
