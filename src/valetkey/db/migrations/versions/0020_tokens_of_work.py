"""Work that was ordered with an API token knows which, and ends with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Step forward. Of work that was ordered before nobody knows: it goes on as its starter's."""
    column = sa.Column("token_id", sa.String(24), nullable=False, server_default="")
    op.add_column("commands", column)


def downgrade() -> None:
    """Not supported: restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
