"""Commands are of a kind: syncs, clones and exports; and the parts of exported files."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_SYNCING = sa.text("kind = 'sync' AND state IN ('created', 'in-progress')")


def upgrade() -> None:
    """Step forward."""
    document = sa.JSON().with_variant(JSONB(), "postgresql")
    for column in (
        sa.Column("kind", sa.String(20), nullable=False, server_default="sync"),
        sa.Column("options", document, nullable=False, server_default=sa.text("'{}'")),
    ):
        op.add_column("commands", column)
    op.create_index(
        "uq_commands_syncing",
        "commands",
        ["dataset_id"],
        unique=True,
        sqlite_where=_SYNCING,
        postgresql_where=_SYNCING,
    )
    op.drop_index("uq_commands_active", table_name="commands")
    op.create_table(
        "export_parts",
        sa.Column(
            "command_id",
            sa.String(24),
            sa.ForeignKey("commands.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("items", sa.Integer, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("packed", sa.BigInteger, nullable=False),
        sa.Column("md5", sa.String(24), nullable=False),
        sa.Column("crc", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    """Not supported: restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
