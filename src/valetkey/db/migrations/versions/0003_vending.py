"""Vending: groups, grants, leases; a driver's KMS key and whether its users share sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Step forward."""
    op.add_column("drivers", sa.Column("kms_key_arn", sa.Text(), nullable=False, server_default=""))
    op.add_column(
        "drivers",
        sa.Column("shared_sessions", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    _groups()
    _grants()
    _leases()


def _groups() -> None:
    op.create_table(
        "groups",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("org_id", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=400), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["org_id"], ["organizations.id"], name="fk_groups_org_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_groups"),
        sa.UniqueConstraint("org_id", "name", name="uq_groups_org_id_name"),
    )
    op.create_table(
        "group_members",
        sa.Column("group_id", sa.String(length=24), nullable=False),
        sa.Column("user_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["groups.id"], name="fk_group_members_group_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_group_members_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "user_id", name="pk_group_members"),
    )
    op.create_index("ix_group_members_user_id", "group_members", ["user_id"], unique=False)


def _grants() -> None:
    op.create_table(
        "grants",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("driver_id", sa.String(length=24), nullable=False),
        sa.Column("user_id", sa.String(length=24), nullable=True),
        sa.Column("group_id", sa.String(length=24), nullable=True),
        sa.Column("prefixes", sa.JSON(), nullable=False),
        sa.Column("levels", sa.String(length=100), nullable=False),
        sa.Column("max_ttl", sa.Integer(), nullable=False),
        sa.Column("creator", sa.String(length=254), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["driver_id"], ["drivers.id"], name="fk_grants_driver_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_grants_user_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["groups.id"], name="fk_grants_group_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_grants"),
    )
    for column in ("driver_id", "user_id", "group_id"):
        op.create_index(f"ix_grants_{column}", "grants", [column], unique=False)


def _leases() -> None:
    op.create_table(
        "leases",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("org_id", sa.String(length=24), nullable=False),
        sa.Column("integration_id", sa.String(length=24), nullable=False),
        sa.Column("driver_id", sa.String(length=24), nullable=False),
        sa.Column("user_id", sa.String(length=24), nullable=False),
        sa.Column("principal", sa.String(length=254), nullable=False),
        sa.Column("role_arn", sa.Text(), nullable=False),
        sa.Column("session_name", sa.String(length=64), nullable=False),
        sa.Column("access_key_id", sa.String(length=128), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("bucket", sa.String(length=63), nullable=False),
        sa.Column("prefixes", sa.JSON(), nullable=False),
        sa.Column("levels", sa.String(length=100), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_leases"),
    )
    op.create_index("ix_leases_org_id", "leases", ["org_id", "id"], unique=False)
    op.create_index("ix_leases_expires_at", "leases", ["expires_at"], unique=False)
