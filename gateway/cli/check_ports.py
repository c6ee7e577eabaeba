"""What ``gateway check`` says of the addresses to listen on: free, or taken by the gateway itself."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping

from gateway.cli.check import Finding, Level
from gateway.db.engine import ProcessLock, sqlite_file
from gateway.settings import Settings

SECONDS = 5.0
_MOST = 1 << 20
"""Octets of an answer."""


def ports(settings: Settings) -> Iterator[Finding]:
    """Free, or taken by the gateway that runs here with this database."""
    wanted = {"smtp.listen": settings.smtp.listen}
    wanted |= {"lmtp.listen": settings.lmtp.listen} if settings.lmtp else {}
    wanted |= {"metrics.listen": settings.metrics.listen} if settings.metrics else {}
    problems = {key: bind(listen) for key, listen in wanted.items()}
    running = _is_running(settings, {key: wanted[key] for key, problem in problems.items() if problem})
    for key, listen in wanted.items():
        yield _finding(key, listen, problems[key], running)


def _finding(key: str, listen: str, problem: str | None, running: bool) -> Finding:
    if problem is None and running:
        says = f"{listen} is free; but a gateway runs with this database"
        return Finding(key, Level.NOTE, says, "restart it to take up a change")
    if problem is None:
        return Finding(key, Level.OK, f"{listen} is free")
    if running:
        return Finding(key, Level.OK, f"{listen} is in use, and a gateway runs with this database")
    remedy = "stop what listens there, or choose another port; below 1024 needs root or CAP_NET_BIND_SERVICE"
    return Finding(key, Level.FAIL, f"{listen}: {problem}", remedy)


def _is_running(settings: Settings, taken: Mapping[str, str]) -> bool:
    """An embedded database has a lock. Another one knows no machines, so here it is asked who answers."""
    file = sqlite_file(settings.database_url)
    if file is None:
        return any(_is_ours(key, listen, settings) for key, listen in taken.items())
    if not file.exists():
        return False
    lock = ProcessLock(file)
    free = lock.take()
    lock.free()
    return not free


def _is_ours(key: str, listen: str, settings: Settings) -> bool:
    """Whether there answers what looks like a gateway of this configuration."""
    proxied = settings.smtp.proxy_protocol and key == "smtp.listen"
    ask, answer = {
        "smtp.listen": ("PROXY UNKNOWN\r\n" if proxied else "", f"220 {settings.hostname} ESMTP\r\n"),
        "lmtp.listen": ("", f"220 {settings.hostname} LMTP\r\n"),
        "metrics.listen": ("GET /metrics HTTP/1.0\r\n\r\n", "# HELP gateway_mails_accepted_total "),
    }[key]
    host, _, port = listen.rpartition(":")
    said = b""
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS) as connection:
            connection.sendall(ask.encode())
            while answer.encode() not in said and len(said) < _MOST and (piece := connection.recv(4096)):
                said += piece
    except OSError:
        return False
    return answer.encode() in said


def bind(listen: str) -> str | None:
    """Why nothing can listen there; None where it can."""
    host, _, port = listen.rpartition(":")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as problem:
        return problem.strerror or str(problem)
    return None
