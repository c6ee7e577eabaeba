"""The newest first by time: several nodes number their rows in blocks, so the numbers do not tell"""

from __future__ import annotations

from contextlib import nullcontext

import sqlalchemy as sa
from alembic import op

revision = "0003_from_0001"
down_revision = "0002_from_0001"
branch_labels = None
depends_on = None

REPLACED = (("ix_mail_attention", "mail"), ("ix_outgoing_failed", "outgoing"))
INDEXES = (
    ("ix_mail_received", "mail", "received_at", None),
    ("ix_mail_held", "mail", "received_at", "held"),
    ("ix_mail_failed", "mail", "received_at", "failed"),
    ("ix_mail_refused", "mail", "received_at", "refused"),
    ("ix_ticket_created", "ticket", "created_at", None),
    ("ix_outgoing_created", "outgoing", "created_at", None),
    ("ix_outgoing_failed", "outgoing", "created_at", "failed"),
    ("ix_outgoing_cancelled", "outgoing", "created_at", "cancelled"),
)


def upgrade() -> None:
    """On PostgreSQL nodes go on writing meanwhile; a second try takes away what a first one left unfinished."""
    context = op.get_context()
    several = context.dialect.name == "postgresql"
    with context.autocommit_block() if several else nullcontext():
        for name, table in (*REPLACED, *(index[:2] for index in INDEXES)):
            op.drop_index(name, table, postgresql_concurrently=several, if_exists=True)
        for name, table, column, state in INDEXES:
            only = sa.text(f"state = '{state}'") if state else None
            op.create_index(
                name, table, [column], postgresql_concurrently=several, sqlite_where=only, postgresql_where=only
            )
