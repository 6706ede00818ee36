"""Pages of items, each found by an index.

What is asked for decides the way. A folder's items lie together, in order of their ids. A glob's
literal beginning is a stretch of the paths: a short one is read and sorted; in a long one items
that fit are so many that the walk by id finds them. Neither database can know which it is, because
the texts are parameters: so it is tried out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import (
    Select,
    and_,
    asc,
    case,
    desc,
    false,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from valetkey.catalog.db import tables as t
from valetkey.catalog.db.items import late
from valetkey.catalog.db.items.filters import (
    Translator,
    glob_folder,
    glob_range,
)
from valetkey.catalog.db.items.globs import SqlCondition
from valetkey.catalog.db.items.rows import COLUMNS
from valetkey.catalog.db.items.scans import (
    FACTS,
    FOLDER,
    PATHS,
    WRITTEN,
    chosen_index,
    leads,
    using,
)
from valetkey.catalog.domain.dql.ast import Column, FilterNode, Glob, SortOrder, conjunction
from valetkey.catalog.domain.ports import ItemQuery

T = TypeVar("T")

_C = t.items.c
_LIVE = _C.deleted_ms.is_(None)
#: A stretch of this many rows is read and sorted in tens of milliseconds.
_SHORT: Final = 50_000
#: So many are looked at, in milliseconds, for how far down a page reaches.
_SAMPLE: Final = 20_000


async def page_query(
    connection: AsyncConnection, translator: Translator, number: int, query: ItemQuery
) -> Select[Any]:
    """Return the statement that reads a page."""
    parts = conjunction(query.where)
    files_only = translator.is_of_files(parts)
    index = chosen_index(translator.kind, query.where, query.orders, files_only=files_only)
    own, conditions = _own(number, index), _conditions(translator, query.where)
    if _is_never(conditions[0]):
        return select(*COLUMNS).where(false())
    wanted = [*own, *conditions]
    sorting = _sorting(translator, query, files_only=files_only)
    looked_up = _is_looked_up(translator, query, index)
    folder, stretch = _first(glob_folder, parts), _first(glob_range, parts)
    few = index == PATHS
    if folder is not None:
        index = FOLDER if translator.kind == "sqlite" else ""
        wanted.append(_C.folder == folder)
    elif stretch is not None and (
        query.orders[0].field is Column.FILENAME or await _is_short(connection, own, stretch)
    ):
        index, few = _index_of_stretch(translator, parts), True
        wanted.append(stretch)
    if few and query.orders[0].field is Column.ID:
        # Materialised, or the planner might walk by id after all.
        found = using(index, select(*COLUMNS).where(*wanted)).cte("found")
        found = found.prefix_with("MATERIALIZED")
        return _paged(select(found), [_directed(found.c.id, query.orders[0])], query)
    if not looked_up:
        return _paged(using(index, select(*COLUMNS).where(*wanted)), sorting, query)
    # The page is found without all that items have, and then its items are looked up.
    sides = sorting
    if index == WRITTEN:
        wanted = [*own, *late.in_order(conditions, translator.glances(parts))]
        sides = [late.looked_up(side) for side in sorting]
    if not _is_walk(query, parts, index):
        wanted.append(_best_bound(index, own, wanted, query, sides[0].element))
    keys = _paged(using(index, select(_C.path).where(*wanted)), sides, query)
    hits = keys.cte("hits").prefix_with("MATERIALIZED")
    there = and_(_C.dataset == number, _C.path == hits.c.path)
    return select(*COLUMNS).select_from(hits.join(t.items, there)).order_by(*sorting)


def walk_query(
    translator: Translator, number: int, where: FilterNode, after: str, limit: int
) -> Select[Any]:
    """Return the statement that reads what a filter fits above a path, in the order of paths."""
    index = PATHS if translator.kind == "sqlite" else ""
    wanted = [_C.dataset == number, _LIVE, _C.path > after, translator.condition(where)]
    parts = conjunction(where)
    stretch = _first(glob_range, parts)
    if stretch is not None and _is_of_names(parts):
        wanted.append(stretch)
    return using(index, select(*COLUMNS).where(*wanted)).order_by(_C.path).limit(limit)


def count_query(
    translator: Translator, number: int, where: FilterNode, most: int | None
) -> Select[Any]:
    """Return the statement that counts what a filter fits, up to so many, or all."""
    parts, index = conjunction(where), chosen_index(translator.kind, where)
    conditions = _conditions(translator, where)
    if _is_never(conditions[0]):
        return select(literal_column("0"))
    own = _own(number, index)
    wanted = [*own, *conditions]
    folder, stretch = _first(glob_folder, parts), _first(glob_range, parts)
    if folder is not None:
        index = FOLDER if translator.kind == "sqlite" else ""
        wanted.append(_C.folder == folder)
    elif stretch is not None:
        index = _index_of_stretch(translator, parts)
        wanted.append(stretch)
    if index == WRITTEN:
        wanted = [*own, *late.in_order(conditions, translator.glances(parts))]
    found: Select[Any] = select(literal_column("1")).select_from(t.items).where(*wanted)
    return select(func.count()).select_from(using(index, found).limit(most).subquery())


def _own(number: int, index: str) -> list[SqlCondition]:
    """Return what holds for a dataset's items, as far as an index has them."""
    own = [_C.dataset == number, _LIVE]
    return [*own, _C.metadata.is_not(None)] if index == WRITTEN else own


