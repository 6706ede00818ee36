"""The audit trail. Triggers (made by the migration) refuse UPDATE and DELETE on it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from valetkey.db.tables.base import identifier, metadata
from valetkey.db.types import Moment

audit_records = Table(
    "audit_records",
    metadata,
    Column(
        "sequence",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=False,
    ),
    identifier(),
    Column("at", Moment, nullable=False),
    Column("org_id", String(24), nullable=False),
    Column("actor", String(254), nullable=False),
    Column("action", String(100), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("subject", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("request_id", String(200), nullable=False),
    Column("source", String(200), nullable=False),
    Column("details", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("ix_audit_records_org_id", "org_id", "sequence"),
)
