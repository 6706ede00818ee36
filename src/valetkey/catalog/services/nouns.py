"""The catalog's nouns, and its verbs on items, as :mod:`valetkey.services.access` opens them."""

from __future__ import annotations

from typing import Final, NamedTuple

from valetkey.catalog.domain.dataset import Dataset, Item
from valetkey.catalog.domain.ports import CatalogWork
from valetkey.catalog.domain.sync import Command
from valetkey.domain.access import Action
from valetkey.services.access import Home, Noun, Verb
from valetkey.services.lookup import load_project, missing

LIST_ITEMS: Final = Verb("item.list", Action.READ_DATASETS)
READ_ITEM: Final = Verb("item.read", Action.READ_DATASETS)
STREAM_ITEM: Final = Verb("item.stream", Action.READ_DATASETS)
UPLOAD_ITEM: Final = Verb("item.upload", Action.MANAGE_DATASETS)
IMPORT_ITEMS: Final = Verb("item.import", Action.MANAGE_DATASETS)
UPDATE_ITEM: Final = Verb("item.update", Action.MANAGE_DATASETS)
MOVE_ITEM: Final = Verb("item.move", Action.MANAGE_DATASETS)
DELETE_ITEM: Final = Verb("item.delete", Action.MANAGE_DATASETS)
RESTORE_ITEM: Final = Verb("item.restore", Action.MANAGE_DATASETS)
MAKE_FOLDER: Final = Verb("item.folder", Action.MANAGE_DATASETS)
SYNC: Final = Verb("dataset.sync", Action.MANAGE_DATASETS)
#: Where a clone comes from; where it goes, it is an upload.
CLONE: Final = Verb("dataset.clone", Action.READ_DATASETS)
CLONE_ITEM: Final = Verb("item.clone", Action.READ_DATASETS)
#: To read a list from a file takes the right to list.
EXPORT_ITEMS: Final = Verb("dataset.export", Action.READ_DATASETS)


class ItemIn(NamedTuple):
    """An item, and the dataset that it is in."""

    item: Item
    dataset: Dataset


async def _dataset_home(work: CatalogWork, dataset: Dataset) -> Home:
    project = await load_project(work, dataset.project_id)
    return Home(project.org_id, project.id)


async def _save_dataset(work: CatalogWork, dataset: Dataset) -> Dataset:
    await work.datasets.save(dataset)
    return dataset


async def _load_item(work: CatalogWork, item_id: str) -> ItemIn | None:
    item = await work.items.get(item_id)
    dataset = await work.datasets.get(item.dataset_id) if item else None
    return ItemIn(item, dataset) if item and dataset else None


async def _command_home(work: CatalogWork, command: Command) -> Home:
    dataset = await work.datasets.get(command.dataset_id)
    if dataset is None:
        raise missing(f"command:{command.id}")
    return await _dataset_home(work, dataset)


DATASET: Final[Noun[Dataset]] = Noun(
    "dataset",
    load=lambda work, dataset_id: work.datasets.get(dataset_id),
    home=_dataset_home,
    save=_save_dataset,
    facts=lambda dataset: {"name": dataset.name, "location_id": dataset.location_id},
)
#: What changes these has its own way (:mod:`..items.index`, the worker).
ITEM: Final[Noun[ItemIn]] = Noun(
    "item",
    load=_load_item,
    home=lambda work, found: _dataset_home(work, found.dataset),
)
COMMAND: Final[Noun[Command]] = Noun(
    "command",
    load=lambda work, command_id: work.commands.get(command_id),
    home=_command_home,
)
