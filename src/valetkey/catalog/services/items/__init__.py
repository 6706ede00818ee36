"""Items: reading them, streaming their bytes, uploading, changing, moving and deleting them.

Every use of the bucket goes through credentials that vending gave for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from valetkey.catalog.domain.ports import CatalogStorage
from valetkey.catalog.services.items.changing import ItemChanging
from valetkey.catalog.services.items.dataset_storage import DatasetStorageRepository
from valetkey.catalog.services.items.importing import ItemImporting
from valetkey.catalog.services.items.index import Index
from valetkey.catalog.services.items.intents import Intents
from valetkey.catalog.services.items.links import Links
from valetkey.catalog.services.items.moving import ItemMoving
from valetkey.catalog.services.items.reading import ItemReading
from valetkey.catalog.services.items.removal import ItemRemoval
from valetkey.catalog.services.items.restoring import ItemRestoring
from valetkey.catalog.services.items.sessions import Sessions
from valetkey.catalog.services.items.streaming import ItemStreaming
from valetkey.catalog.services.items.uploading import ItemUploading
from valetkey.catalog.services.turns import SEARCHES, Turns
from valetkey.domain.ids import IdFactory
from valetkey.domain.ports import Clock, Sealer
from valetkey.domain.ports.objects import ObjectStore
from valetkey.services.audit import AuditLog
from valetkey.services.vending import Vending

__all__ = ["Items", "make_items"]


@dataclass(frozen=True, slots=True)
class Items:
    """What can be done with items, one member per group of verbs."""

    reading: ItemReading
    streaming: ItemStreaming
    uploading: ItemUploading
    importing: ItemImporting
    changing: ItemChanging
    moving: ItemMoving
    removal: ItemRemoval
    restoring: ItemRestoring
    links: Links


def make_items(
    storage: CatalogStorage,
    sealer: Sealer,
    objects: ObjectStore,
    vending: Vending,
    audit: AuditLog,
    clock: Clock,
    new_id: IdFactory,
) -> Items:
    """Put the verbs together."""
    stores = DatasetStorageRepository(storage, audit)
    sessions = Sessions(storage, sealer, vending, audit, clock)
    index = Index(storage, objects, audit, clock, new_id)
    intents = Intents(storage, clock, new_id)
    links = Links(stores, sessions, objects)
    return Items(
        reading=ItemReading(storage, stores, Turns(all=SEARCHES)),
        streaming=ItemStreaming(storage, stores, sessions, objects, links, clock),
        uploading=ItemUploading(stores, sessions, objects, index, intents),
        importing=ItemImporting(storage, stores, sessions, objects, index, intents),
        changing=ItemChanging(storage, stores, index),
        moving=ItemMoving(storage, stores, sessions, objects, index, intents),
        removal=ItemRemoval(storage, stores, sessions, objects, index, intents),
        restoring=ItemRestoring(storage, stores, sessions, objects, index),
        links=links,
    )
