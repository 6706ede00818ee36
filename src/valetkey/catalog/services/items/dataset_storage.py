"""A dataset with what it stands on, opened for a caller: the start of every verb on items."""

from __future__ import annotations

from dataclasses import dataclass

from valetkey.catalog.domain.dataset import Dataset, Item
from valetkey.catalog.domain.ports import CatalogStorage, CatalogWork
from valetkey.domain.access import Action
from valetkey.domain.errors import InvalidInput
from valetkey.domain.ids import is_id
from valetkey.domain.location import Location
from valetkey.domain.people import Project
from valetkey.domain.ports import BucketPlace
from valetkey.domain.scope import MAX_KEY_BYTES
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.guard import Guard, load_location, load_project, missing
from valetkey.services.verification import place_of


@dataclass(frozen=True, slots=True)
class DatasetStorage:
    """A dataset, its project, and the location whose objects it indexes (the hidden one has
    none)."""

    dataset: Dataset
    project: Project
    maybe_location: Location | None

    @property
    def location(self) -> Location:
        """The location. Raises InvalidInput for a dataset that has none."""
        if self.maybe_location is None:
            raise InvalidInput(
                f"The dataset {self.dataset.name!r} has no location, so it holds no objects.",
                hint="Use a dataset that was made with a location.",
            )
        return self.maybe_location

    @property
    def place(self) -> BucketPlace:
        """Where the objects are. Raises InvalidInput without a location."""
        return place_of(self.location)

    def key(self, path: str) -> str:
        """Return the key of a path's object. Raises InvalidInput for one that S3 can't hold."""
        key = self.location.prefix + path
        if len(key.encode()) > MAX_KEY_BYTES:
            raise InvalidInput(
                f"With the location's folder, the key is longer than {MAX_KEY_BYTES} bytes.",
                hint="Use a shorter path.",
                field="path",
            )
        return key


class DatasetStorageRepository:
    """Opens datasets, by their own id or an item's, for callers who may."""

    def __init__(self, storage: CatalogStorage, audit: AuditLog) -> None:
        self._storage = storage
        self._guard = Guard(audit)

    async def of_dataset(self, caller: Caller, dataset_id: str, action: Action) -> DatasetStorage:
        """Return a dataset with what it stands on. Raises NotFound, Denied."""
        async with self._storage.read() as work:
            store = await _load(work, dataset_id)
        await self._require(caller, action, store, f"dataset:{dataset_id}")
        return store

    async def of_item(
        self, caller: Caller, item_id: str, action: Action
    ) -> tuple[DatasetStorage, Item]:
        """Return an item and its dataset. Raises NotFound, Denied."""
        async with self._storage.read() as work:
            item = await work.items.get(item_id) if is_id(item_id) else None
            if item is None:
                raise missing(f"item:{item_id}")
            store = await _load(work, item.dataset_id)
        await self._require(caller, action, store, f"item:{item_id}")
        return store, item

    async def _require(
        self, caller: Caller, action: Action, store: DatasetStorage, subject: str
    ) -> None:
        await self._guard.require(
            caller,
            action,
            org_id=store.project.org_id,
            project_id=store.project.id,
            subject=subject,
        )


async def _load(work: CatalogWork, dataset_id: str) -> DatasetStorage:
    dataset = await work.datasets.get(dataset_id) if is_id(dataset_id) else None
    if dataset is None:
        raise missing(f"dataset:{dataset_id}")
    project = await load_project(work, dataset.project_id)
    location = await load_location(work, dataset.location_id) if dataset.location_id else None
    return DatasetStorage(dataset, project, location)
