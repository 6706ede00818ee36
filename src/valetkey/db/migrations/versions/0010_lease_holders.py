"""Leases: who was vended a shared one, with which token, and which revocation means it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=False)


def upgrade() -> None:
    """Step forward."""
    for name in ("token_id", "revocation_id"):
        column = sa.Column(name, sa.String(length=24), nullable=False, server_default="")
        op.add_column("leases", column)
    op.create_index("ix_leases_revocation_id", "leases", ["revocation_id"])
    op.create_table(
        "lease_holders",
        _text("lease_id", 24),
        _text("user_id", 24),
        _text("token_id", 24),
        _text("principal", 254),
        sa.Column("since", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("lease_id", "user_id", "token_id", name="pk_lease_holders"),
    )
    for name in ("user_id", "principal", "token_id"):
        op.create_index(f"ix_lease_holders_{name}", "lease_holders", [name])
    op.create_table(
        "vend_holds",
        _text("id", 24),
        _text("org_id", 24),
        _text("kind", 20),
        _text("target", 254),
        sa.Column("until", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["org_id"],
            ["organizations.id"],
            name="fk_vend_holds_org_id_organizations",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_vend_holds"),
    )
    op.create_index("ix_vend_holds_org_id", "vend_holds", ["org_id"])


def downgrade() -> None:
    """Not supported: restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
