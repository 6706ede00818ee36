"""Rights: locations form a tree and carry access and an end; what can be changed has a version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_VERSIONED = ("organizations", "projects", "integrations", "locations", "groups")


def upgrade() -> None:
    """Step forward: what was a driver is a root location, with all access and without an end."""
    for name in _VERSIONED:
        version = sa.Column("version", sa.Integer(), nullable=False, server_default="1")
        op.add_column(name, version)
    everything = "delete,list,read,write"
    with op.batch_alter_table("locations") as table:
        table.add_column(sa.Column("parent_id", sa.String(length=24)))
        table.add_column(
            sa.Column("access", sa.String(100), nullable=False, server_default=everything)
        )
        table.add_column(sa.Column("ends_at", _MOMENT))
        table.add_column(
            sa.Column("requester_pays", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        table.create_foreign_key(
            "fk_locations_parent_id", "locations", ["parent_id"], ["id"], ondelete="RESTRICT"
        )
    op.create_index("ix_locations_parent_id", "locations", ["parent_id"])
    op.add_column("grants", sa.Column("ends_at", _MOMENT))
    going = sa.Column("going", sa.JSON(), nullable=False, server_default="[]")
    op.add_column("rotations", going)
    op.add_column("grants", sa.Column("reason", sa.Text(), nullable=False, server_default=""))
