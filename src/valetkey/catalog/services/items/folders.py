"""Folders: those that somebody made, and those that merely hold items, which have no row."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from valetkey.catalog.domain.dataset import Dataset, Item, folder_id
from valetkey.catalog.domain.dql import matches
from valetkey.catalog.domain.dql.ast import Column, Equal, Node, Order
from valetkey.catalog.domain.ports import CatalogWork, ItemQuery
from valetkey.domain.errors import TooLarge

#: A tree of more is refused rather than cut.
MAX_FOLDERS: Final = 100_000
IS_FOLDER: Final = Equal(Column.TYPE, "dir")


async def holding_folders(work: CatalogWork, dataset: Dataset) -> Sequence[str]:
    """Return the folders that hold items, in order, each ending in ``/``, the root left out.

    Raises TooLarge for more than can be shown.
    """
    found = await work.items.folders(dataset, limit=MAX_FOLDERS + 1)
    if len(found) > MAX_FOLDERS:
        raise TooLarge(
            f"The dataset has more than {MAX_FOLDERS} folders.",
            hint="List one folder's items instead: {'dir': '/a'}, or {'filename': '/a/**'}.",
        )
    return found


async def folder_path(work: CatalogWork, dataset: Dataset, item_id: str) -> str | None:
    """Return the path of the folder with an id, whether somebody made it or it merely holds
    items; None if there is none. Raises TooLarge."""
    item = await work.items.get(item_id)
    if item is not None and item.dataset_id == dataset.id and item.is_folder:
        return item.path
    folders = with_ancestors(await holding_folders(work, dataset))
    return next((path for path in folders if folder_id(dataset.id, path) == item_id), None)


async def fitting_folders(
    work: CatalogWork, dataset: Dataset, where: Node, orders: Sequence[Order]
) -> list[Item]:
    """Return the folders that a filter fits, of both kinds, sorted. Raises TooLarge."""
    made = await work.items.page(dataset, ItemQuery(IS_FOLDER, limit=MAX_FOLDERS))
    known = {item.path: item for item in made}
    for path in with_ancestors(await holding_folders(work, dataset)):
        known.setdefault(path, _implied(dataset, path))
    fitting = [item for item in known.values() if matches(where, item.columns(), item.metadata)]
    for order in reversed(orders):
        fitting.sort(key=partial(_value, order.field), reverse=order.descending)
    return fitting


def with_ancestors(folders: Sequence[str]) -> list[str]:
    """Return folders with those that hold them, but for the root."""
    found: dict[str, None] = {}
    for folder in folders:
        parts = folder[:-1].split("/")
        for depth in range(1, len(parts) + 1):
            found.setdefault("/".join(parts[:depth]) + "/")
    return list(found)


def _implied(dataset: Dataset, path: str) -> Item:
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
    return item.columns()[field]
