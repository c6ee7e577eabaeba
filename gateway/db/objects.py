"""Large raw mails in an object store (S3, Google, Azure), for several nodes: one object a mail.

An object is complete in the store before the row that names it is committed, so a row never points at nothing; what a
failed transaction leaves behind is never read. Accounts come from the environment, as obstore reads it.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from gateway.db.raw import OBJECT
from gateway.errors import ConfigurationError, Unavailable

_SECONDS = 20
"""For one request, and for all tries of it: whoever sends us the mail waits meanwhile."""


class Objects:
    """Every method but ``keep`` blocks. All raise Unavailable while the store does not answer."""

    def __init__(self, url: str) -> None:
        """``url`` is ``s3://BUCKET/PREFIX`` or the like. Raises ConfigurationError where it cannot be used."""
        self._obstore = _library()
        try:
            self._store: Any = self._obstore.store.from_url(
                url,
                client_options={
                    "timeout": f"{_SECONDS}s",
                    "connect_timeout": "5s",
                    "allow_http": os.environ.get("AWS_ALLOW_HTTP", "").lower() == "true",
                },
                retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=_SECONDS)},
            )
        except (self._obstore.exceptions.BaseError, ValueError) as problem:
            raise ConfigurationError([f"storage.raw: {url} cannot be used: {_first_line(problem)}"]) from None

    async def keep(self, raw: bytes) -> str:
        """Store one mail; its reference."""
        name = uuid.uuid4().hex
        try:
            await self._obstore.put_async(self._store, name, raw)
        except self._obstore.exceptions.BaseError as problem:
            raise _unavailable(problem) from problem
        return OBJECT + name

    def append(self, raws: Sequence[bytes]) -> list[str]:
        """Store mails, one after the other; their references."""
        names = [uuid.uuid4().hex for _ in raws]
        try:
            for name, raw in zip(names, raws, strict=True):
                self._obstore.put(self._store, name, raw)
        except self._obstore.exceptions.BaseError as problem:
            raise _unavailable(problem) from problem
        return [OBJECT + name for name in names]

    def read(self, reference: str) -> bytes:
        """Raises FileNotFoundError where the object is gone."""
        try:
            return bytes(self._obstore.get(self._store, reference.removeprefix(OBJECT)).bytes())
        except self._obstore.exceptions.BaseError as problem:
            raise _unavailable(problem) from problem

    def delete(self, references: Sequence[str]) -> None:
        try:
            self._obstore.delete(self._store, [reference.removeprefix(OBJECT) for reference in references])
        except FileNotFoundError:
            pass
        except self._obstore.exceptions.BaseError as problem:
            raise _unavailable(problem) from problem


def _library() -> Any:
    try:
        import obstore
        import obstore.exceptions
        import obstore.store
    except ImportError:
        raise ConfigurationError(
            ["storage.raw: needs the library obstore; install it with: pip install 'ticket-gateway[s3]'"]
        ) from None
    return obstore


def _unavailable(problem: Exception) -> Unavailable:
    return Unavailable("storage trouble, try again later", f"object store: {_first_line(problem)}")


def _first_line(problem: Exception) -> str:
    return str(problem).partition("\n")[0]
