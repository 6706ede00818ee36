"""The fields that filters and sorts name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from valetkey.catalog.domain.dql.ast import Column, Field, MetadataValue, Scalar, SortOrder
from valetkey.catalog.domain.dql.values import check_text, refused, shown

_MAX_PATH: Final = 16
_MAX_SORTS: Final = 4

#: A name that an item's field has in the API. What an object was called is what it is called.
_COLUMNS: Final = {column.value: column for column in Column} | {
    "metadata.system.originalname": Column.NAME
}
MOMENTS: Final = frozenset({Column.CREATED_AT, Column.UPDATED_AT})
#: Fields in which ``*`` is a wildcard.
GLOBBED: Final = frozenset(
    {Column.FILENAME, Column.DIR, Column.NAME, Column.MIMETYPE, Column.DESCRIPTION}
)
#: Those of them that are paths, in which ``*`` stays in its folder.
PATHS: Final = frozenset({Column.FILENAME, Column.DIR})
#: Fields of Dataloop's items that are the same for every item here.
CONSTANTS: Final[Mapping[str, Scalar]] = {
    "hidden": False,
    "annotated": False,
    "annotationsCount": 0,
    "srcItem": None,
    "updatedBy": None,
}
#: Dataloop's collections, which an item can only have in its metadata here: the SDK asks for items
#: that are in none of them.
_COLLECTION: Final = re.compile(r"collections\d")
_SORTABLE: Final = frozenset(
    {
        Column.ID,
        Column.FILENAME,
        Column.NAME,
        Column.DIR,
        Column.CREATED_AT,
        Column.UPDATED_AT,
        Column.SIZE,
        Column.MIMETYPE,
        Column.TYPE,
    }
)


def parse_field(name: str) -> Field:
    r"""Read a field's name; in metadata, ``\.`` is a dot within a key. Raises InvalidInput."""
    if name in _COLUMNS:
        return _COLUMNS[name]
    if _COLLECTION.fullmatch(name):
        return MetadataValue(("system", "collections", name))
    first, *rest = _keys(name)
    if first != "metadata" or not rest:
        known = ", ".join([*_COLUMNS, *CONSTANTS])
        raise refused(f"Items have no field {shown(name)}.", f"{known}, or metadata.user.KEY")
    if len(rest) > _MAX_PATH or not all(map(_usable_key, rest)):
        raise refused(
            f"{shown(name)} can't be looked up.",
            f"at most {_MAX_PATH} keys, without quotes, backslashes or control characters "
            "(a dot within a key is written \\.)",
        )
    check_text(name)
    return MetadataValue(tuple(rest))


def _keys(name: str) -> list[str]:
    """Split a path at its dots, but for those behind a backslash."""
    parts = name.split(".")
    keys = [parts[0]]
    for part in parts[1:]:
        if keys[-1].endswith("\\"):
            keys[-1] = f"{keys[-1][:-1]}.{part}"
        else:
            keys.append(part)
    return keys


def _usable_key(key: str) -> bool:
    return bool(key) and not any(letter in '"\\' or letter < " " for letter in key)


def parse_sort(document: object) -> tuple[SortOrder, ...]:
    """Read ``{field: "ascending" | "descending", ...}``, the first one counting most.

    What is left out is sorted by id at last, so that each item has its place. Nothing, or an empty
    object, is by id alone; and so is ``createdAt`` with ``id``, since ids are in the order in which
    items came. Raises InvalidInput.
    """
    if document is None:
        document = {}
    if not isinstance(document, Mapping) or len(document) > _MAX_SORTS:
        raise refused(
            "A sort is a few fields, each with its direction.", 'such as {"id": "ascending"}'
        )
    orders = [_order(name, direction) for name, direction in document.items()]
    last = orders[-1].descending if orders else False
    if [each.field for each in orders] == [Column.CREATED_AT, Column.ID]:
        del orders[0]
    if Column.ID not in {each.field for each in orders}:
        orders.append(SortOrder(Column.ID, last))
    return tuple(orders)


def _order(name: object, direction: object) -> SortOrder:
    field = _COLUMNS.get(name) if isinstance(name, str) else None
    if field not in _SORTABLE or direction not in ("ascending", "descending"):
        fields = ", ".join(column.value for column in Column if column in _SORTABLE)
        raise refused(
            f"Items can't be sorted by {shown(name)}, {shown(direction)}.",
            f"one of {fields} with 'ascending' or 'descending'",
        )
    return SortOrder(field, direction == "descending")
