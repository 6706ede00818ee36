"""Indexes that searches read instead of the items themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_LIVE = sa.text("deleted_ms IS NULL")
_WRITTEN = sa.text("deleted_ms IS NULL AND metadata IS NOT NULL")
_MADE = sa.text("deleted_ms IS NULL AND substr(path, length(path)) = '/'")
_FACTS = ["dataset", "id", "deleted_ms", "size", "mimetype", "created_ms", "updated_ms"]


def upgrade() -> None:
    """Step forward."""
    _partial("ix_items_facts", _FACTS, _LIVE)
    op.drop_index("uq_items_dataset_id", table_name="items")
    _partial("ix_items_written", ["dataset", "id"], _WRITTEN)
    _partial("ix_items_made_folders", ["dataset", "path"], _MADE)


def _partial(name: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, "items", columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    """Not supported: restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
