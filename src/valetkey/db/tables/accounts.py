"""Who there is: the installation, people, organisations, projects."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from valetkey.db.tables.base import identifier, metadata, version
from valetkey.db.types import Moment

#: One row at most: ``only`` is its constant key.
installations = Table(
    "installations",
    metadata,
    Column("only", String(4), primary_key=True),
    identifier(),
    Column("created_at", Moment, nullable=False),
    Column("kek_id", String(200), nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("nonce", LargeBinary, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
)

users = Table(
    "users",
    metadata,
    identifier(primary_key=True),
    Column("email", String(254), nullable=False, unique=True),
    Column("password_hash", String(400), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("name", String(400), nullable=False),
    Column("project_id", String(24), ForeignKey("projects.id", ondelete="RESTRICT")),
    Index("ix_users_project_id", "project_id"),
)

organizations = Table(
    "organizations",
    metadata,
    identifier(primary_key=True),
    Column("name", String(400), nullable=False),
    Column("created_at", Moment, nullable=False),
    version(),
)

org_members = Table(
    "org_members",
    metadata,
    identifier("org_id", ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True),
    identifier("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("role", String(40), nullable=False),
    Index("ix_org_members_user_id", "user_id"),
)

projects = Table(
    "projects",
    metadata,
    identifier(primary_key=True),
    identifier("org_id", ForeignKey("organizations.id", ondelete="CASCADE")),
    Column("name", String(400), nullable=False),
    Column("creator", String(254), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    # No reference: a location names its project, and empty is none.
    Column("default_location_id", String(24), nullable=False, server_default=""),
    version(),
    UniqueConstraint("org_id", "name"),
)

project_members = Table(
    "project_members",
    metadata,
    identifier("project_id", ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    identifier("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("role", String(40), nullable=False),
    Index("ix_project_members_user_id", "user_id"),
)
