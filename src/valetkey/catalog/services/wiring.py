"""Putting together what orders work, and the worker that does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from valetkey.catalog.domain.sync import IN_PROCESS, CommandKind
from valetkey.catalog.services.clones import CloneRuns, Clones, ObjectCopying
from valetkey.catalog.services.datasets.datasets import Datasets
from valetkey.catalog.services.datasets.engines import Engines
from valetkey.catalog.services.datasets.in_process import InProcess
from valetkey.catalog.services.datasets.jobs import Jobs, Runner
from valetkey.catalog.services.datasets.orders import WorkOrders
from valetkey.catalog.services.datasets.outcomes import CommandOutcomes
from valetkey.catalog.services.datasets.runs import SyncRuns
from valetkey.catalog.services.datasets.single import Single
from valetkey.catalog.services.datasets.syncs import Syncs
from valetkey.catalog.services.datasets.worker import SyncWorker
from valetkey.catalog.services.exports import ExportRuns, Exports, Forms
from valetkey.catalog.services.items import Items
from valetkey.catalog.services.items.leftovers import Leftovers
from valetkey.catalog.services.items.parts import ItemParts
from valetkey.catalog.services.items.sessions import Sessions

#: Returns the engines that work on other machines, with sessions that such as they are given.
Clusters = Callable[[Sessions], Engines]


@dataclass(frozen=True, slots=True)
class WorkParts:
    """Where work is ordered, and the worker that does it."""

    syncs: Syncs
    clones: Clones
    exports: Exports
    worker: SyncWorker


def make_work(
    parts: ItemParts,
    *,
    datasets: Datasets,
    items: Items,
    alone: bool,
    clusters: Clusters,
    forms: Forms,
) -> WorkParts:
    """Return what orders and does work. ``clusters`` are the engines beside this process, and
    ``forms`` how items are written into exported files."""
    storage, stores, sessions, objects = parts.storage, parts.stores, parts.sessions, parts.objects
    audit, clock, new_id = parts.audit, parts.clock, parts.new_id
    leftovers = Leftovers(parts)
    owner = new_id()
    own = InProcess(storage, clock, new_id, owner=owner)
    engines: Engines = {IN_PROCESS: own, **clusters(sessions)}
    outcomes = CommandOutcomes(storage, audit, clock)
    single = Single(storage, clock, new_id, owner)
    copying = ObjectCopying(sessions, objects, items.uploading, items.changing)
    runners: dict[CommandKind, Runner] = {
        CommandKind.SYNC: SyncRuns(
            *(storage, objects, sessions, stores, outcomes, clock, new_id, leftovers, engines)
        ),
        CommandKind.CLONE: CloneRuns(storage, stores, outcomes, single, copying, new_id),
        CommandKind.EXPORT: ExportRuns(storage, stores, outcomes, single, forms),
    }
    jobs = Jobs(storage, clock, outcomes, runners)
    worker = SyncWorker(storage, clock, jobs, leftovers, alone=alone)
    orders = WorkOrders(storage, audit, clock, new_id, worker.wake)
    return WorkParts(
        syncs=Syncs(storage, audit, clock, orders, engines),
        clones=Clones(stores, datasets, orders),
        exports=Exports(storage, audit, clock, orders),
        worker=worker,
    )
