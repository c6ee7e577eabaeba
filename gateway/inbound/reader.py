"""Reads and judges mails in child processes that may be killed: hostile input costs a child, never the gateway.

A child that is stuck in a library's C code, or that died, is replaced, and the batch it had is tried again mail by
mail. There is no library in between, because a mail that comes alone waits for the way there and back: with a socket in
the event loop that takes a tenth of what a pool with threads and pipes of its own does.
"""

from __future__ import annotations

import asyncio
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from gateway import log
from gateway.errors import Temporary
from gateway.inbound.findings import LENGTH, Finding, Raw, Unreadable
from gateway.model import ReadMail
from gateway.settings import Reading
from gateway.triage.policy import Policy

START_SECONDS = 60.0
PATIENCE = 6
"""Wall time a mail may take, as a multiple of its CPU time: the machine has other things to do."""
MOST_BATCHES = 200_000
"""After which a child is replaced, so that a leak in a library stays small."""
_TRIES = 2
"""For a mail whose child died: that may have been another's doing."""


class _Died(Exception):
    """The child is gone."""


class _Process:
    """A child and the socket to it; one batch at a time."""

    def __init__(self, settings: Reading, policy: Policy) -> None:
        self._about = (settings, policy)
        self.batches = 0

    async def start(self) -> None:
        """Raises _Died or TimeoutError where it does not come up."""
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", "gateway.inbound.child", str(theirs.fileno())]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
        self._reader, self._writer = await asyncio.open_connection(sock=ours)
        await self.ask(self._about, START_SECONDS)

    @property
    def usable(self) -> bool:
        return not self._reader.at_eof() and self.batches < MOST_BATCHES

    async def ask(self, task: object, seconds: float) -> Any:
        """The child's answer. Raises _Died or TimeoutError; then it is of no more use."""
        self.batches += 1
        data = pickle.dumps(task, pickle.HIGHEST_PROTOCOL)
        try:
            async with asyncio.timeout(seconds):
                self._writer.write(LENGTH.pack(len(data)) + data)
                (size,) = LENGTH.unpack(await self._reader.readexactly(LENGTH.size))
                return pickle.loads(await self._reader.readexactly(size))
        except (asyncio.IncompleteReadError, ConnectionError) as problem:
            raise _Died from problem

    def end(self) -> bool:
        """At once; what it had is still in the journal. True where the kernel did, for it used too much CPU time."""
        self._writer.close()
        self._process.kill()
        return self._process.wait() == -signal.SIGVTALRM


class Reader:
    """A pool of children. ``read`` keeps the order of what it is given. Lives in the event loop."""

    def __init__(self, settings: Reading, policy: Policy) -> None:
        self._settings = settings
        self._policy = policy
        self._room = asyncio.Semaphore(settings.workers)
        self._idle: list[_Process] = []
        self._busy: set[_Process] = set()

    async def start(self) -> None:
        """Start the children now, not with the first mail."""
        self._idle += [await self._new() for _ in range(self._settings.workers)]

    async def read(self, ids: Sequence[int], raws: Sequence[Raw]) -> list[Finding]:
        """Read a batch; never raises for what a mail holds. ``ids`` are for the log."""
        if not raws:
            return []
        try:
            results: list[Finding] = await self._ask("read", raws)
            return results
        except (_Died, TimeoutError):
            return [await self._alone(id_, raw) for id_, raw in zip(ids, raws, strict=True)]

    @property
    def size(self) -> int:
        """How many children there are at most."""
        return self._settings.workers

    @property
    def idle(self) -> bool:
        """Whether a child is there that has nothing to do."""
        return bool(self._idle) and not self._room.locked()

    async def try_to_read(self, raw: Raw) -> Finding | None:
        """Read one mail; None where the child did not live to tell, or none came up."""
        try:
            finding: Finding = await self._ask_one("read", raw)
            return finding
        except (_Died, TimeoutError, Temporary):
            return None

    async def _alone(self, id_: int, raw: Raw) -> Finding:
        why = ""
        for _ in range(_TRIES):
            try:
                finding: Finding = await self._ask_one("read", raw)
                return finding
            except TimeoutError:
                why = "reading took too long"
                break
            except _Died:
                why = "the reading process died"
        log.reader_stopped(id_, why)
        return Unreadable(why, await self.salvage(raw))

    async def salvage(self, raw: Raw) -> ReadMail:
        """What is safe of a mail; nothing where not even that can be read."""
        try:
            mail: ReadMail = await self._ask_one("salvage", raw)
            return mail
        except (_Died, TimeoutError):
            return ReadMail()

    async def _ask_one(self, what: str, raw: Raw) -> Any:
        (answer,) = await self._ask(what, [raw])
        return answer

    async def _ask(self, what: str, raws: Sequence[Raw]) -> Any:
        async with self._room:
            child = await self._child()
            self._busy.add(child)
            try:
                answer = await child.ask((what, list(raws)), self._settings.cpu_seconds * PATIENCE + len(raws))
            except _Died as problem:
                if child.end():
                    raise TimeoutError from problem
                raise
            except BaseException:
                child.end()
                raise
            finally:
                self._busy.discard(child)
            self._idle.append(child)
            return answer

    async def _child(self) -> _Process:
        while self._idle:
            child = self._idle.pop()
            if child.usable:
                return child
            child.end()
        return await self._new()

    async def _new(self) -> _Process:
        """Raises Temporary where none comes up: no mail is to blame for that."""
        child = _Process(self._settings, self._policy)
        try:
            await child.start()
        except (_Died, TimeoutError) as problem:
            child.end()
            raise Temporary("", f"a reading process does not start: {problem!r}") from problem
        return child

    def close(self) -> None:
        """End the children at once."""
        for child in (*self._idle, *self._busy):
            child.end()
        self._idle.clear()
