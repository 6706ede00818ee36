"""What keeps the index true: one writer an object, uploads that can be ended, storage classes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ACTIVE = sa.text("NOT abandoned")


def _text(name: str) -> sa.Column[str]:
    kind = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.Column(name, kind, nullable=False, server_default="")


def upgrade() -> None:
    """Step forward. What writers had begun by then is nobody's any more."""
    op.add_column("items", _text("storage_class"))
    op.add_column("staged_objects", _text("storage_class"))
    op.add_column("shards", _text("token"))
    op.add_column("shards", sa.Column("escaped", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("write_intents", _text("object_id"))
    op.add_column("write_intents", _text("upload_id"))
    lease = sa.Column("lease_ms", sa.BigInteger, nullable=False, server_default="0")
    op.add_column("write_intents", lease)
    gone = sa.Column("abandoned", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("write_intents", gone)
    intents = sa.table("write_intents", sa.column("abandoned", sa.Boolean))
    op.execute(sa.update(intents).values(abandoned=sa.true()))
    op.create_index(
        "uq_write_intents_object_id",
        "write_intents",
        ["object_id"],
        unique=True,
        sqlite_where=_ACTIVE,
        postgresql_where=_ACTIVE,
    )


def downgrade() -> None:
    """Not supported: restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
