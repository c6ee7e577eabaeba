"""An S3 of our own on the loopback (moto)."""

from __future__ import annotations

import logging
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


class Bucket:
    """One bucket; the server can go away and come back."""

    def __init__(self) -> None:
        server = pytest.importorskip("moto.server", reason="moto is not installed")
        pytest.importorskip("obstore", reason="obstore is not installed")
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._make = server.ThreadedMotoServer
        self._server = self._make(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        self.address = "http://{}:{}".format(*self._server.get_host_and_port())
        name = f"mails-{uuid.uuid4().hex}"  # all servers of a process share their buckets
        self.url = f"s3://{name}/raw"
        urllib.request.urlopen(urllib.request.Request(f"{self.address}/{name}", method="PUT"), timeout=30).close()

    def environment(self) -> dict[str, str]:
        """What tells a client where it is."""
        return {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.address,
            "AWS_ALLOW_HTTP": "true",
        }

    def names(self) -> list[str]:
        import obstore

        return sorted(str(entry["path"]) for page in obstore.list(self._store()) for entry in page)

    def _store(self):
        from obstore.store import from_url

        return from_url(self.url, client_options={"allow_http": True})

    def close(self) -> None:
        self._server.stop()


@contextmanager
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    made = Bucket()
    for name, value in made.environment().items():
        monkeypatch.setenv(name, value)
    try:
        yield made
    finally:
        made.close()
