"""Syncs as people ask for them: start, watch, cancel; and to watch and cancel all other work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from valetkey.catalog.domain.dataset import Dataset
from valetkey.catalog.domain.ports import CatalogStorage, CatalogWork
from valetkey.catalog.domain.sync import IN_PROCESS, CommandKind, State
from valetkey.catalog.services.datasets.engines import Engines, named
from valetkey.catalog.services.datasets.orders import SyncView, WorkOrder, WorkOrders, view_of
from valetkey.catalog.services.nouns import COMMAND, DATASET, SYNC
from valetkey.counting import counted
from valetkey.domain.access import Action
from valetkey.domain.errors import Conflict, InvalidInput
from valetkey.domain.ports import Clock
from valetkey.services.access import Access, Verb
from valetkey.services.audit import AuditLog, Caller

LIST_SYNCS: Final = Verb("dataset.sync.list", Action.READ_DATASETS)
READ_OPERATION: Final = Verb("operation.read", Action.READ_DATASETS)
CANCEL_OPERATION: Final = Verb("operation.cancel", Action.READ_DATASETS)
#: Each process takes as many as it can of them at once.
MAX_PARALLEL: Final = 1000
_SHOWN: Final = 20


class Syncs:
    """Members of the project may watch; developers start and cancel."""

    def __init__(
        self,
        storage: CatalogStorage,
        audit: AuditLog,
        clock: Clock,
        orders: WorkOrders,
        engines: Engines,
    ) -> None:
        self._access: Access[CatalogWork] = Access(storage, audit)
        self._clock = clock
        self._orders = orders
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
                f"A sync can't run {counted(parallel, 'time')} side by side.",
                hint=f"Use 1 to {MAX_PARALLEL}.",
                field="parallel",
            )

        def draft(dataset: Dataset) -> WorkOrder:
            checked = named(self._engines, engine).check(address)
            if not dataset.location_id:
                raise InvalidInput(
                    f"The dataset {dataset.name!r} has no location: there is nothing to sync.",
                    hint="Sync a dataset that was made with a location.",
                )
            return WorkOrder(
                CommandKind.SYNC,
                parallel=parallel,
                engine=engine,
                engine_address=checked,
                facts={"parallel": parallel, "engine": engine},
            )

        return await self._orders.place(caller, SYNC, dataset_id, draft)

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
