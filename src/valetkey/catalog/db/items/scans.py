"""Which index a search reads when it has to look through all items of a dataset.

SQLite is told: without statistics it does not know that an index is an eighth of the items, and
with them it can't know what a filter fits. PostgreSQL looks through the items side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Select
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler

from valetkey.catalog.db import tables as t
from valetkey.catalog.domain.dql.ast import (
    All,
    Column,
    Compare,
    Contains,
    Either,
    Equal,
    Exists,
    Field,
    FilterNode,
    Glob,
    MetadataValue,
    Not,
    SortOrder,
    conjunction,
)
from valetkey.catalog.domain.dql.glob import literal_prefix

#: The index with what most filters and sorts need.
FACTS: Final = "INDEXED BY ix_items_facts"
#: The index over items with metadata, and over those metadata.
WRITTEN: Final = "INDEXED BY ix_items_documents"
#: A folder's items, in order of their ids; the whole of it has all names and folders.
FOLDER: Final = "INDEXED BY ix_items_dataset_folder_id"
MADE_FOLDERS: Final = "INDEXED BY ix_items_made_folders"
#: The items themselves, which lie in order of their paths.
PATHS: Final = "NOT INDEXED"
_IN_FACTS: Final = frozenset(
    {
        Column.ID,
        Column.FILENAME,
        Column.TYPE,
        Column.SIZE,
        Column.MIMETYPE,
        Column.CREATED_AT,
        Column.UPDATED_AT,
    }
)
_IN_FOLDER: Final = frozenset({Column.ID, Column.FILENAME, Column.NAME, Column.DIR, Column.TYPE})
_KNOWN: Final = _IN_FACTS | _IN_FOLDER


class IndexedCompiler(SQLiteCompiler):
    """Writes which index is read where a statement says it: SQLAlchemy leaves that out."""

    def get_from_hint_text(self, table: Any, text: str | None) -> str | None:  # noqa: ARG002
        return text


def chosen_index(
    kind: str, where: FilterNode, orders: Sequence[SortOrder] = (), *, files_only: bool = False
) -> str:
    """Return which index a search reads, as SQLite is told; empty where it chooses. With
    ``files_only`` no folder that somebody made fits."""
    parts = conjunction(where)
    if kind != "sqlite":
        return ""
    if Equal(Column.TYPE, "dir") in parts:
        return MADE_FOLDERS
    for column, index in ((Column.ID, FACTS), (Column.FILENAME, PATHS), (Column.DIR, FOLDER)):
        if any(leads(part, column) for part in parts):
            return index
    fields = {*fields_of(where), *(order.field for order in orders)}
    by_path = bool(orders) and orders[0].field is Column.FILENAME
    if by_path and files_only and not _picks_few(parts, fields):
        return PATHS
    if any(map(_needs_metadata, parts)):
        return WRITTEN
    walks = any(isinstance(part, Compare) and part.field is Column.ID for part in parts)
    by_id = bool(orders) and orders[0].field is Column.ID
    # A condition on folders that leads nowhere fits most items: the first ones are soon found.
    is_soon_found = by_id and Column.NAME not in fields and fields <= _KNOWN
    return FACTS if walks or is_soon_found else _covering(fields)


def _covering(fields: set[Field]) -> str:
    """Return the index that has fields, or all but names: those are looked up only of items that
    the rest fits."""
    if not fields <= _IN_FACTS and fields <= _IN_FOLDER:
        return FOLDER
    return FACTS if fields <= _KNOWN else ""


def using(index: str, statement: Select[Any]) -> Select[Any]:
    """Return a statement that reads an index, if one is named."""
    return statement.with_hint(t.items, index, "sqlite") if index else statement


def leads(node: FilterNode, column: Column) -> bool:
    """Tell whether a condition leads to few items, by an index over a column."""
    match node:
        case Equal(field, str()):
            return field is column
        case Either(parts) if parts:
            return all(leads(part, column) for part in parts)
        case _:
            return False


def _picks_few(parts: Sequence[FilterNode], fields: set[Field]) -> bool:
    """Tell whether what fits has to be looked for, in an index: to walk over the items themselves,
    in the order that is asked for, reads eight times as much. A stretch of paths is a walk."""
    if any(_is_stretch(part) for part in parts) or len(parts) == 1:
        return False
    return fields <= _IN_FACTS or any(map(_needs_metadata, parts))


def _is_stretch(node: FilterNode) -> bool:
    return isinstance(node, Glob) and node.field is Column.FILENAME and _begins(node.pattern)


def _begins(pattern: str) -> bool:
    return pattern.startswith("/") and bool(literal_prefix(pattern)[1:])


def _needs_metadata(node: FilterNode) -> bool:
    """Tell whether a condition can't hold for an item without metadata."""
    match node:
        case Equal(MetadataValue(), value):
            return value is not None
        case (
            Compare(MetadataValue())
            | Contains(MetadataValue())
            | Glob(MetadataValue())
            | Exists(MetadataValue())
        ):
            return True
        case Either(parts) if parts:
            return all(map(_needs_metadata, parts))
        case _:
            return False


def fields_of(node: FilterNode) -> Iterator[Field]:
    """Yield the fields that a filter looks at."""
    match node:
        case All(parts) | Either(parts):
            for part in parts:
                yield from fields_of(part)
        case Not(part):
            yield from fields_of(part)
        case _:
            yield node.field
