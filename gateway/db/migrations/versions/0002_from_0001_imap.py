"""IMAP folders, and the mails in them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002_from_0001"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = "state IN ('fetch', 'mark')"


def upgrade() -> None:
    op.create_table(
        "imap_folder",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uid_validity", sa.BigInteger(), nullable=False, comment="0 before the first contact"),
        sa.Column(
            "uid_next",
            sa.BigInteger(),
            nullable=False,
            comment="mails below it are dealt with, or stand in imap_mail",
        ),
        sa.Column("looked_at", sa.BigInteger(), nullable=True, comment="when the last look into it succeeded"),
        sa.Column("trouble", sa.Text(), nullable=False, comment="why none does since"),
        sa.Column("node", sa.String(length=40), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_imap_folder_name", "imap_folder", ["name"], unique=True)
    op.create_table(
        "imap_mail",
        sa.Column("folder_id", ID, nullable=False),
        sa.Column("uid_validity", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("mail_id", ID, nullable=True),
        sa.Column(
            "digest", sa.String(length=64), nullable=False, comment="SHA-256 of its header; empty until it is kept"
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["folder_id"], ["imap_folder.id"]),
        sa.ForeignKeyConstraint(["mail_id"], ["mail.id"]),
        sa.PrimaryKeyConstraint("folder_id", "uid_validity", "uid"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_imap_mail_digest", "imap_mail", ["folder_id", "digest"], unique=False)
    op.create_index(
        "ix_imap_mail_open",
        "imap_mail",
        ["state", "folder_id", "due_at"],
        unique=False,
        sqlite_where=sa.text(OPEN),
        postgresql_where=sa.text(OPEN),
    )
