"""Keys over time: rotations and their schedules, revocations and blocks, leases of work."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from valetkey.db.tables.base import identifier, metadata
from valetkey.db.types import Moment

_OPEN = text("stage NOT IN ('done', 'rolled back')")

#: No foreign key: a rotation still has a key to remove when its integration is forgotten here.
rotations = Table(
    "rotations",
    metadata,
    identifier(primary_key=True),
    identifier("org_id"),
    identifier("integration_id"),
    Column("user_arn", Text, nullable=False),
    Column("stage", String(20), nullable=False),
    Column("actor", String(254), nullable=False),
    Column("old_key_id", String(128), nullable=False),
    Column("new_key_id", String(128), nullable=False),
    Column("known", JSON, nullable=False),
    Column("removable", JSON, nullable=False),
    Column("going", JSON, nullable=False, server_default="[]"),
    Column("by_administrator", Boolean, nullable=False),
    Column("grace", Integer, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("stage_at", Moment, nullable=False),
    Column("problem", Text, nullable=False),
    Column("steps", JSON, nullable=False),
    Column("kek_id", String(200)),
    Column("wrapped_key", LargeBinary),
    Column("nonce", LargeBinary),
    Column("ciphertext", LargeBinary),
    Index(
        "uq_rotations_open",
        "integration_id",
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    ),
    Index("ix_rotations_integration_id", "integration_id", "id"),
)

rotation_schedules = Table(
    "rotation_schedules",
    metadata,
    identifier(
        "integration_id", ForeignKey("integrations.id", ondelete="CASCADE"), primary_key=True
    ),
    Column("every", Integer, nullable=False),
    Column("jitter", Integer, nullable=False),
    Column("next_at", Moment, nullable=False),
    Column("actor", String(254), nullable=False),
    Index("ix_rotation_schedules_next_at", "next_at"),
)

#: Who is at work on what, until when: two processes never do the same work at once.
work_leases = Table(
    "work_leases",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("until", Moment, nullable=False),
)

#: No foreign keys: a deny stands at AWS although its integration is forgotten here.
revocations = Table(
    "revocations",
    metadata,
    identifier(primary_key=True),
    identifier("org_id"),
    identifier("integration_id"),
    Column("role_arn", Text, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("target", String(254), nullable=False),
    Column("sessions", JSON, nullable=False),
    Column("before", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Column("state", String(20), nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", String(254), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("problem", Text, nullable=False),
    Column("proof", Text, nullable=False),
    Column("widened", Boolean, nullable=False),
    Index("ix_revocations_org_id", "org_id", "id"),
    Index("ix_revocations_role_arn", "role_arn"),
    Index("ix_revocations_state", "state"),
)

#: Whom, or through what, no new session is given.
vend_blocks = Table(
    "vend_blocks",
    metadata,
    identifier(primary_key=True),
    identifier("org_id", ForeignKey("organizations.id", ondelete="CASCADE")),
    Column("kind", String(20), nullable=False),
    Column("target", String(254), nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", String(254), nullable=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("org_id", "kind", "target"),
)

#: Whom, or through what, no new session is given while a revocation is carried out.
vend_holds = Table(
    "vend_holds",
    metadata,
    identifier(primary_key=True),
    identifier("org_id", ForeignKey("organizations.id", ondelete="CASCADE")),
    Column("kind", String(20), nullable=False),
    Column("target", String(254), nullable=False),
    Column("until", Moment, nullable=False),
    Index("ix_vend_holds_org_id", "org_id"),
)
