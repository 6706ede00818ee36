"""Integrations with their sealed secrets, and the locations that stand on them."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from valetkey.db.tables.base import identifier, metadata, version
from valetkey.db.types import Moment

integrations = Table(
    "integrations",
    metadata,
    identifier(primary_key=True),
    identifier("org_id", ForeignKey("organizations.id", ondelete="CASCADE")),
    Column("name", String(400), nullable=False),
    Column("type", String(40), nullable=False),
    Column("access_key_id", String(128), nullable=False),
    Column("role_arn", Text, nullable=False),
    Column("state", String(40), nullable=False),
    Column("creator", String(254), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("verified_at", Moment),
    Column("state_reason", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("key_changed_at", Moment),
    version(),
    Column("kek_id", String(200), nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("nonce", LargeBinary, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    UniqueConstraint("org_id", "name"),
)

locations = Table(
    "locations",
    metadata,
    identifier(primary_key=True),
    identifier("project_id", ForeignKey("projects.id", ondelete="RESTRICT")),
    identifier("integration_id", ForeignKey("integrations.id", ondelete="RESTRICT")),
    Column("name", String(400), nullable=False),
    Column("bucket", String(63), nullable=False),
    Column("prefix", Text, nullable=False),
    Column("region", String(40), nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("storage_class", String(40), nullable=False),
    Column("allow_external_delete", Boolean, nullable=False),
    Column("creator", String(254), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("kms_key_arn", Text, nullable=False, server_default=""),
    Column("shared_sessions", Boolean, nullable=False, server_default=false()),
    Column("parent_id", String(24), ForeignKey("locations.id", ondelete="RESTRICT")),
    Column("access", String(100), nullable=False, server_default="delete,list,read,write"),
    Column("ends_at", Moment),
    Column("requester_pays", Boolean, nullable=False, server_default=false()),
    version(),
    UniqueConstraint("project_id", "name"),
    Index("ix_locations_integration_id", "integration_id"),
    Index("ix_locations_parent_id", "parent_id"),
)
