"""Leases: the locations that theirs lay within, so that revoking one of those means them too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Step forward."""
    op.add_column("leases", sa.Column("within", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Not supported: restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
