"""Items and their rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Row, Text, bindparam, cast
from sqlalchemy.dialects.postgresql import JSONB

from valetkey.catalog.db import tables as t
from valetkey.catalog.domain.dataset import Dataset, Item, folder_of
from valetkey.domain.ports.objects import to_ms

#: The columns that make an item; ``id`` of the dataset is known to whoever asks.
COLUMNS = (
    t.items.c.path,
    t.items.c.id,
    t.items.c.size,
    t.items.c.etag,
    t.items.c.mimetype,
    t.items.c.creator,
    t.items.c.modified_ms,
    t.items.c.created_ms,
    t.items.c.updated_ms,
    t.items.c.metadata,
    t.items.c.description,
    t.items.c.storage_class,
)


def to_item(dataset_id: str, row: Row[Any]) -> Item:
    """Build an item from its row."""
    return Item(
        id=row.id,
        dataset_id=dataset_id,
        path=row.path,
        size=row.size,
        etag=row.etag,
        mimetype=row.mimetype,
        creator=row.creator,
        modified_at=None if row.modified_ms is None else moment(row.modified_ms),
        created_at=moment(row.created_ms),
        updated_at=moment(row.updated_ms),
        metadata=row.metadata or {},
        description=row.description or "",
        storage_class=row.storage_class,
    )


def item_row(dialect: Dialect, dataset: Dataset, item: Item, touched_ms: int) -> dict[str, Any]:
    """Return an item's columns."""
    return {
        "dataset": dataset.number,
        "path": item.path,
        "id": item.id,
        "folder": folder_of(item.path),
        "size": item.size,
        "etag": item.etag,
        "mimetype": item.mimetype,
        "creator": item.creator,
        "modified_ms": None if item.modified_at is None else to_ms(item.modified_at),
        "created_ms": to_ms(item.created_at),
        "updated_ms": to_ms(item.updated_at),
        "touched_ms": touched_ms,
        "deleted_ms": None,
        "metadata": document(dialect, item.metadata),
        "description": item.description or None,
        "storage_class": item.storage_class,
    }


def document(dialect: Dialect, metadata: Mapping[str, Any]) -> ColumnElement[Any] | None:
    """Return metadata as the database keeps it; None for none."""
    text = document_text(metadata)
    return None if text is None else as_document(dialect, bindparam(None, text, type_=Text()))


def document_text(metadata: Mapping[str, Any]) -> str | None:
    """Return metadata as JSON; None for none.

    Keys stand in it as they are, not as escapes: SQLite's JSON paths compare them so.
    """
    if not metadata:
        return None
    return json.dumps(metadata, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def as_document(dialect: Dialect, given: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return JSON that is given as text as a document."""
    return cast(given, JSONB) if dialect.name == "postgresql" else given


def moment(milliseconds: int) -> datetime:
    """Return the moment of a number of milliseconds since 1970."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
