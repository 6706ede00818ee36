"""What a filter means, in memory. The databases' translations are tested against this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

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
    Not,
    Scalar,
)
from valetkey.catalog.domain.dql.glob import glob_matches

_MISSING: Final = object()

#: An item's columns (moments in milliseconds) and its metadata as a JSON object.
Columns = Mapping[Column, Scalar]


def matches(node: FilterNode, columns: Columns, metadata: Mapping[str, Any]) -> bool:
    """Tell whether an item fits a filter."""
    match node:
        case All(parts):
            return all(matches(part, columns, metadata) for part in parts)
        case Either(parts):
            return any(matches(part, columns, metadata) for part in parts)
        case Not(part):
            return not matches(part, columns, metadata)
        case _:
            value = _value(node.field, columns, metadata)
            if isinstance(value, list) and not isinstance(node, Exists):
                return any(_test(node, element) for element in value)
            return _test(node, value)


def _value(field: Field, columns: Columns, metadata: Mapping[str, Any]) -> object:
    if isinstance(field, Column):
        return columns[field]
    found: object = metadata
    for key in field.path:
        if not isinstance(found, Mapping) or key not in found:
            return _MISSING
        found = found[key]
    return found


def _test(node: Equal | Compare | Glob | Contains | Exists, value: object) -> bool:
    match node:
        case Exists():
            return value is not _MISSING
        case Equal(_, None):
            return value is None or value is _MISSING
        case Equal(_, wanted):
            return value == wanted and _kind(value) == _kind(wanted)
        case Compare(_, operator, wanted):
            return _kind(value) == _kind(wanted) and _ordered(operator, value, wanted)
        case Glob(_, pattern):
            return isinstance(value, str) and glob_matches(pattern, value)
        case Contains(_, text):
            return isinstance(value, str) and text in value


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "other"


def _ordered(operator: str, value: Any, wanted: Any) -> bool:
    if operator == "<":
        return bool(value < wanted)
    if operator == "<=":
        return bool(value <= wanted)
    if operator == ">":
        return bool(value > wanted)
    return bool(value >= wanted)
