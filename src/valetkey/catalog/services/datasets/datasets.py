"""Datasets: made over a location, listed, renamed, deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from valetkey.catalog.domain.dataset import HIDDEN_DATASET, Dataset, check_metadata
from valetkey.catalog.domain.ports import CatalogStorage, CatalogWork
from valetkey.catalog.services.nouns import DATASET
from valetkey.catalog.services.pace import DELETED, rest
from valetkey.domain.access import Action, Allow, decide
from valetkey.domain.errors import Conflict, InvalidInput, NameTaken
from valetkey.domain.ids import IdFactory, is_id
from valetkey.domain.location import NewLocation
from valetkey.domain.names import clean_name
from valetkey.domain.people import Project
from valetkey.domain.ports import Clock
from valetkey.services.access import Access, Verb
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.locations import Locations
from valetkey.services.nouns import PROJECT

CREATE: Final = Verb("dataset.create", Action.MANAGE_DATASETS)
READ: Final = Verb("dataset.read", Action.READ_DATASETS)
LIST: Final = Verb("dataset.list", Action.READ_DATASETS)
UPDATE: Final = Verb("dataset.update", Action.MANAGE_DATASETS)
DELETE: Final = Verb("dataset.delete", Action.MANAGE_DATASETS)

#: Each is a few megabytes at most.
_EXPORT_PARTS_AT_ONCE: Final = 20
#: So many parts are deleted while the request waits; the worker does the rest.
_PARTS_AT_ONCE: Final = 5


@dataclass(frozen=True, slots=True)
class NewDataset:
    """What a person gives for a dataset. ``location_id`` names a location of the same project;
    empty is a folder of its own in the project's default location."""

    name: str
    location_id: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DatasetView:
    """A dataset with the number of its files."""

    dataset: Dataset
    item_count: int


