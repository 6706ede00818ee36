"""Exports are found among all that was ever done: what looks for old ones read every command."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_IS_EXPORT = sa.text("kind = 'export'")


def upgrade() -> None:
    """Step forward."""
    op.create_index(
        "ix_commands_exports",
        "commands",
        ["id"],
        sqlite_where=_IS_EXPORT,
        postgresql_where=_IS_EXPORT,
    )


def downgrade() -> None:
    """Not supported: restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