def _conditions(translator: Translator, where: FilterNode) -> list[SqlCondition]:
    return [translator.condition(where), *translator.leading(conjunction(where))]


def _is_never(condition: SqlCondition) -> bool:
    """Tell whether nothing fits, such as a folder where nobody made one: with nothing but false to
    go by, SQLite can't read the index that it is told to."""
    return condition.compare(false()) or condition.compare(and_(true(), false()))


def _index_of_stretch(translator: Translator, parts: list[FilterNode]) -> str:
    """A glob on file names is a stretch of the paths, one on folders of the folders."""
    if translator.kind != "sqlite":
        return ""
    return PATHS if _is_of_names(parts) else FOLDER


def _is_of_names(parts: list[FilterNode]) -> bool:
    first = next(part for part in parts if glob_range(part) is not None)
    return isinstance(first, Glob) and first.field is Column.FILENAME


def _first(find: Callable[[FilterNode], T | None], parts: list[FilterNode]) -> T | None:
    return next((found for found in map(find, parts) if found is not None), None)


async def _is_short(
    connection: AsyncConnection, own: Sequence[SqlCondition], stretch: SqlCondition
) -> bool:
    some: Select[Any] = select(literal_column("1")).select_from(t.items).where(*own, stretch)
    count = select(func.count()).select_from(some.limit(_SHORT + 1).subquery())
    return int((await connection.execute(count)).scalar_one()) <= _SHORT


def _is_walk(query: ItemQuery, parts: list[FilterNode], index: str) -> bool:
    """Tell whether an index has what is found in the order that is asked for."""
    is_folder = any(leads(part, Column.DIR) for part in parts)
    return query.orders[0].field is Column.ID and (index in {FACTS, WRITTEN} or is_folder)


def _is_looked_up(translator: Translator, query: ItemQuery, index: str) -> bool:
    """Tell whether a page is found in an index that has all that it takes, or is sorted by what no
    index has: whole items would be copied to be compared."""
    if translator.kind == "sqlite":
        return index in {FACTS, FOLDER, WRITTEN}
    return query.orders[0].field not in {Column.ID, Column.FILENAME}


def _best_bound(
    index: str,
    own: Sequence[SqlCondition],
    wanted: Sequence[SqlCondition],
    query: ItemQuery,
    side: Any,
) -> SqlCondition:
    """Return what holds for the page's rows, by as many as the page needs among some at the end of
    an index where the first ones are if the dataset grew in that order.

    The databases keep the first so many rows that they have seen in order. Where each that SQLite
    comes to is one of them for a while, that takes seven times as long as the reading.
    """
    columns = (_C.folder, _C.id) if index == FOLDER else (_C.id,)
    order, count = query.orders[0], query.offset + query.limit
    some = using(index, select(side.label("side"), and_(*wanted).label("fits")).where(*own))
    some = some.order_by(*(_directed(each, order) for each in columns)).limit(_SAMPLE)
    rows = some.subquery()
    best = select(rows.c.side).where(rows.c.fits).order_by(_directed(rows.c.side, order))
    kept = best.limit(count).subquery()
    last = (func.min if order.descending else func.max)(kept.c.side)
    bound = select(case((func.count() == count, last))).select_from(kept).scalar_subquery()
    return func.coalesce(side >= bound if order.descending else side <= bound, true())


def _sorting(translator: Translator, query: ItemQuery, *, files_only: bool) -> list[Any]:
    """Return what to sort by, up to what decides. Files alone are in the order of their paths,
    which is an index's; with folders among them, whose paths end in ``/``, it takes the name as it
    is shown."""
    sorting: list[Any] = []
    for order in query.orders:
        if order.field is Column.FILENAME and files_only:
            return [*sorting, _directed(_C.path, order)]
        sorting.append(_directed(translator.order(order.field), order))
        if order.field is Column.ID:
            break
    return sorting


def _directed(side: Any, order: SortOrder) -> Any:
    return desc(side) if order.descending else asc(side)


def _paged(statement: Select[Any], sorting: Sequence[Any], query: ItemQuery) -> Select[Any]:
    return statement.order_by(*sorting).limit(query.limit).offset(query.offset)
