"""What sign-ins leave behind: API tokens, browser sessions, one-time links, known sources."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, String, Table

from valetkey.db.tables.base import identifier, metadata
from valetkey.db.types import Moment

#: Of the limits, NULL is no limit.
api_tokens = Table(
    "api_tokens",
    metadata,
    identifier(primary_key=True),
    identifier("user_id", ForeignKey("users.id", ondelete="CASCADE")),
    identifier("org_id", ForeignKey("organizations.id", ondelete="CASCADE")),
    Column("creator", String(254), nullable=False),
    Column("description", String(400), nullable=False),
    Column("form", String(20), nullable=False),
    Column("secret_hash", String(64)),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("locations", JSON(none_as_null=True)),
    Column("prefixes", JSON(none_as_null=True)),
    Column("levels", JSON(none_as_null=True)),
    Column("max_ttl", Integer),
    Column("networks", JSON(none_as_null=True)),
    Column("revoked_at", Moment),
    Column("last_used_at", Moment),
    Column("last_used_from", String(64), nullable=False),
    Index("ix_api_tokens_user_id", "user_id"),
    Index("ix_api_tokens_org_id", "org_id", "id"),
    Index("ix_api_tokens_secret_hash", "secret_hash", unique=True),
)

browser_sessions = Table(
    "browser_sessions",
    metadata,
    identifier(primary_key=True),
    identifier("user_id", ForeignKey("users.id", ondelete="CASCADE")),
    Column("secret_hash", String(64), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("last_seen_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("source", String(64), nullable=False),
    Column("browser", String(200), nullable=False),
    Index("ix_browser_sessions_user_id", "user_id"),
    Index("ix_browser_sessions_secret_hash", "secret_hash", unique=True),
)

password_links = Table(
    "password_links",
    metadata,
    identifier("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("secret_hash", String(64), nullable=False),
    Column("creator", String(254), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Index("ix_password_links_secret_hash", "secret_hash", unique=True),
)

known_sources = Table(
    "known_sources",
    metadata,
    identifier("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("source", String(64), primary_key=True),
    Column("seen_at", Moment, nullable=False),
)

#: Tries at passwords by a name that is a hash, for all processes.
sign_in_tries = Table(
    "sign_in_tries",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("count", Integer, nullable=False),
    Column("free_at", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Index("ix_sign_in_tries_until", "until"),
)
