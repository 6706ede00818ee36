"""Which items a bulk change is of: what a filter fits, held to what the caller expects of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from valetkey.catalog.domain.dataset import Dataset, Item
from valetkey.catalog.domain.dql.ast import (
    All,
    Column,
    Compare,
    Either,
    Equal,
    FilterNode,
    Glob,
    SortOrder,
)
from valetkey.catalog.domain.dql.parse import parse_filter
from valetkey.catalog.domain.ports import CatalogStorage, CatalogWork, ItemQuery
from valetkey.catalog.services.pace import PART, rest
from valetkey.counting import counted
from valetkey.domain.errors import Conflict, InvalidInput, TooLarge

MAX_EXPECTED_IDS: Final = 5000


@dataclass(frozen=True, slots=True)
class Selection:
    """A filter as JSON, and what it has to fit: so many items, or just these ids; None is whatever
    it fits. With ``dry_run`` nothing is changed."""

    where: Any
    expected_count: int | None = None
    expected_ids: Sequence[str] | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Selected:
    """The items of a selection: ``where`` fits them, ``count`` of them."""

    where: FilterNode
    count: int | None

    def part(self, fits: FilterNode, *, before: int = 0) -> Selected:
        """Return those that fit something else too; so many others were counted ``before``."""
        count = None if self.count is None else self.count - before
        return Selected(All((self.where, fits)), count)


async def select(storage: CatalogStorage, dataset: Dataset, selection: Selection) -> Selected:
    """Look at what a selection is of, before anything is changed.

    A file name with ``*`` that an item has means that item. Raises InvalidInput (also for an empty
    filter: nothing is never everything), TooLarge, Conflict (it fits other items than expected).
    """
    where = parse_filter(selection.where)
    if isinstance(where, All) and not where.parts:
        raise InvalidInput(
            "The filter is empty, and nothing is never everything.",
            hint='To mean all files, say so: {"type": "file"}.',
            field="filter",
        )
    async with storage.search() as work:
        where = await by_exact_names(work, dataset, where)
        if selection.expected_ids is not None:
            return await _held_to_ids(work, dataset, where, selection.expected_ids)
        if selection.expected_count is None and not selection.dry_run:
            return Selected(where, None)
        count = await work.items.count(dataset, where)
    if selection.expected_count not in {None, count}:
        raise _unexpected(f"{counted(count, 'item')}, and {selection.expected_count} were expected")
    return Selected(where, count)


async def _held_to_ids(
    work: CatalogWork, dataset: Dataset, where: FilterNode, ids: Sequence[str]
) -> Selected:
    if len(ids) > MAX_EXPECTED_IDS:
        raise TooLarge(
            f"{counted(len(ids), 'id')} are too many to be held to.",
            hint=f"Give up to {MAX_EXPECTED_IDS}, or a count.",
            field="expectedIds",
        )
    query = ItemQuery(where, limit=len(set(ids)) + 1)
    found = {item.id for item in await work.items.page(dataset, query)}
    others = sorted(found - set(ids))
    if others or len(found) < len(set(ids)):
        missing = sorted(set(ids) - found)
        raise _unexpected(
            f"{len(others)} or more items that are not among the expected ids, and "
            f"{len(missing)} of those not (the first: {(others or missing)[0]})"
        )
    wanted = Either(tuple(Equal(Column.ID, item_id) for item_id in sorted(found)))
    return Selected(All((wanted, where)), len(found))


def _unexpected(what: str) -> Conflict:
    return Conflict(
        f"The filter fits {what}. Nothing was changed.",
        hint="List the items with the same filter, and send what you then expect.",
        code="not_as_expected",
    )


async def walk(
    storage: CatalogStorage,
    dataset: Dataset,
    selected: Selected,
    *,
    batch: int = PART,
    deepest_first: bool = False,
) -> AsyncIterator[Sequence[Item]]:
    """Iterate over the items of a selection, in batches, by id, or each folder after those in it,
    with a rest after each batch.

    Raises Conflict once there are more than were counted, before it is their turn.
    """
    order = SortOrder(Column.FILENAME, descending=True) if deepest_first else SortOrder(Column.ID)
    where, left = selected.where, selected.count
    while True:
        async with storage.search() as work:
            items = await work.items.page(dataset, ItemQuery(where, (order,), limit=batch))
        if not items:
            return
        if left is not None and len(items) > left:
            raise Conflict(
                "While the items were being changed, the filter came to fit more of them. "
                "As many as it had fitted were changed.",
                hint="List the items, and see what is left to do.",
                code="changed_meanwhile",
            )
        left = None if left is None else left - len(items)
        yield items
        where = All((selected.where, _following(items[-1], order)))
        await rest()


def _following(last: Item, order: SortOrder) -> FilterNode:
    if order.field is Column.ID:
        return Compare(Column.ID, ">", last.id)
    return Compare(Column.FILENAME, "<", last.filename)


async def by_exact_names(work: CatalogWork, dataset: Dataset, where: FilterNode) -> FilterNode:
    """Return a filter in which a file name with ``*`` that an item has means that item alone.

    What is negated stays a pattern: to leave out less would mean to change more.
    """
    match where:
        case All(parts) | Either(parts):
            resolved = [await by_exact_names(work, dataset, part) for part in parts]
            return replace(where, parts=tuple(resolved))
        case Glob(Column.FILENAME, _, text) if text.startswith("/"):
            for path in (text.removeprefix("/"), text.removeprefix("/") + "/"):
                if await work.items.by_path(dataset, path) is not None:
                    return Equal(Column.FILENAME, text)
            return where
        case _:
            return where
