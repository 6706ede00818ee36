"""The index of folders has all that a search for names takes: SQLite looks into no item for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_LIVE = sa.text("deleted_ms IS NULL")
_NAME = "ix_items_dataset_folder_id"


def upgrade() -> None:
    """Step forward."""
    op.drop_index(_NAME, table_name="items")
    columns = ["dataset", "folder", "id", "deleted_ms"]
    op.create_index(_NAME, "items", columns, sqlite_where=_LIVE, postgresql_where=_LIVE)


def downgrade() -> None:
    """Not supported: restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
