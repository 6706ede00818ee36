"""What people wrote on items, many items at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Text, Update, bindparam, update
from sqlalchemy.ext.asyncio import AsyncConnection

from valetkey.catalog.db import tables as t
from valetkey.catalog.db.items import sqlite_rows
from valetkey.catalog.db.items.rows import as_document, document_text
from valetkey.catalog.domain.dataset import Dataset, Item
from valetkey.domain.ports.objects import to_ms

_COLUMNS: Final = ("path", "id", "metadata", "description", "updated_ms")
_C = t.items.c
_OF_SQLITE: Final = f"""
WITH new ({", ".join(_COLUMNS)}) AS ({{rows}})
UPDATE items SET metadata = new.metadata, description = new.description,
  updated_ms = new.updated_ms
FROM new
WHERE items.dataset = ?1 AND items.path = new.path AND items.id = new.id
  AND items.deleted_ms IS NULL"""  # noqa: S608  # our own names


async def write(connection: AsyncConnection, dataset: Dataset, items: Sequence[Item]) -> None:
    """Store metadata and descriptions of items that are there."""
    rows = [
        (
            item.path,
            item.id,
            document_text(item.metadata),
            item.description or None,
            to_ms(item.updated_at),
        )
        for item in items
    ]
    if connection.dialect.name == "sqlite":
        await sqlite_rows.run(connection, _OF_SQLITE, (dataset.number,), rows)
    elif rows:
        named: list[dict[str, Any]] = [
            {f"new_{name}": value for name, value in zip(_COLUMNS, row, strict=True)}
            for row in rows
        ]
        await connection.execute(_of_postgresql(connection, dataset), named)


def _of_postgresql(connection: AsyncConnection, dataset: Dataset) -> Update:
    new: dict[str, Any] = {name: bindparam(f"new_{name}") for name in _COLUMNS}
    given = bindparam("new_metadata", type_=Text())
    return (
        update(t.items)
        .where(_C.dataset == dataset.number, _C.path == new["path"], _C.id == new["id"])
        .where(_C.deleted_ms.is_(None))
        .values(
            metadata=as_document(connection.dialect, given),
            description=new["description"],
            updated_ms=new["updated_ms"],
        )
    )
