"""One IMAP folder as the gateway sees it: a store, a server and looks into the folder, one at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import select

from gateway.db.schema import imap_folder
from gateway.db.store import Store
from gateway.errors import GatewayError
from gateway.inbound.fetching import Fetching
from gateway.oauth import Tokens
from gateway.settings import Imap
from tests.inbound.imapserver import Server

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def mail(number: int, text: str = "The export fails.") -> bytes:
    return (
        f"From: kim@example.net\r\nTo: support@example.com\r\nMessage-ID: <{number}@example.net>\r\n"
        f"Subject: Mail {number}\r\n\r\n{text}\r\n"
    ).encode()


@dataclass
class World:
    store: Store
    server: Server
    now: datetime = NOW
    told: list[tuple[bytes, str]] = field(default_factory=list)
    """What staff were told could not be fetched."""
    largest: int = 100_000
    tokens: Tokens | None = None
    username: str = "kim"
    trouble: str = ""
    """What the last look that succeeded left behind in the folder's row."""
    _fetching: Fetching | None = None

    def look(self, **imap: object) -> str:
        """One connection, one look; what went wrong, or nothing."""
        folders = self.store.folders
        settings = Imap.model_validate(self.server.settings(username=self.username, **imap))
        fetching = self._fetching = self._fetching or Fetching(
            settings, self.tokens, self.largest, "support@example.com",
            lambda address: address == "support@example.com", folders, lambda: "", lambda: None,
            lambda _, raw, why: self.told.append((raw, str(why))), lambda: self.now,
        )  # fmt: skip
        looks = fetching.looks
        id_ = folders.named(fetching.name)
        assert folders.claim(id_, self.now) is not None
        try:
            fetching.run(id_, lambda: fetching.looks == looks)
            with self.store.engine.connect() as connection:
                query = select(imap_folder.c.trouble).where(imap_folder.c.id == id_)
                self.trouble = connection.execute(query).scalar_one()
        except GatewayError as problem:
            return problem.private
        finally:
            folders.give_back(id_)
        return ""

    @property
    def kept(self) -> list[str]:
        """The subjects of all mails that are in the journal."""
        rows = (self.store.queries.raw(row.id) for row in self.store.queries.mails())
        raws = (self.store.mails.raw(row) for row in rows if row is not None)
        return sorted(raw.split(b"Subject: ")[1].split(b"\r\n")[0].decode() for raw in raws)
