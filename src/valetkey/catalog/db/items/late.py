"""What a search over the index of metadata asks of an item itself, as late as can be.

SQLite goes to an item where a statement names a column that the index lacks, before it looks at
anything the index has. So such columns are looked up here, each by a small statement of its own:
SQLite runs these last, for the items alone that all else fits. What takes longest, to look into a
document, comes after them, and a glance at the document's text before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, and_, case, false, select, true
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import BooleanClauseList

from valetkey.catalog.db import tables as t
from valetkey.catalog.db.items.globs import SqlCondition

#: What the index over metadata has beside these: it ends with the items' key.
_KEYS: Final = frozenset({"dataset", "path", "id", "deleted_ms"})
_DOCUMENT: Final = frozenset({"metadata"})
_SAME: Final = t.items.alias("same")


def in_order(
    conditions: Sequence[SqlCondition], glances: Sequence[SqlCondition]
) -> list[SqlCondition]:
    """Return conditions in the order in which they are best asked; ``glances`` follow from them."""
    parts = [part for condition in conditions for part in _parts(condition)]
    late = [part for part in parts if not _columns(part) <= _KEYS | _DOCUMENT]
    if not late:
        return list(conditions)
    early = [part for part in parts if _columns(part) <= _KEYS]
    documents = [
        part
        for part in parts
        if not _columns(part) <= _KEYS and _columns(part) <= _KEYS | _DOCUMENT
    ]
    rest = case((and_(*map(looked_up, late)), and_(true(), *documents)), else_=false())
    return [*early, *glances, rest]


def looked_up(side: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a part of a statement with each column that the index lacks looked up."""

    def replaced(element: Any, **_: Any) -> Any:
        if not _is_of_item(element) or element.name in _KEYS | _DOCUMENT:
            return None
        same = (_SAME.c.dataset == t.items.c.dataset, _SAME.c.path == t.items.c.path)
        return select(_SAME.c[element.name]).where(*same).correlate(t.items).scalar_subquery()

    found: ColumnElement[Any] = visitors.replacement_traverse(side, {}, replaced)
    return found


def _parts(condition: SqlCondition) -> Iterator[SqlCondition]:
    if isinstance(condition, BooleanClauseList) and condition.operator is operators.and_:
        for part in condition.clauses:
            yield from _parts(part)
    else:
        yield condition


def _columns(element: SqlCondition) -> frozenset[str]:
    parts: Iterator[Any] = visitors.iterate(element)
    return frozenset(part.name for part in parts if _is_of_item(part))


def _is_of_item(part: Any) -> bool:
    return isinstance(part, Column) and part.table is t.items
