"""Sends mails by SMTP over many connections, as fast as they are taken (closed loop) or at a rate (open loop)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.workload import RECIPIENT, Mail


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail that got its 250. Times are those of ``time.perf_counter``."""

    message_id: str
    due: float
    """When it was to be sent: at a rate its place in the schedule, else when a connection was free for it."""
    handed_over: float
    """When its last byte was written."""
    accepted: float
    answer: str


@dataclass(slots=True)
class Load:
    """One run. ``began`` is the first connect."""

    began: float = 0.0
    taken: list[Taken] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


async def send(
    mails: Sequence[Mail],
    ports: Sequence[int],
    *,
    connections: int = 16,
    rate: float = 0.0,
    told: Callable[[Taken], None] = lambda _: None,
) -> Load:
    """Send everything once, in order, connections going round the ports.

    With a ``rate`` (mails a second) each mail has its time, whether or not the server keeps up, so that a wait for a
    free connection shows. ``told`` is called for every mail taken. Raises OSError where a connection breaks.
    """
    load = Load(time.perf_counter())
    schedule = _schedule(mails, rate, load.began)
    clients = (_client(ports[n % len(ports)], schedule, load, told) for n in range(connections))
    await asyncio.gather(*clients)
    return load


def _schedule(mails: Sequence[Mail], rate: float, start: float) -> Iterator[tuple[Mail, float]]:
    for number, mail in enumerate(mails):
        yield mail, start + number / rate if rate else 0.0


async def _client(port: int, schedule: Iterator[tuple[Mail, float]], load: Load, told: Callable[[Taken], None]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await _reply(reader)
    writer.write(b"EHLO bench.local\r\n")
    pipelining = "PIPELINING" in await _reply(reader)
    for mail, at in schedule:
        if at:
            await asyncio.sleep(max(0.0, at - time.perf_counter()))
        due = at or time.perf_counter()
        commands = (f"MAIL FROM:<{mail.sender}>\r\n", f"RCPT TO:<{RECIPIENT}>\r\n", "DATA\r\n")
        for batch in ("".join(commands),) if pipelining else commands:
            writer.write(batch.encode())
            for _ in range(batch.count("\n")):
                await _reply(reader)
        writer.write(on_the_wire(mail.raw))
        await writer.drain()
        handed_over = time.perf_counter()
        answer = await _reply(reader)
        if answer.startswith("250"):
            load.taken.append(Taken(mail.message_id, due, handed_over, time.perf_counter(), answer))
            told(load.taken[-1])
        else:
            load.refused.append(answer)
    writer.write(b"QUIT\r\n")
    await _reply(reader)
    writer.close()


async def _reply(reader: asyncio.StreamReader) -> str:
    lines = [await reader.readuntil(b"\n")]
    while lines[-1][3:4] == b"-":
        lines.append(await reader.readuntil(b"\n"))
    return b"".join(lines).decode("utf-8", "replace")


def on_the_wire(raw: bytes) -> bytes:
    """With doubled dots and the end mark (RFC 5321 §4.5.2)."""
    doubled = raw.replace(b"\r\n.", b"\r\n..") if b"\r\n." in raw else raw
    return doubled + (b".\r\n" if doubled.endswith(b"\r\n") else b"\r\n.\r\n")


def percentile(seconds: Sequence[float], share: float) -> float:
    """In milliseconds; 0 of nothing."""
    ordered = sorted(seconds)
    return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
