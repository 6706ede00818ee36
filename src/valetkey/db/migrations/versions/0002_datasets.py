"""Datasets, the index of their items, and the work of syncs."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_DOCUMENT = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Step forward."""
    _datasets()
    _items()
    _commands()
    _shards()
    _write_intents()


def _id(name: str = "id") -> sa.Column[str]:
    return sa.Column(name, sa.String(length=24), nullable=False)


def _moment(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _key(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, _KEY, nullable=nullable)


def _count(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _reference(table: str, column: str, to: str, on_delete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [to], name=f"fk_{table}_{column}", ondelete=on_delete)


def _partial(name: str, table: str, columns: list[str], where: str, *, unique: bool = True) -> None:
    condition = sa.text(where)
    op.create_index(
        name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition
    )


def _datasets() -> None:
    op.create_table(
        "datasets",
        sa.Column("number", _NUMBER, autoincrement=True, nullable=False),
        _id(),
        _id("project_id"),
        sa.Column("driver_id", sa.String(length=24), nullable=True),
        sa.Column("name", sa.String(length=400), nullable=False),
        sa.Column("creator", sa.String(length=254), nullable=False),
        _moment("created_at"),
        _moment("updated_at"),
        sa.Column("metadata", _DOCUMENT, nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("item_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        _reference("datasets", "driver_id", "drivers.id", "RESTRICT"),
        _reference("datasets", "project_id", "projects.id", "CASCADE"),
        sa.PrimaryKeyConstraint("number", name="pk_datasets"),
        sa.UniqueConstraint("id", name="uq_datasets_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_datasets_driver_id", "datasets", ["driver_id"], unique=False)
    _partial(
        "uq_datasets_project_id_name", "datasets", ["project_id", "name"], "deleted_at IS NULL"
    )


def _items() -> None:
    op.create_table(
        "items",
        sa.Column("dataset", _NUMBER, autoincrement=False, nullable=False),
        _key("path"),
        _key("id"),
        _key("folder"),
        _count("size"),
        _key("etag"),
        _key("mimetype"),
        _key("creator"),
        _count("modified_ms", nullable=True),
        _count("created_ms"),
        _count("updated_ms"),
        _count("touched_ms"),
        _count("deleted_ms", nullable=True),
        sa.Column("metadata", _DOCUMENT, nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        _reference("items", "dataset", "datasets.number", "RESTRICT"),
        sa.PrimaryKeyConstraint("dataset", "path", name="pk_items"),
        sqlite_with_rowid=False,
    )
    live, dead = "deleted_ms IS NULL", "deleted_ms IS NOT NULL"
    _partial("uq_items_dataset_id", "items", ["dataset", "id"], live)
    _partial("ix_items_dataset_folder_id", "items", ["dataset", "folder", "id"], live, unique=False)
    _partial("ix_items_deleted_ms", "items", ["deleted_ms"], dead, unique=False)


def _commands() -> None:
    op.create_table(
        "commands",
        _id(),
        _id("dataset_id"),
        _id("user_id"),
        sa.Column("state", sa.String(length=20), nullable=False),
        _moment("created_at"),
        _moment("updated_at"),
        _count("expected"),
        sa.Column("parallel", sa.Integer(), nullable=False),
        sa.Column("notice", sa.Text(), nullable=False),
        sa.Column("error", _DOCUMENT, nullable=False),
        _reference("commands", "dataset_id", "datasets.id", "CASCADE"),
        _reference("commands", "user_id", "users.id", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_commands"),
    )
    op.create_index("ix_commands_state", "commands", ["state"], unique=False)
    op.create_index("ix_commands_dataset_id", "commands", ["dataset_id", "id"], unique=False)
    _partial(
        "uq_commands_active", "commands", ["dataset_id"], "state IN ('created', 'in-progress')"
    )


def _shards() -> None:
    op.create_table(
        "shards",
        _id(),
        _id("command_id"),
        _id("dataset_id"),
        _key("after"),
        _key("upto", nullable=True),
        _key("checkpoint"),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("owner", sa.String(length=100), nullable=False),
        _count("lease_ms"),
        sa.Column("staged", sa.Boolean(), nullable=False),
        _count("listed_ms"),
        _count("added"),
        _count("changed"),
        _count("removed"),
        _count("unchanged"),
        _reference("shards", "command_id", "commands.id", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_shards"),
    )
    op.create_index("ix_shards_command_id", "shards", ["command_id"], unique=False)
    op.create_table(
        "staged_objects",
        _id("shard_id"),
        _key("path"),
        _count("size"),
        _key("etag"),
        _count("modified_ms"),
        _reference("staged_objects", "shard_id", "shards.id", "CASCADE"),
        sa.PrimaryKeyConstraint("shard_id", "path", name="pk_staged_objects"),
        sqlite_with_rowid=False,
    )


def _write_intents() -> None:
    op.create_table(
        "write_intents",
        _id(),
        _id("dataset_id"),
        _key("path"),
        _id("user_id"),
        _moment("at"),
        _reference("write_intents", "dataset_id", "datasets.id", "CASCADE"),
        _reference("write_intents", "user_id", "users.id", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_write_intents"),
    )
    op.create_index("ix_write_intents_dataset_id", "write_intents", ["dataset_id"], unique=False)
