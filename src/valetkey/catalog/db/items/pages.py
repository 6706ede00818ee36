"""Pages of items, each found by an index.

What is asked for decides the way. A folder's items lie together, in order of their ids. A glob's
literal beginning is a stretch of the paths: a short one is read and sorted; in a long one items
that fit are so many that the walk by id finds them. Neither database can know which it is, because
the texts are parameters: so it is tried out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, asc, desc, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from valetkey.catalog.db import tables as t
from valetkey.catalog.db.items.documents import Condition
from valetkey.catalog.db.items.filters import (
    Translator,
    column,
    glob_folder,
    glob_range,
)
from valetkey.catalog.db.items.rows import COLUMNS
from valetkey.catalog.domain.dql.ast import Column, Equal, Node, Order, conjunction
from valetkey.catalog.domain.ports import ItemQuery

_C = t.items.c
_LIVE = _C.deleted_ms.is_(None)
#: A stretch of this many rows is read and sorted in tens of milliseconds.
_SHORT: Final = 50_000


async def page_query(
    connection: AsyncConnection, translator: Translator, number: int, query: ItemQuery
) -> Select[Any]:
    """Return the statement that reads a page."""
    parts = conjunction(query.where)
    own = [_C.dataset == number, _LIVE]
    wanted = [*own, translator.condition(query.where)]
    folder = next((found for found in map(glob_folder, parts) if found is not None), None)
    stretch = next((found for found in map(glob_range, parts) if found is not None), None)
    if folder is not None:
        wanted.append(_C.folder == folder)
    elif stretch is not None and (
        query.orders[0].field is Column.FILENAME or await _is_short(connection, own, stretch)
    ):
        wanted.append(stretch)
        if query.orders[0].field is Column.ID:
            # Materialised, or the planner might walk by id after all.
            hits = select(*COLUMNS).where(*wanted).cte("hits").prefix_with("MATERIALIZED")
            return _paged(select(hits), [_directed(hits.c.id, query.orders[0])], query)
    return _paged(select(*COLUMNS).where(*wanted), _sorting(query, parts), query)


async def _is_short(
    connection: AsyncConnection, own: Sequence[Condition], stretch: Condition
) -> bool:
    some: Select[Any] = select(literal_column("1")).select_from(t.items).where(*own, stretch)
    count = select(func.count()).select_from(some.limit(_SHORT + 1).subquery())
    return int((await connection.execute(count)).scalar_one()) <= _SHORT


def _sorting(query: ItemQuery, parts: list[Node]) -> list[Any]:
    """Return what to sort by, up to what decides. Files alone are in the order of their paths,
    which is an index's; with folders among them, whose paths end in ``/``, it takes the name as it
    is shown."""
    sorting: list[Any] = []
    for order in query.orders:
        if order.field is Column.FILENAME and Equal(Column.TYPE, "file") in parts:
            return [*sorting, _directed(_C.path, order)]
        sorting.append(_directed(column(order.field), order))
        if order.field is Column.ID:
            break
    return sorting


def _directed(side: Any, order: Order) -> Any:
    return desc(side) if order.descending else asc(side)


def _paged(statement: Select[Any], sorting: Sequence[Any], query: ItemQuery) -> Select[Any]:
    return statement.order_by(*sorting).limit(query.limit).offset(query.offset)
