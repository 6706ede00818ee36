"""Syncs as people ask for them: start, watch, cancel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from valetkey.catalog.domain.dataset import Dataset
from valetkey.catalog.domain.ports import CatalogStorage, CatalogWork
from valetkey.catalog.domain.sync import Command, Counts, Shard, State, progress, total
from valetkey.domain.access import Action
from valetkey.domain.errors import Conflict, InvalidInput
from valetkey.domain.ids import IdFactory, is_id
from valetkey.domain.people import Project
from valetkey.domain.ports import Clock
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.guard import Guard, load_project, missing

MAX_PARALLEL: Final = 32
_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class SyncView:
    """A sync with how far it is. ``rate`` is objects a second, since it began."""

    command: Command
    counts: Counts
    percent: int
    rate: float
    shards: int = 0


class Syncs:
    """Members of the project may watch; developers start and cancel."""

    def __init__(
        self,
        storage: CatalogStorage,
        audit: AuditLog,
        clock: Clock,
        new_id: IdFactory,
        wake: Callable[[], None],
    ) -> None:
        self._storage = storage
        self._audit = audit
        self._guard = Guard(audit)
        self._clock = clock
        self._new_id = new_id
        self._wake = wake

    async def start(self, caller: Caller, dataset_id: str, *, parallel: int = 1) -> SyncView:
        """Order a sync; a worker, of this process or another, does it.

        Raises Locked (one is under way), InvalidInput (no location, ``parallel``), NotFound,
        Denied.
        """
        if not 1 <= parallel <= MAX_PARALLEL:
            raise InvalidInput(
                f"A sync can't run {parallel} times side by side.",
                hint=f"Use 1 to {MAX_PARALLEL}.",
                field="parallel",
            )
        dataset, project = await self._open(caller, Action.MANAGE_DATASETS, dataset_id)
        if not dataset.location_id:
            raise InvalidInput(
                f"The dataset {dataset.name!r} has no location: there is nothing to sync.",
                hint="Sync a dataset that was made with a location.",
            )
        now = self._clock.now()
        async with self._storage.begin() as work:
            command = Command(
                id=self._new_id(),
                dataset_id=dataset.id,
                user_id=caller.principal.user_id,
                state=State.CREATED,
                created_at=now,
                updated_at=now,
                expected=await work.datasets.item_count(dataset),
                parallel=parallel,
            )
            await work.commands.add(command)
            await self._note(work, caller, project, "dataset.sync", command)
        self._wake()
        return self._view(command, ())

    async def get(self, caller: Caller, command_id: str) -> SyncView:
        """Return a sync. Raises NotFound, Denied."""
        command, _ = await self._load(caller, Action.READ_DATASETS, command_id)
        async with self._storage.read() as work:
            return self._view(command, await work.commands.shards(command_id))

    async def of_dataset(self, caller: Caller, dataset_id: str) -> Sequence[SyncView]:
        """List a dataset's latest syncs, newest first. Raises NotFound, Denied."""
        await self._open(caller, Action.READ_DATASETS, dataset_id)
        async with self._storage.read() as work:
            commands = await work.commands.of_dataset(dataset_id, limit=_SHOWN)
            return [self._view(one, await work.commands.shards(one.id)) for one in commands]

    async def cancel(self, caller: Caller, command_id: str) -> SyncView:
        """Stop a sync. What it has written is true and stays; the next one does the rest.

        Raises Conflict (it is over), NotFound, Denied.
        """
        command, project = await self._load(caller, Action.MANAGE_DATASETS, command_id)
        canceled = replace(command, state=State.CANCELED, updated_at=self._clock.now())
        async with self._storage.begin() as work:
            if not await work.commands.finish(canceled):
                raise Conflict("This sync is over.", hint="Start another one if it is needed.")
            await self._note(work, caller, project, "dataset.sync.cancel", command)
            return self._view(canceled, await work.commands.shards(command_id))

    def _view(self, command: Command, shards: Sequence[Shard]) -> SyncView:
        counts = total(shard.counts for shard in shards)
        until = command.updated_at if command.state.over else self._clock.now()
        seconds = (until - command.created_at).total_seconds()
        return SyncView(
            command,
            counts,
            progress(command, shards),
            counts.seen / seconds if seconds > 0 else 0.0,
            len(shards),
        )

    async def _load(
        self, caller: Caller, action: Action, command_id: str
    ) -> tuple[Command, Project]:
        async with self._storage.read() as work:
            command = await work.commands.get(command_id) if is_id(command_id) else None
        if command is None:
            raise missing(f"command:{command_id}")
        _, project = await self._open(caller, action, command.dataset_id)
        return command, project

    async def _open(
        self, caller: Caller, action: Action, dataset_id: str
    ) -> tuple[Dataset, Project]:
        async with self._storage.read() as work:
            dataset = await work.datasets.get(dataset_id) if is_id(dataset_id) else None
            if dataset is None:
                raise missing(f"dataset:{dataset_id}")
            project = await load_project(work, dataset.project_id)
        await self._guard.require(
            caller,
            action,
            org_id=project.org_id,
            project_id=project.id,
            subject=f"dataset:{dataset_id}",
        )
        return dataset, project

    async def _note(
        self, work: CatalogWork, caller: Caller, project: Project, action: str, command: Command
    ) -> None:
        event = self._audit.event(
            caller,
            action,
            f"dataset:{command.dataset_id}",
            org_id=project.org_id,
            command_id=command.id,
            parallel=command.parallel,
        )
        await work.audit.append([event])
