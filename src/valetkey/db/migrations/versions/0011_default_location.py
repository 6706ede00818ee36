"""A project's default location: where datasets go that name none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Step forward. Empty is none; one that is gone is none too."""
    column = sa.Column("default_location_id", sa.String(24), nullable=False, server_default="")
    op.add_column("projects", column)


def downgrade() -> None:
    """Not supported: restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
