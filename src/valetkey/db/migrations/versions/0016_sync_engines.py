"""Which engine works a sync off, and where."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Step forward."""
    key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    for column in (
        sa.Column("engine", sa.String(20), nullable=False, server_default="process"),
        sa.Column("engine_address", key, nullable=False, server_default=""),
    ):
        op.add_column("commands", column)


def downgrade() -> None:
    """Not supported: restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
