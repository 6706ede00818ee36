"""Requests that make something, with their answers, under their clients' keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Step forward."""
    op.create_table(
        "kept_requests",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("user_id", sa.String(length=24), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("kek_id", sa.String(length=200)),
        sa.Column("wrapped_key", sa.LargeBinary()),
        sa.Column("nonce", sa.LargeBinary()),
        sa.Column("ciphertext", sa.LargeBinary()),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_kept_requests_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_kept_requests"),
        sa.UniqueConstraint("user_id", "key", name="uq_kept_requests_user_id_key"),
    )
    op.create_index("ix_kept_requests_created_at", "kept_requests", ["created_at"])


def downgrade() -> None:
    """Going back is not supported: restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
