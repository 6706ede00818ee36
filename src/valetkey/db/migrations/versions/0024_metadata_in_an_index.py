"""The index of items with metadata has those metadata: SQLite looks into no item for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_WRITTEN = sa.text("deleted_ms IS NULL AND metadata IS NOT NULL")


def upgrade() -> None:
    """Step forward."""
    if op.get_bind().dialect.name != "sqlite":
        return  # an index's row has no room for them
    op.drop_index("ix_items_written", table_name="items")
    columns = ["dataset", "id", "deleted_ms", "metadata"]
    op.create_index("ix_items_documents", "items", columns, sqlite_where=_WRITTEN)


def downgrade() -> None:
    """Not supported: restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
