"""Keys: rotations and their schedules, leases of work, revocations, blocks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def _id(name: str = "id") -> sa.Column[str]:
    return sa.Column(name, sa.String(length=24), nullable=False)


def _text(name: str, length: int | None = None) -> sa.Column[str]:
    kind = sa.String(length=length) if length else sa.Text()
    return sa.Column(name, kind, nullable=False)


def upgrade() -> None:
    """Step forward."""
    _rotations()
    _schedules()
    _revocations()


def _rotations() -> None:
    op.create_table(
        "rotations",
        _id(),
        _id("org_id"),
        _id("integration_id"),
        _text("user_arn"),
        _text("stage", 20),
        _text("actor", 254),
        _text("old_key_id", 128),
        _text("new_key_id", 128),
        sa.Column("known", sa.JSON(), nullable=False),
        sa.Column("removable", sa.JSON(), nullable=False),
        sa.Column("by_administrator", sa.Boolean(), nullable=False),
        sa.Column("grace", sa.Integer(), nullable=False),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("stage_at", _MOMENT, nullable=False),
        _text("problem"),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("kek_id", sa.String(length=200)),
        sa.Column("wrapped_key", sa.LargeBinary()),
        sa.Column("nonce", sa.LargeBinary()),
        sa.Column("ciphertext", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name="pk_rotations"),
    )
    still_open = sa.text("stage NOT IN ('done', 'rolled back')")
    op.create_index(
        "uq_rotations_open",
        "rotations",
        ["integration_id"],
        unique=True,
        sqlite_where=still_open,
        postgresql_where=still_open,
    )
    op.create_index("ix_rotations_integration_id", "rotations", ["integration_id", "id"])


def _schedules() -> None:
    op.create_table(
        "rotation_schedules",
        _id("integration_id"),
        sa.Column("every", sa.Integer(), nullable=False),
        sa.Column("jitter", sa.Integer(), nullable=False),
        sa.Column("next_at", _MOMENT, nullable=False),
        _text("actor", 254),
        sa.ForeignKeyConstraint(
            ["integration_id"],
            ["integrations.id"],
            name="fk_rotation_schedules_integration_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("integration_id", name="pk_rotation_schedules"),
    )
    op.create_index("ix_rotation_schedules_next_at", "rotation_schedules", ["next_at"])
    op.create_table(
        "work_leases",
        _text("name", 200),
        _text("owner", 64),
        sa.Column("until", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_work_leases"),
    )


def _revocations() -> None:
    op.create_table(
        "revocations",
        _id(),
        _id("org_id"),
        _id("integration_id"),
        _text("role_arn"),
        _text("kind", 20),
        _text("target", 254),
        sa.Column("sessions", sa.JSON(), nullable=False),
        sa.Column("before", _MOMENT, nullable=False),
        sa.Column("until", _MOMENT, nullable=False),
        _text("state", 20),
        _text("reason"),
        _text("actor", 254),
        sa.Column("created_at", _MOMENT, nullable=False),
        _text("problem"),
        _text("proof"),
        sa.Column("widened", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_revocations"),
    )
    op.create_index("ix_revocations_org_id", "revocations", ["org_id", "id"])
    op.create_index("ix_revocations_role_arn", "revocations", ["role_arn"])
    op.create_index("ix_revocations_state", "revocations", ["state"])
    op.create_table(
        "vend_blocks",
        _id(),
        _id("org_id"),
        _text("kind", 20),
        _text("target", 254),
        _text("reason"),
        _text("actor", 254),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["org_id"], ["organizations.id"], name="fk_vend_blocks_org_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_vend_blocks"),
        sa.UniqueConstraint("org_id", "kind", "target", name="uq_vend_blocks_org_id_kind_target"),
    )
