"""Reading the index: pages of items, one item, the tree of folders."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final

from valetkey.catalog.domain.dataset import Dataset, Item
from valetkey.catalog.domain.dql.ast import Column, Compare, Equal, FilterNode, conjunction
from valetkey.catalog.domain.dql.fields import parse_sort
from valetkey.catalog.domain.dql.parse import parse_filter
from valetkey.catalog.domain.ports import CatalogStorage, CatalogWork, ItemQuery
from valetkey.catalog.services.items.dataset_storage import DatasetStorageRepository
from valetkey.catalog.services.items.folders import (
    IS_FOLDER,
    PAGE,
    fitting_folders,
    folders_above,
    holding_folders,
)
from valetkey.catalog.services.items.selection import by_exact_names
from valetkey.catalog.services.nouns import LIST_ITEMS, READ_ITEM
from valetkey.catalog.services.turns import Turns
from valetkey.domain.errors import TooLarge
from valetkey.services.audit import Caller

MAX_PAGE: Final = 1000
#: What a filter fits beyond this is not counted.
MAX_COUNTED: Final = 10_000
_MAX_OFFSET: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page: ``where`` and ``sort`` as JSON, ``page`` counted from 0 in pages of ``size``.
    With ``by_name``, a file name with ``*`` that an item has means that item."""

    where: Any
    sort: Any = None
    page: int = 0
    size: int = MAX_PAGE
    by_name: bool = False


@dataclass(frozen=True, slots=True)
class ItemsPage:
    """Part of a list. ``total`` is None on the later pages of a walk by id, where counting again
    would cost more than the page. With ``is_bounded`` it is the least that it can be: there are
    at least :data:`MAX_COUNTED`, and more were not counted."""

    items: Sequence[Item]
    has_next: bool
    total: int | None
    is_bounded: bool = False


