"""Clones as people ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from valetkey.catalog.domain.clone import CloneOptions
from valetkey.catalog.domain.dataset import check_metadata, parse_folder, parse_path
from valetkey.catalog.domain.dql.parse import parse_filter
from valetkey.catalog.domain.sync import CommandKind
from valetkey.catalog.services.datasets.datasets import Datasets, NewDataset
from valetkey.catalog.services.datasets.orders import SyncView, WorkOrder, WorkOrders
from valetkey.catalog.services.items.dataset_storage import DatasetStorage, DatasetStorageRepository
from valetkey.catalog.services.nouns import CLONE, CLONE_ITEM, UPLOAD_ITEM
from valetkey.domain.errors import Conflict, InvalidInput
from valetkey.services.audit import Caller

MOST_OPEN: Final = 1_000


@dataclass(frozen=True, slots=True)
class NewClone:
    """What a person gives for a clone of a dataset: the items that ``where`` fits go to the dataset
    ``target_id``, or to a new one of this ``name``, which is made over the same location."""

    where: Any
    name: str = ""
    target_id: str = ""
    folder: str = ""
    with_metadata: bool = True


@dataclass(frozen=True, slots=True)
class NewItemClone:
    """What a person gives for a clone of one item: ``path`` is what it is to be called, its own
    path if empty; ``metadata`` is merged into what it brings along, if anything."""

    target_id: str
    path: str = ""
    with_metadata: bool = True
    metadata: Mapping[str, Any] = field(default_factory=dict)


class Clones:
    """Whoever may read the source, and developers where it goes."""

    def __init__(
        self,
        stores: DatasetStorageRepository,
        datasets: Datasets,
        orders: WorkOrders,
    ) -> None:
        self._stores = stores
        self._datasets = datasets
        self._orders = orders

    async def start(self, caller: Caller, dataset_id: str, new: NewClone) -> SyncView:
        """Order a clone of a dataset's items; a worker makes it. A new dataset is there at once.

        Raises InvalidInput (filter, folder, a dataset without a location, neither a name nor a
        target), Conflict (name taken, into itself), TooManyRequests, NotFound, Denied.
        """
        source = await self._stores.of_dataset(caller, dataset_id, CLONE)
        parse_filter(new.where)
        folder = parse_folder(new.folder) if new.folder.strip("/") else ""
        if new.target_id == dataset_id and not folder:
            raise Conflict(
                "A dataset can't be cloned onto itself.",
                hint="Name another dataset, a new one, or a folder for the copies.",
                code="object_exists",
            )
        target_id = await self._target(caller, source, new)
        options = CloneOptions(new.where, target_id, folder, with_metadata=new.with_metadata)
        return await self._order(caller, source, options)

    async def start_item(self, caller: Caller, item_id: str, new: NewItemClone) -> SyncView:
        """Order a clone of one item. Raises as :meth:`start` does."""
        source, item = await self._stores.of_item(caller, item_id, CLONE_ITEM)
        path = parse_path(new.path) if new.path else item.path
        if item.is_folder:
            raise InvalidInput("A folder is not cloned itself.", hint="Clone the items in it.")
        if (new.target_id, path) == (item.dataset_id, item.path):
            raise Conflict(
                "An item can't be cloned onto itself.",
                hint="Give another dataset, or another name (remote_filepath).",
                code="object_exists",
            )
        await self._require_target(caller, new.target_id)
        options = CloneOptions(
            {"id": item.id},
            new.target_id,
            path=path,
            with_metadata=new.with_metadata,
            metadata=check_metadata(new.metadata),
        )
        return await self._order(caller, source, options)

    async def _target(self, caller: Caller, source: DatasetStorage, new: NewClone) -> str:
        if new.target_id:
            await self._require_target(caller, new.target_id)
            return new.target_id
        if not new.name:
            raise InvalidInput(
                "A clone needs somewhere to go.",
                hint="Give a name for a new dataset, or the id of one that is there.",
                field="name",
            )
        own = NewDataset(new.name, source.location.id, source.dataset.metadata)
        if not new.with_metadata:
            own = NewDataset(new.name, source.location.id)
        return (await self._datasets.create(caller, source.project.id, own)).dataset.id

    async def _require_target(self, caller: Caller, target_id: str) -> None:
        target = await self._stores.of_dataset(caller, target_id, UPLOAD_ITEM)
        _ = target.location  # it raises where there is none

    async def _order(
        self, caller: Caller, source: DatasetStorage, options: CloneOptions
    ) -> SyncView:
        _ = source.location
        command_id = self._orders.new_id()
        if options.target_id == source.dataset.id:
            options = CloneOptions(**{**options.document(), "before_id": command_id})
        order = WorkOrder(
            CommandKind.CLONE,
            id=command_id,
            expected=1 if options.path else None,
            most=MOST_OPEN,
            options=options.document(),
            facts={"to": options.target_id},
        )
        return await self._orders.place(caller, CLONE, source.dataset.id, lambda _: order)
