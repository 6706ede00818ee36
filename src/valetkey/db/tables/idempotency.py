"""Requests that make something, with their answers, under their clients' keys."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from valetkey.db.tables.base import identifier, metadata
from valetkey.db.types import Moment

kept_requests = Table(
    "kept_requests",
    metadata,
    identifier(primary_key=True),
    identifier("user_id", ForeignKey("users.id", ondelete="CASCADE")),
    Column("key", String(200), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", JSON, nullable=False),
    Column("body", Text, nullable=False),
    Column("kek_id", String(200)),
    Column("wrapped_key", LargeBinary),
    Column("nonce", LargeBinary),
    Column("ciphertext", LargeBinary),
    UniqueConstraint("user_id", "key"),
    Index("ix_kept_requests_created_at", "created_at"),
)
