"""Groups, grants and leases."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from valetkey.db.tables.base import identifier, metadata, version
from valetkey.db.types import Moment

groups = Table(
    "groups",
    metadata,
    identifier(primary_key=True),
    identifier("org_id", ForeignKey("organizations.id", ondelete="CASCADE")),
    Column("name", String(400), nullable=False),
    Column("created_at", Moment, nullable=False),
    version(),
    UniqueConstraint("org_id", "name"),
)

group_members = Table(
    "group_members",
    metadata,
    identifier("group_id", ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True),
    identifier("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Index("ix_group_members_user_id", "user_id"),
)

#: A grant is for a user or for a group: one of the two ids is set.
grants = Table(
    "grants",
    metadata,
    identifier(primary_key=True),
    identifier("location_id", ForeignKey("locations.id", ondelete="CASCADE")),
    Column("user_id", String(24), ForeignKey("users.id", ondelete="CASCADE")),
    Column("group_id", String(24), ForeignKey("groups.id", ondelete="CASCADE")),
    Column("prefixes", JSON, nullable=False),
    Column("levels", String(100), nullable=False),
    Column("max_ttl", Integer, nullable=False),
    Column("creator", String(254), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("ends_at", Moment),
    Column("reason", Text, nullable=False, server_default=""),
    Index("ix_grants_location_id", "location_id"),
    Index("ix_grants_user_id", "user_id"),
    Index("ix_grants_group_id", "group_id"),
)

#: No foreign keys: a session lives on at AWS when its location or integration is forgotten here.
leases = Table(
    "leases",
    metadata,
    identifier(primary_key=True),
    identifier("org_id"),
    identifier("integration_id"),
    identifier("location_id"),
    Column("user_id", String(24), nullable=False),
    Column("principal", String(254), nullable=False),
    Column("role_arn", Text, nullable=False),
    Column("session_name", String(64), nullable=False),
    Column("access_key_id", String(128), nullable=False),
    Column("issued_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("bucket", String(63), nullable=False),
    Column("prefixes", JSON, nullable=False),
    Column("levels", String(100), nullable=False),
    Column("revoked_at", Moment),
    Column("token_id", String(24), nullable=False, server_default=""),
    Column("revocation_id", String(24), nullable=False, server_default=""),
    #: Ids of locations, between spaces.
    Column("within", Text, nullable=False, server_default=""),
    Index("ix_leases_org_id", "org_id", "id"),
    Index("ix_leases_expires_at", "expires_at"),
    Index("ix_leases_revocation_id", "revocation_id"),
    # A revocation updates each of its leases twice, which is quick within a page.
    postgresql_with={"fillfactor": 50},
)

#: Whom a session was vended to that a location's users share.
lease_holders = Table(
    "lease_holders",
    metadata,
    identifier("lease_id", primary_key=True),
    Column("user_id", String(24), primary_key=True),
    Column("token_id", String(24), primary_key=True),
    Column("principal", String(254), nullable=False),
    Column("since", Moment, nullable=False),
    Index("ix_lease_holders_user_id", "user_id"),
    Index("ix_lease_holders_principal", "principal"),
    Index("ix_lease_holders_token_id", "token_id"),
)
