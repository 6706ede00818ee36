"""Values in items' metadata are found by an index, on PostgreSQL."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_WRITTEN = sa.text("deleted_ms IS NULL AND metadata IS NOT NULL")


def upgrade() -> None:
    """Step forward."""
    if op.get_bind().dialect.name == "postgresql":
        op.create_index(
            "ix_items_metadata",
            "items",
            ["metadata"],
            postgresql_using="gin",
            postgresql_ops={"metadata": "jsonb_path_ops"},
            postgresql_where=_WRITTEN,
        )


def downgrade() -> None:
    """Not supported: restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
