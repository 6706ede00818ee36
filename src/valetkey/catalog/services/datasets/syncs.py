"""Syncs as people ask for them: start, watch, cancel; and to watch and cancel all other work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from valetkey.catalog.domain.ports import CatalogStorage, CatalogWork
from valetkey.catalog.domain.sync import (
    IN_PROCESS,
    Command,
    CommandKind,
    Counts,
    Shard,
    State,
    progress,
    total,
)
from valetkey.catalog.services.datasets.engines import Engines, named
from valetkey.catalog.services.nouns import COMMAND, DATASET, SYNC
from valetkey.domain.access import Action
from valetkey.domain.errors import Conflict, InvalidInput
from valetkey.domain.ids import IdFactory
from valetkey.domain.ports import Clock
from valetkey.services.access import Access, Verb
from valetkey.services.audit import AuditLog, Caller

LIST_SYNCS: Final = Verb("dataset.sync.list", Action.READ_DATASETS)
READ_OPERATION: Final = Verb("operation.read", Action.READ_DATASETS)
CANCEL_OPERATION: Final = Verb("operation.cancel", Action.READ_DATASETS)
#: Each process takes as many as it can of them at once.
MAX_PARALLEL: Final = 1000
_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class SyncView:
    """Work with how far it is. ``rate`` is objects a second, since it began."""

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
        engines: Engines,
    ) -> None:
        self._access: Access[CatalogWork] = Access(storage, audit)
        self._clock = clock
        self._new_id = new_id
        self._wake = wake
        self._engines = engines

    async def start(
        self,
        caller: Caller,
        dataset_id: str,
        *,
        parallel: int = 1,
        engine: str = IN_PROCESS,
        address: str = "",
    ) -> SyncView:
        """Order a sync; a worker, of this process or another, does it, by the engine that is named
        (at an address of its, if not the usual one).

        Raises Locked (one is under way), InvalidInput (no location, ``parallel``, the engine, its
        address), NotFound, Denied.
        """
        if not 1 <= parallel <= MAX_PARALLEL:
            raise InvalidInput(
                f"A sync can't run {parallel} times side by side.",
                hint=f"Use 1 to {MAX_PARALLEL}.",
                field="parallel",
            )
        now = self._clock.now()
        async with self._access.changing(caller, SYNC, DATASET, dataset_id) as change:
            dataset, work = change.entity, change.work
            address = named(self._engines, engine).check(address)
            if not dataset.location_id:
                raise InvalidInput(
                    f"The dataset {dataset.name!r} has no location: there is nothing to sync.",
                    hint="Sync a dataset that was made with a location.",
                )
            command = Command(
                id=self._new_id(),
                dataset_id=dataset.id,
                user_id=caller.principal.user_id,
                token_id=caller.principal.token_id,
                state=State.CREATED,
                created_at=now,
                updated_at=now,
                expected=await work.datasets.item_count(dataset),
                parallel=parallel,
                engine=engine,
                engine_address=address,
            )
            await work.commands.add(command)
            change.note(command_id=command.id, parallel=command.parallel, engine=engine)
        self._wake()
        return view_of(command, (), now)

    async def get(self, caller: Caller, command_id: str) -> SyncView:
        """Return work of any kind. Raises NotFound, Denied."""
        async with self._access.reading(caller, READ_OPERATION, COMMAND, command_id) as read:
            return view_of(
                read.entity, await read.work.commands.shards(command_id), self._clock.now()
            )

    async def of_dataset(self, caller: Caller, dataset_id: str) -> Sequence[SyncView]:
        """List a dataset's latest syncs, newest first. Raises NotFound, Denied."""
        async with self._access.reading(caller, LIST_SYNCS, DATASET, dataset_id) as read:
            commands = await read.work.commands.of_dataset(
                dataset_id, CommandKind.SYNC, limit=_SHOWN
            )
            now = self._clock.now()
            return [view_of(one, await read.work.commands.shards(one.id), now) for one in commands]

    async def cancel(self, caller: Caller, command_id: str) -> SyncView:
        """Stop work of any kind; whoever ordered an export may, and developers. What a sync has
        written is true and stays, and the next one does the rest; what was cloned stays.

        Raises Conflict (it is over), NotFound, Denied.
        """
        async with self._access.changing(caller, CANCEL_OPERATION, COMMAND, command_id) as change:
            command, commands = change.entity, change.work.commands
            own = command.user_id == caller.principal.user_id
            if not (own and command.kind is CommandKind.EXPORT):
                change.require(Action.MANAGE_DATASETS)
            canceled = replace(command, state=State.CANCELED, updated_at=self._clock.now())
            if not await commands.finish(canceled):
                raise Conflict(
                    f"This {command.kind.value} is over.",
                    hint="Start another one if it is needed.",
                    code="already_over",
                )
            change.note(
                f"dataset:{command.dataset_id}", command_id=command.id, kind=command.kind.value
            )
            return view_of(canceled, await commands.shards(command_id), self._clock.now())


def view_of(command: Command, shards: Sequence[Shard], now: datetime) -> SyncView:
    """Return work with how far it is at a moment."""
    counts = total(shard.counts for shard in shards)
    until = command.updated_at if command.state.over else now
    seconds = (until - command.created_at).total_seconds()
    return SyncView(
        command,
        counts,
        progress(command, shards),
        counts.seen / seconds if seconds > 0 else 0.0,
        len(shards),
    )
