"""What all tables share: one metadata whose constraints have predictable names."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Integer, MetaData, String

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def version() -> Column[int]:
    """Return a column that counts the changes of a row: who saves must have read the newest."""
    return Column("version", Integer, nullable=False, server_default="1")


def identifier(name: str = "id", *args: Any, **options: Any) -> Column[str]:
    """Return a column for one of our 24-hex-digit identifiers."""
    return Column(name, String(24), *args, nullable=False, **options)
