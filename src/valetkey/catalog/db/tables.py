"""Datasets, the index of their items, and the work of syncs.

Items lie in key order (their primary key), which is what the ordered merge reads. Text is compared
by code points everywhere: binary in SQLite, the C collation in PostgreSQL. Moments of items are
integers, milliseconds since 1970, because millions of rows are written at a time.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from valetkey.db.tables.base import identifier, metadata
from valetkey.db.types import Moment

_Key = Text().with_variant(Text(collation="C"), "postgresql")
_Document = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def _text(name: str) -> Column[str]:
    return Column(name, _Key, nullable=False, server_default="")


_Number = BigInteger().with_variant(Integer, "sqlite")

datasets = Table(
    "datasets",
    metadata,
    Column("number", _Number, primary_key=True, autoincrement=True),
    Column("id", String(24), nullable=False, unique=True),
    identifier("project_id", ForeignKey("projects.id", ondelete="CASCADE")),
    Column("location_id", String(24), ForeignKey("locations.id", ondelete="RESTRICT")),
    Column("name", String(400), nullable=False),
    Column("creator", String(254), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("metadata", _Document, nullable=False),
    Column("hidden", Boolean, nullable=False),
    Column("deleted_at", Moment),
    Column("item_count", BigInteger, nullable=False, server_default=text("0")),
    Index(
        "uq_datasets_project_id_name",
        "project_id",
        "name",
        unique=True,
        sqlite_where=text("deleted_at IS NULL"),
        postgresql_where=text("deleted_at IS NULL"),
    ),
    Index("ix_datasets_location_id", "location_id"),
    # A number is never given again: rows of a dataset that is gone can't become another's.
    sqlite_autoincrement=True,
)

_LIVE = text("deleted_ms IS NULL")
_WRITTEN = text("deleted_ms IS NULL AND metadata IS NOT NULL")
_MADE = text("deleted_ms IS NULL AND substr(path, length(path)) = '/'")
_DEAD = text("deleted_ms IS NOT NULL")

items = Table(
    "items",
    metadata,
    # On PostgreSQL the key is held by two triggers, which look once for each statement.
    Column(
        "dataset",
        _Number,
        ForeignKey("datasets.number", ondelete="RESTRICT"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("path", _Key, primary_key=True),
    Column("id", _Key, nullable=False),
    Column("folder", _Key, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("etag", _Key, nullable=False),
    Column("mimetype", _Key, nullable=False),
    Column("creator", _Key, nullable=False),
    Column("modified_ms", BigInteger),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Column("touched_ms", BigInteger, nullable=False),
    Column("deleted_ms", BigInteger),
    Column("metadata", _Document),
    Column("description", Text),
    _text("storage_class"),
    # An item by its id, and all that most filters and sorts need: a search reads an eighth of what
    # the items take. deleted_ms is in it, since its condition alone would lead to the items.
    Index(
        "ix_items_facts",
        *("dataset", "id", "deleted_ms", "size", "mimetype", "created_ms", "updated_ms"),
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    ),
    # SQLite looks for metadata here, one document after another: a search of a million items of
    # which a fifth have metadata takes 125 ms of processor time, where it took 300 to look up each
    # of those items. So metadata are kept twice: to patch documents of 60 bytes takes as long as
    # before, those of 2 KB a third longer, and those of 100 KB (which hardly anybody has) 1.6 times
    # as long; the file of such a million grows by 3 %.
    Index(
        "ix_items_documents",
        *("dataset", "id", "deleted_ms", "metadata"),
        sqlite_where=_WRITTEN,
    ).ddl_if(dialect="sqlite"),
    # PostgreSQL finds values in metadata by the second of these, and walks by id over the first:
    # a row of an index has no room for metadata there.
    Index("ix_items_written", "dataset", "id", postgresql_where=_WRITTEN).ddl_if(
        dialect="postgresql"
    ),
    Index(
        "ix_items_metadata",
        "metadata",
        postgresql_using="gin",
        postgresql_ops={"metadata": "jsonb_path_ops"},
        postgresql_where=_WRITTEN,
    ).ddl_if(dialect="postgresql"),
    Index("ix_items_made_folders", "dataset", "path", sqlite_where=_MADE, postgresql_where=_MADE),
    # A folder's items, and all names: paths and folders, without the items. deleted_ms as above.
    Index(
        "ix_items_dataset_folder_id",
        *("dataset", "folder", "id", "deleted_ms"),
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    ),
    Index("ix_items_deleted_ms", "deleted_ms", sqlite_where=_DEAD, postgresql_where=_DEAD),
    sqlite_with_rowid=False,
)

#: Exports, in the words of the index over them.
IS_EXPORT = text("kind = 'export'")
_SYNCING = text("kind = 'sync' AND state IN ('created', 'in-progress')")

commands = Table(
    "commands",
    metadata,
    identifier(primary_key=True),
    identifier("dataset_id", ForeignKey("datasets.id", ondelete="CASCADE")),
    identifier("user_id", ForeignKey("users.id", ondelete="CASCADE")),
    Column("state", String(20), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("expected", BigInteger, nullable=False),
    Column("parallel", Integer, nullable=False),
    Column("notice", Text, nullable=False),
    Column("error", _Document, nullable=False),
    Column("engine", String(20), nullable=False, server_default="process"),
    _text("engine_address"),
    Column("kind", String(20), nullable=False, server_default="sync"),
    Column("options", _Document, nullable=False, server_default=text("'{}'")),
    Column("token_id", String(24), nullable=False, server_default=""),
    Index(
        "uq_commands_syncing",
        "dataset_id",
        unique=True,
        sqlite_where=_SYNCING,
        postgresql_where=_SYNCING,
    ),
    Index("ix_commands_state", "state"),
    # Syncs stay longer, and are many; exports go after a day.
    Index("ix_commands_exports", "id", sqlite_where=IS_EXPORT, postgresql_where=IS_EXPORT),
    Index("ix_commands_dataset_id", "dataset_id", "id"),
)

export_parts = Table(
    "export_parts",
    metadata,
    identifier("command_id", ForeignKey("commands.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("items", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("packed", BigInteger, nullable=False),
    Column("md5", String(24), nullable=False),
    Column("crc", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

shards = Table(
    "shards",
    metadata,
    identifier(primary_key=True),
    identifier("command_id", ForeignKey("commands.id", ondelete="CASCADE")),
    identifier("dataset_id"),
    Column("after", _Key, nullable=False),
    Column("upto", _Key),
    Column("checkpoint", _Key, nullable=False),
    Column("state", String(20), nullable=False),
    Column("owner", String(100), nullable=False),
    Column("lease_ms", BigInteger, nullable=False),
    Column("staged", Boolean, nullable=False),
    Column("listed_ms", BigInteger, nullable=False),
    Column("added", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("removed", BigInteger, nullable=False),
    Column("unchanged", BigInteger, nullable=False),
    _text("token"),
    Column("escaped", BigInteger, nullable=False, server_default=text("0")),
    Index("ix_shards_command_id", "command_id"),
)

staged_objects = Table(
    "staged_objects",
    metadata,
    Column("shard_id", String(24), ForeignKey("shards.id", ondelete="CASCADE"), primary_key=True),
    Column("path", _Key, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("etag", _Key, nullable=False),
    Column("modified_ms", BigInteger, nullable=False),
    _text("storage_class"),
    sqlite_with_rowid=False,
)

write_intents = Table(
    "write_intents",
    metadata,
    identifier(primary_key=True),
    identifier("dataset_id", ForeignKey("datasets.id", ondelete="CASCADE")),
    Column("path", _Key, nullable=False),
    identifier("user_id", ForeignKey("users.id", ondelete="CASCADE")),
    Column("at", Moment, nullable=False),
    _text("object_id"),
    _text("upload_id"),
    Column("lease_ms", BigInteger, nullable=False, server_default=text("0")),
    Column("abandoned", Boolean, nullable=False, server_default=false()),
    Index("ix_write_intents_dataset_id", "dataset_id"),
    # One writer an object: an intent that is not abandoned keeps all others out.
    Index(
        "uq_write_intents_object_id",
        "object_id",
        unique=True,
        sqlite_where=text("NOT abandoned"),
        postgresql_where=text("NOT abandoned"),
    ),
)
