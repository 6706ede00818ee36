"""Putting syncs and their worker together."""

from __future__ import annotations

from collections.abc import Callable

from valetkey.catalog.domain.ports import CatalogStorage
from valetkey.catalog.domain.sync import IN_PROCESS
from valetkey.catalog.services.datasets.engines import Engines
from valetkey.catalog.services.datasets.in_process import InProcess
from valetkey.catalog.services.datasets.runs import SyncRuns
from valetkey.catalog.services.datasets.syncs import Syncs
from valetkey.catalog.services.datasets.worker import Worker
from valetkey.catalog.services.items.dataset_storage import DatasetStorageRepository
from valetkey.catalog.services.items.index import Index
from valetkey.catalog.services.items.intents import Intents
from valetkey.catalog.services.items.leftovers import Leftovers
from valetkey.catalog.services.items.sessions import Sessions
from valetkey.domain.ids import IdFactory
from valetkey.domain.ports import Clock, Sealer
from valetkey.domain.ports.objects import ObjectStore
from valetkey.services.audit import AuditLog
from valetkey.services.vending import Vending

#: Returns the engines that work on other machines, with sessions that such as they are given.
Clusters = Callable[[Sessions], Engines]


def make_syncs(
    storage: CatalogStorage,
    sealer: Sealer,
    objects: ObjectStore,
    vending: Vending,
    audit: AuditLog,
    clock: Clock,
    new_id: IdFactory,
    *,
    alone: bool,
    clusters: Clusters,
) -> tuple[Syncs, Worker]:
    """Return where syncs are ordered, and the worker that does them. ``clusters`` are the engines
    beside this process."""
    stores = DatasetStorageRepository(storage, audit)
    sessions = Sessions(storage, sealer, vending, audit, clock)
    index = Index(storage, objects, audit, clock, new_id)
    intents = Intents(storage, clock, new_id)
    leftovers = Leftovers(storage, stores, sessions, objects, index, intents, clock)
    own = InProcess(storage, clock, new_id, owner=new_id())
    engines: Engines = {IN_PROCESS: own, **clusters(sessions)}
    runs = SyncRuns(storage, objects, sessions, stores, audit, clock, new_id, leftovers, engines)
    worker = Worker(storage, clock, runs, leftovers, alone=alone)
    return Syncs(storage, audit, clock, new_id, worker.wake, engines), worker