class Datasets:
    """Members of the project may look; developers make, rename and delete."""

    def __init__(
        self,
        storage: CatalogStorage,
        locations: Locations,
        audit: AuditLog,
        clock: Clock,
        new_id: IdFactory,
    ) -> None:
        self._storage = storage
        self._locations = locations
        self._access: Access[CatalogWork] = Access(storage, audit)
        self._clock = clock
        self._new_id = new_id

    async def create(self, caller: Caller, project_id: str, new: NewDataset) -> DatasetView:
        """Make an empty dataset; a sync fills it.

        Raises InvalidInput (name, unknown location, none given and no default), Conflict (name
        taken), NotFound, Denied.
        """
        project = await self._access.require(caller, CREATE, PROJECT, project_id)
        draft = self._draft(
            project,
            caller.principal.email,
            clean_name(new.name),
            location_id=new.location_id,
            metadata=check_metadata(new.metadata),
        )
        if not draft.location_id:
            draft = replace(draft, location_id=await self._own_folder(caller, project, draft))
        async with self._access.changing(caller, CREATE, PROJECT, project_id) as change:
            work, known = change.work, is_id(draft.location_id)
            location = await work.locations.get(draft.location_id) if known else None
            if location is None or location.project_id != project.id:
                raise InvalidInput(
                    f"There is no location {ascii(draft.location_id)[:80]} in this project.",
                    hint="List the project's locations and use one's id.",
                    field="location",
                )
            dataset = await work.datasets.add(draft)
            change.note(f"dataset:{dataset.id}", **DATASET.facts(dataset))
        return DatasetView(dataset, 0)

    async def _own_folder(self, caller: Caller, project: Project, draft: Dataset) -> str:
        """Make a location for a dataset alone, in the project's default one; returns its id."""
        async with self._storage.read() as work:
            default = await work.locations.get(project.default_location_id)
            taken = [each.name for each in await work.datasets.of_project(project.id)]
        if default is None or default.project_id != project.id:
            raise InvalidInput(
                "A dataset needs a location, and the project has no default one.",
                hint="Give one (driver), or let the project's owner set the default: "
                'PATCH /projects/{id} {"defaultDriver": "ID"}.',
                field="driver",
            )
        if draft.name in taken:
            raise NameTaken(
                f"There is a dataset {draft.name!r} already.", hint="Choose another name."
            )
        own = NewLocation(
            name=f"{draft.name[:200]} {draft.id}",
            bucket=default.bucket,
            folder=f"{default.prefix}datasets/{draft.id}/",
            parent_id=default.id,
            allow_external_delete=default.allow_external_delete,
        )
        return (await self._locations.create(caller, project.id, own)).id

    async def get(self, caller: Caller, dataset_id: str) -> DatasetView:
        """Return one dataset. Raises NotFound, Denied."""
        async with self._access.reading(caller, READ, DATASET, dataset_id) as read:
            return DatasetView(read.entity, await read.work.datasets.item_count(read.entity))

    async def of_project(
        self, caller: Caller, project_id: str, *, hidden: bool = False
    ) -> Sequence[DatasetView]:
        """List a project's datasets by name; ``hidden`` ones only if asked for.

        Raises NotFound, Denied.
        """
        if hidden:
            await self._ensure_hidden(await self._access.require(caller, LIST, PROJECT, project_id))
        async with self._access.reading(caller, LIST, PROJECT, project_id) as read:
            work = read.work
            datasets = await work.datasets.of_project(project_id)
            shown = [each for each in datasets if hidden or not each.hidden]
            return [DatasetView(each, await work.datasets.item_count(each)) for each in shown]

    async def visible(self, caller: Caller, projects: Iterable[Project]) -> Sequence[DatasetView]:
        """List the datasets of those of the projects where the caller may read them, by name;
        hidden ones are left out. Reads once, however many projects."""
        allowed = [project.id for project in projects if _may_list(caller, project)]
        async with self._storage.read() as work:
            found = await work.datasets.of_projects(allowed)
        return [DatasetView(each, count) for each, count in found if not each.hidden]

    async def update(
        self,
        caller: Caller,
        dataset_id: str,
        *,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> DatasetView:
        """Change the name or the metadata; what is None stays.

        Raises InvalidInput, Conflict (name taken), NotFound, Denied.
        """
        async with self._access.changing(caller, UPDATE, DATASET, dataset_id) as change:
            changed = before = change.entity
            if name is not None:
                changed = replace(changed, name=clean_name(name))
            if metadata is not None:
                changed = replace(changed, metadata=check_metadata(metadata))
            if changed != before:
                change.entity = replace(changed, updated_at=self._clock.now())
            count = await change.work.datasets.item_count(changed)
        return DatasetView(change.entity, count)

    async def delete(self, caller: Caller, dataset_id: str) -> None:
        """Delete a dataset and its items; the bucket is not touched, and its name and its location
        are free at once. Work on it is cancelled with it.

        Raises NotFound, Denied.
        """
        async with self._access.changing(caller, DELETE, DATASET, dataset_id) as change:
            dataset, work = change.entity, change.work
            await work.commands.cancel_all(dataset.id, at=self._clock.now())
            # Without its location: that one may go while the rows of a large dataset are still
            # going.
            gone = replace(dataset, deleted_at=self._clock.now(), location_id="")
            change.entity = gone
            change.note(location_id=dataset.location_id)
        await clear(self._storage, gone, parts=_PARTS_AT_ONCE)

    def _draft(self, project: Project, creator: str, name: str, **more: Any) -> Dataset:
        now = self._clock.now()
        return Dataset(
            id=self._new_id(),
            project_id=project.id,
            name=name,
            creator=creator,
            created_at=now,
            updated_at=now,
            **more,
        )

    async def _ensure_hidden(self, project: Project) -> None:
        """Make the dataset that Dataloop's SDK expects in each project, if it is not there."""
        async with self._storage.read() as work:
            known = await work.datasets.of_project(project.id)
        if any(each.hidden for each in known):
            return
        draft = self._draft(project, project.creator, HIDDEN_DATASET, location_id="", hidden=True)
        try:
            async with self._storage.begin() as work:
                await work.datasets.add(draft)
        except Conflict:
            return  # somebody else was quicker, or gave the name to a dataset with a location


def _may_list(caller: Caller, project: Project) -> bool:
    decision = decide(caller.principal, LIST.action, org_id=project.org_id, project_id=project.id)
    return isinstance(decision, Allow)


async def clear(storage: CatalogStorage, dataset: Dataset, *, parts: int | None = None) -> None:
    """Delete the rows and exports of a deleted dataset and what ended syncs had kept, then the
    dataset, a part at a time, at most so many: what is left, and what a killed process leaves, the
    next one goes on with. With the dataset go its syncs, and would go all that is kept for them."""
    done, at = 0, ""
    while parts is None or done < parts:
        async with storage.begin() as work:
            last = await work.items.clear(dataset, after=at, limit=DELETED)
            nothing = last is None and not at  # at the end, it looks from the beginning once more
            if nothing and not await _clear_beside(work, dataset):
                await work.datasets.delete(dataset.id)
                return
        done, at = done + 1, last or ""
        await rest()


async def _clear_beside(work: CatalogWork, dataset: Dataset) -> bool:
    """Delete a part of what is kept beside the items; tell whether there was any."""
    if await work.exports.clear(dataset.id, parts=_EXPORT_PARTS_AT_ONCE):
        return True
    return bool(await work.items.purge_staged(limit=DELETED))
