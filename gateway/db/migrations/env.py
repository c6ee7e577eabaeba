"""Alembic's entry: runs the migrations on the URL that ``gateway.db.engine`` hands over."""

from __future__ import annotations

from typing import Any

from alembic import context

from gateway.db.engine import open_engine
from gateway.db.schema import metadata


def _tell(*_: Any, **details: Any) -> None:
    context.config.attributes.get("on_revision", lambda _: None)(details["step"].up_revision_id)


def run() -> None:
    engine = open_engine(context.config.attributes["url"])
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            on_version_apply=_tell,
            render_as_batch=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
