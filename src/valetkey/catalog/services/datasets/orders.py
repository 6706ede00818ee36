"""Work on a dataset as it is ordered, and on whose behalf it is done.

An order is stored under whoever gave it; a worker, of this process or another, does it with the
rights that they have by then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from valetkey.catalog.domain.dataset import Dataset
from valetkey.catalog.domain.ports import CatalogStorage, CatalogWork
from valetkey.catalog.domain.sync import (
    IN_PROCESS,
    Command,
    CommandKind,
    Counts,
    Shard,
    State,
    WriteIntent,
    checked_options,
    progress,
    total,
)
from valetkey.catalog.services.nouns import DATASET
from valetkey.domain.errors import TooManyRequests
from valetkey.domain.ids import IdFactory
from valetkey.domain.ports import Clock
from valetkey.identity.authentication import principal_of_work
from valetkey.services.access import Access, Verb
from valetkey.services.audit import AuditLog, Caller

_DONE: Final = {CommandKind.CLONE: "made", CommandKind.EXPORT: "written"}


@dataclass(frozen=True, slots=True)
class SyncView:
    """Work with how far it is. ``rate`` is objects a second, since it began."""

    command: Command
    counts: Counts
    percent: int
    rate: float
    shards: int = 0


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """What is to be done, as a Command has it. Of a kind that may wait in numbers, ``most`` do for
    a dataset; ``expected`` is all of its items, if nothing else is said. ``facts`` go into the
    record."""

    kind: CommandKind
    id: str = ""
    expected: int | None = None
    most: int | None = None
    parallel: int = 1
    engine: str = IN_PROCESS
    engine_address: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


class WorkOrders:
    """Takes orders for work of every kind. ``wake`` has this process's worker look at once."""

    def __init__(
        self,
        storage: CatalogStorage,
        audit: AuditLog,
        clock: Clock,
        new_id: IdFactory,
        wake: Callable[[], None],
    ) -> None:
        self._access: Access[CatalogWork] = Access(storage, audit)
        self._clock = clock
        self.new_id = new_id
        self._wake = wake

    async def place(
        self, caller: Caller, verb: Verb, dataset_id: str, draft: Callable[[Dataset], WorkOrder]
    ) -> SyncView:
        """Order what ``draft`` makes of the dataset.

        Raises what ``draft`` does, TooManyRequests, TooLarge (the options), Locked (a sync is under
        way), NotFound, Denied.
        """
        now = self._clock.now()
        async with self._access.changing(caller, verb, DATASET, dataset_id) as change:
            dataset, work = change.entity, change.work
            order = draft(dataset)
            await _require_room(work, dataset, order)
            expected = order.expected
            command = Command(
                id=order.id or self.new_id(),
                dataset_id=dataset.id,
                user_id=caller.principal.user_id,
                token_id=caller.principal.token_id,
                state=State.CREATED,
                created_at=now,
                updated_at=now,
                expected=await work.datasets.item_count(dataset) if expected is None else expected,
                parallel=order.parallel,
                engine=order.engine,
                engine_address=order.engine_address,
                kind=order.kind,
                options=checked_options(order.options),
            )
            await work.commands.add(command)
            change.note(command_id=command.id, **order.facts)
        self._wake()
        return view_of(command, (), now)


async def _require_room(work: CatalogWork, dataset: Dataset, order: WorkOrder) -> None:
    kind, most = order.kind, order.most
    if most is not None and await work.commands.count_open(kind, dataset.id) >= most:
        raise TooManyRequests(
            f"{most} {kind.value}s of this dataset wait to be {_DONE[kind]}.",
            hint="Wait until some of them are done.",
            retry_after=60,
        )


async def caller_of(storage: CatalogStorage, work_of: Command | WriteIntent) -> Caller:
    """Return whoever began some work, with the rights of this moment. What a writer left is looked
    after though the token is gone that it showed. Raises Unauthenticated."""
    token_id = work_of.token_id if isinstance(work_of, Command) else ""
    async with storage.read() as work:
        principal = await principal_of_work(work, work_of.user_id, token_id)
    return Caller(principal, request_id=f"sync-{work_of.id}")


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
