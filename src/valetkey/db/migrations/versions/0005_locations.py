"""Locations: what was called a driver has its own name, here and where others name it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

#: Tables with a column that names a location, and the index over it, if there is one.
_NAMING = {"grants": "ix_grants_driver_id", "leases": "", "datasets": "ix_datasets_driver_id"}


def upgrade() -> None:
    """Step forward."""
    op.drop_index("ix_drivers_integration_id", table_name="drivers")
    op.rename_table("drivers", "locations")
    op.create_index("ix_locations_integration_id", "locations", ["integration_id"])
    with op.batch_alter_table("locations") as table:
        table.drop_constraint("uq_drivers_project_id_name", type_="unique")
        table.create_unique_constraint("uq_locations_project_id_name", ["project_id", "name"])
    for name, index in _NAMING.items():
        if index:
            op.drop_index(index, table_name=name)
        op.execute(f"ALTER TABLE {name} RENAME COLUMN driver_id TO location_id")
        if index:
            op.create_index(index.replace("driver", "location"), name, ["location_id"])
    for name in ("revocations", "vend_blocks"):
        rows = sa.table(name, sa.column("kind"))
        op.execute(sa.update(rows).where(rows.c.kind == "driver").values(kind="location"))
