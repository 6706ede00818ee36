"""An integration knows since when its key is in use: one that was entered anew told the age of the
integration itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Step forward. Of keys that came by a rotation it is known when that began; of others that
    were entered before, nothing is."""
    op.add_column("integrations", sa.Column("key_changed_at", sa.DateTime(timezone=True)))
    op.execute(
        "UPDATE integrations SET key_changed_at = (SELECT max(rotations.started_at) FROM rotations "
        "WHERE rotations.integration_id = integrations.id "
        "AND rotations.new_key_id = integrations.access_key_id)"
    )


def downgrade() -> None:
    """Not supported: restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
