"""A dataset with what it stands on, opened for a caller: the start of every verb on items."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from valetkey.catalog.domain.dataset import Dataset, Item
from valetkey.catalog.domain.ports import CatalogStorage, CatalogWork
from valetkey.catalog.services.nouns import DATASET, ITEM
from valetkey.domain.errors import InvalidInput
from valetkey.domain.location import Location
from valetkey.domain.people import Project
from valetkey.domain.ports import BucketPlace
from valetkey.domain.scope import MAX_KEY_BYTES
from valetkey.services.access import Access, Verb, of_this_moment
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.lookup import load_location, load_project
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


#: Gives a caller with the rights of the moment.
Look = Callable[[], Awaitable[Caller]]


class DatasetStorageRepository:
    """Opens datasets, by their own id or an item's, for callers who may."""

    def __init__(self, storage: CatalogStorage, audit: AuditLog) -> None:
        self._storage = storage
        self._access: Access[CatalogWork] = Access(storage, audit)

    async def of_dataset(self, caller: Caller, dataset_id: str, verb: Verb) -> DatasetStorage:
        """Return a dataset with what it stands on. Raises NotFound, Denied."""
        async with self._access.reading(caller, verb, DATASET, dataset_id) as read:
            return await _stand(read.work, read.entity)

    def looking(self, caller: Caller, store: DatasetStorage, verb: Verb) -> Look:
        """Return what looks at a right again, as often as work that takes long goes on; it raises
        NotFound, Denied, Unauthenticated."""

        async def look() -> Caller:
            async with self._storage.read() as work:
                current = await of_this_moment(work, caller)
            await self.of_dataset(current, store.dataset.id, verb)
            return current

        return look

    async def of_item(
        self, caller: Caller, item_id: str, verb: Verb
    ) -> tuple[DatasetStorage, Item]:
        """Return an item and its dataset. Raises NotFound, Denied."""
        async with self._access.reading(caller, verb, ITEM, item_id) as read:
            return await _stand(read.work, read.entity.dataset), read.entity.item


async def _stand(work: CatalogWork, dataset: Dataset) -> DatasetStorage:
    project = await load_project(work, dataset.project_id)
    location = await load_location(work, dataset.location_id) if dataset.location_id else None
    return DatasetStorage(dataset, project, location)
