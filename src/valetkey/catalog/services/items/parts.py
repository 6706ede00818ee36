"""What verbs of items stand on, and the work that is done with many of them."""

from __future__ import annotations

from dataclasses import dataclass

from valetkey.catalog.domain.ports import CatalogStorage
from valetkey.catalog.services.items.dataset_storage import DatasetStorageRepository
from valetkey.catalog.services.items.index import Index
from valetkey.catalog.services.items.intents import Intents
from valetkey.catalog.services.items.sessions import Sessions
from valetkey.domain.ids import IdFactory
from valetkey.domain.ports import Clock, Sealer
from valetkey.domain.ports.objects import ObjectStore
from valetkey.services.audit import AuditLog
from valetkey.services.vending import Vending


@dataclass(frozen=True, slots=True)
class ItemParts:
    """The parts, which all verbs share."""

    storage: CatalogStorage
    stores: DatasetStorageRepository
    sessions: Sessions
    objects: ObjectStore
    index: Index
    intents: Intents
    audit: AuditLog
    clock: Clock
    new_id: IdFactory


def make_parts(
    storage: CatalogStorage,
    sealer: Sealer,
    objects: ObjectStore,
    vending: Vending,
    audit: AuditLog,
    clock: Clock,
    new_id: IdFactory,
) -> ItemParts:
    """Make the parts of what the broker gives."""
    return ItemParts(
        storage=storage,
        stores=DatasetStorageRepository(storage, audit),
        sessions=Sessions(storage, sealer, vending, audit, clock),
        objects=objects,
        index=Index(storage, objects, audit, clock, new_id),
        intents=Intents(storage, clock, new_id),
        audit=audit,
        clock=clock,
        new_id=new_id,
    )


class ItemVerbs:
    """Verbs that stand on these parts."""

    def __init__(self, parts: ItemParts) -> None:
        self._storage = parts.storage
        self._stores = parts.stores
        self._sessions = parts.sessions
        self._objects = parts.objects
        self._index = parts.index
        self._intents = parts.intents
        self._clock = parts.clock