class ItemReading:
    """Lists and shows items; members of a project may."""

    def __init__(
        self, storage: CatalogStorage, stores: DatasetStorageRepository, turns: Turns
    ) -> None:
        self._storage = storage
        self._stores = stores
        self._turns = turns

    async def page(self, caller: Caller, dataset_id: str, wanted: PageRequest) -> ItemsPage:
        """Return the items that a filter fits.

        Raises InvalidInput, NotFound, Denied, TooManyRequests, TookTooLong.
        """
        store = await self._stores.of_dataset(caller, dataset_id, LIST_ITEMS)
        where = parse_filter(wanted.where)
        offset = _offset(wanted.page, wanted.size)
        orders = parse_sort(wanted.sort)
        async with self._turn(caller), self._storage.search() as work:
            if wanted.by_name:
                where = await by_exact_names(work, store.dataset, where)
            if IS_FOLDER in conjunction(where):
                shown, count = await fitting_folders(
                    work, store.dataset, where, orders, offset=offset, size=wanted.size
                )
                return ItemsPage(shown, offset + len(shown) < count, count)
            query = ItemQuery(where, orders, limit=wanted.size + 1, offset=offset)
            found = await work.items.page(store.dataset, query) if wanted.size else []
            total, is_bounded = await _total(work, store.dataset, query, len(found))
        has_next = len(found) > wanted.size if wanted.size else False
        return ItemsPage(found[: wanted.size], has_next, total, is_bounded)

    async def walk(
        self, caller: Caller, dataset_id: str, where: Any, *, after: str, size: int
    ) -> ItemsPage:
        """Return the next items that a filter fits, in the order of their paths, above ``after``;
        folders that merely hold items are not among them. The total is not counted.

        Raises as :meth:`page` does.
        """
        store = await self._stores.of_dataset(caller, dataset_id, LIST_ITEMS)
        node = parse_filter(where)
        async with self._turn(caller), self._storage.search() as work:
            found = await work.items.walk(store.dataset, node, after=after, limit=size + 1)
        return ItemsPage(found[:size], len(found) > size, None)

    async def walk_folders(
        self,
        caller: Caller,
        dataset_id: str,
        where: Any,
        *,
        after: str,
        size: int,
        within: str = "",
    ) -> ItemsPage:
        """Return the next folders that a filter fits, made ones and those that merely hold items,
        in the order of their paths, above ``after``; ``within`` is the path of the folder that
        holds them all. Raises as :meth:`page` does."""
        store = await self._stores.of_dataset(caller, dataset_id, LIST_ITEMS)
        node = parse_filter(where)
        async with self._turn(caller), self._storage.search() as work:
            found = await folders_above(
                work, store.dataset, node, after=after, within=within, size=size + 1
            )
        return ItemsPage(found[:size], len(found) > size, None)

    async def at(self, caller: Caller, dataset_id: str, path: str) -> Item | None:
        """Return the item of just this path (a folder's ends in ``/``), if any. Raises NotFound,
        Denied."""
        store = await self._stores.of_dataset(caller, dataset_id, LIST_ITEMS)
        async with self._storage.read() as work:
            return await work.items.by_path(store.dataset, path)

    async def every(self, caller: Caller, dataset_id: str, where: Any) -> AsyncIterator[Item]:
        """Iterate over all items that a filter fits, in the order of their paths, however many;
        whoever reads slowly holds up nobody. Raises as :meth:`page` does, before the first one and
        when the right to it ends."""
        after, more = "", True
        while more:
            page = await self.walk(caller, dataset_id, where, after=after, size=MAX_PAGE)
            for item in page.items:
                yield item
            after, more = page.items[-1].path if page.items else after, page.has_next

    async def get(self, caller: Caller, item_id: str) -> Item:
        """Return an item. Raises NotFound, Denied."""
        _, item = await self._stores.of_item(caller, item_id, READ_ITEM)
        return item

    async def folders(self, caller: Caller, dataset_id: str) -> AsyncIterator[Sequence[str]]:
        """Iterate over the folders that hold items, in order, some at a time, each ending in ``/``,
        the root left out. Whoever reads slowly holds up nobody.

        Raises NotFound, Denied, TooManyRequests, TookTooLong, before the first ones and when the
        right to them ends.
        """
        after, more = "", True
        while more:
            store = await self._stores.of_dataset(caller, dataset_id, LIST_ITEMS)
            async with self._turn(caller), self._storage.search() as work:
                found = await holding_folders(work, store.dataset, after)
            yield found
            after, more = found[-1] if found else after, len(found) == PAGE

    def _turn(self, caller: Caller) -> AbstractAsyncContextManager[None]:
        return self._turns.take(caller.principal.user_id)


def _offset(page: int, size: int) -> int:
    offset = page * size
    if offset > _MAX_OFFSET:
        raise TooLarge(
            f"Page {page} of {size} starts too far in.",
            hint='Go on by id instead: sort by id, and filter with {"id": {"$gt": LAST_ID}}.',
            field="page",
        )
    return offset


async def _total(
    work: CatalogWork, dataset: Dataset, query: ItemQuery, found: int
) -> tuple[int | None, bool]:
    """Count what a filter fits, where that costs no more than the page did; and tell whether there
    may be more."""
    parts = conjunction(query.where)
    if _is_rest_of_walk(parts):
        return None, False
    if parts == [Equal(Column.TYPE, "file")]:
        return await work.datasets.item_count(dataset), False
    if 0 < found < query.limit or (not found and not query.offset and query.limit > 1):
        return query.offset + found, False
    counted = await work.items.count(dataset, query.where, most=MAX_COUNTED)
    return counted, counted == MAX_COUNTED


def _is_rest_of_walk(parts: Sequence[FilterNode]) -> bool:
    """Tell whether a filter goes on beyond the last id of another page. A range of ids is none:
    Dataloop's SDK cuts what it exports by how many items are in one."""
    bounds = [part for part in parts if isinstance(part, Compare) and part.field is Column.ID]
    return len(bounds) == 1 and bounds[0].operator in {">", "<"}
