"""Folders: those that somebody made, and those that merely hold items, which have no row.

However many there are, they are walked in the order of their paths, some thousands at a time: no
list of all of them is held. In that order all that lies below a folder follows it at once, so that
a folder that only holds others is met first just before the first of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any, Final

from valetkey.catalog.domain.dataset import Dataset, Item, folder_id
from valetkey.catalog.domain.dql import matches
from valetkey.catalog.domain.dql.ast import (
    All,
    Column,
    Equal,
    FilterNode,
    SortOrder,
    conjunction,
)
from valetkey.catalog.domain.ports import CatalogWork
from valetkey.domain.errors import TooLarge

#: A list of folders is looked for among so many at most; a tree has no limit.
MAX_FOLDERS: Final = 1_000_000
IS_FOLDER: Final = Equal(Column.TYPE, "dir")
#: So many are read at a time.
PAGE: Final = 1_000
#: So many are compared, in two or three milliseconds, before others are served.
SLICE: Final = 250


async def holding_folders(work: CatalogWork, dataset: Dataset, after: str) -> Sequence[str]:
    """Return the next folders that hold items, in order, each ending in ``/``, above ``after``; the
    root is left out. Fewer than :data:`PAGE` are the last ones."""
    return await work.items.folders(dataset, after=after, limit=PAGE)


async def folder_path(work: CatalogWork, dataset: Dataset, item_id: str) -> str | None:
    """Return the path of the folder with an id, whether somebody made it or it merely holds
    items; None if there is none. Raises TooLarge."""
    item = await work.items.get(item_id)
    if item is not None and item.dataset_id == dataset.id and item.is_folder:
        return item.path
    async for path in _implied(work, dataset):
        if folder_id(dataset.id, path) == item_id:
            return path
    return None


async def fitting_folders(
    work: CatalogWork,
    dataset: Dataset,
    where: FilterNode,
    orders: Sequence[SortOrder],
    *,
    offset: int,
    size: int,
) -> tuple[list[Item], int]:
    """Return a page of the folders that a filter fits, of both kinds, sorted, and how many fit.
    Raises TooLarge."""
    best: list[Item] = []
    count, wanted, seen = 0, offset + size, 0
    rest = All(tuple(part for part in conjunction(where) if part != IS_FOLDER))
    async for item in _all(work, dataset):
        seen += 1
        if not seen % SLICE:
            await asyncio.sleep(0)
        if rest.parts and not matches(rest, item.columns(), item.metadata):
            continue
        count += 1
        best.append(item)
        if len(best) > 2 * wanted + PAGE:
            best = _sorted(best, orders)[:wanted]
    return _sorted(best, orders)[offset:wanted], count


async def folders_above(
    work: CatalogWork, dataset: Dataset, where: FilterNode, *, after: str, within: str, size: int
) -> list[Item]:
    """Return the next folders that a filter fits, of both kinds, in the order of their paths, above
    ``after`` and in the folder ``within``: each part of a walk is found as quickly as the first."""
    found: list[Item] = []
    async for item in _all(work, dataset, max(after, within)):
        if not item.path.startswith(within) or len(found) == size:
            break
        if matches(where, item.columns(), item.metadata):
            found.append(item)
    return found


def _sorted(items: list[Item], orders: Sequence[SortOrder]) -> list[Item]:
    for order in reversed(orders):
        items.sort(key=partial(_value, order.field), reverse=order.descending)
    return items


async def _all(work: CatalogWork, dataset: Dataset, after: str = "") -> AsyncIterator[Item]:
    """Iterate over folders of both kinds in the order of their paths, above ``after``: two decks,
    merged."""
    made = _made(work, dataset, after)
    own = await anext(made, None)
    async for path in _implied(work, dataset, after):
        while own is not None and own.path < path:
            yield own
            own = await anext(made, None)
        if own is not None and own.path == path:
            yield own
            own = await anext(made, None)
        else:
            yield _without_row(dataset, path)
    while own is not None:
        yield own
        own = await anext(made, None)


async def _made(work: CatalogWork, dataset: Dataset, after: str) -> AsyncIterator[Item]:
    more = True
    while more:
        found = await work.items.walk(dataset, IS_FOLDER, after=after, limit=PAGE)
        for item in found:
            yield item
        after, more = found[-1].path if found else after, len(found) == PAGE


async def _implied(work: CatalogWork, dataset: Dataset, after: str = "") -> AsyncIterator[str]:
    """Iterate over folders that hold items, and those that hold them, but for the root, above the
    folder ``after``. What holds that one comes before it, and is not told again."""
    before = after[:-1].split("/") if after else []
    more, count = True, 0
    while more:
        found = await holding_folders(work, dataset, after)
        for folder in found:
            parts = folder[:-1].split("/")
            for depth in range(shared(before, parts) + 1, len(parts) + 1):
                yield "/".join(parts[:depth]) + "/"
            before = parts
        count += len(found)
        if count > MAX_FOLDERS:
            raise TooLarge(
                f"The dataset has more than {MAX_FOLDERS} folders.",
                hint="List one folder's items instead: {'dir': '/a'}, or {'filename': '/a/**'}.",
            )
        after, more = found[-1] if found else after, len(found) == PAGE
        await asyncio.sleep(0)


def shared(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many parts of two paths are the same, from their beginning."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count


def _without_row(dataset: Dataset, path: str) -> Item:
    return Item(
        id=folder_id(dataset.id, path),
        dataset_id=dataset.id,
        path=path,
        size=0,
        etag="",
        mimetype="",
        creator=dataset.creator,
        modified_at=None,
        created_at=dataset.created_at,
        updated_at=dataset.created_at,
    )


def _value(field: Column, item: Item) -> Any:
    return item.id if field is Column.ID else item.columns()[field]
