"""Items: reading them, streaming their bytes, uploading, changing, moving and deleting them.

Every use of the bucket goes through credentials that vending gave for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from valetkey.domain.ids import IdFactory
from valetkey.domain.ports import Clock, Sealer, Storage
from valetkey.domain.ports.datasets import ObjectData
from valetkey.services.audit import AuditLog
from valetkey.services.items.changing import ItemChanging
from valetkey.services.items.index import Index
from valetkey.services.items.moving import ItemMoving
from valetkey.services.items.reading import ItemReading
from valetkey.services.items.removal import ItemRemoval
from valetkey.services.items.sessions import Sessions
from valetkey.services.items.shelf import Shelves
from valetkey.services.items.streaming import ItemStreaming
from valetkey.services.items.uploading import ItemUploading
from valetkey.services.vending import Vending

__all__ = ["Items", "make_items"]


@dataclass(frozen=True, slots=True)
class Items:
    """What can be done with items, one member per group of verbs."""

    reading: ItemReading
    streaming: ItemStreaming
    uploading: ItemUploading
    changing: ItemChanging
    moving: ItemMoving
    removal: ItemRemoval


def make_items(
    storage: Storage,
    sealer: Sealer,
    objects: ObjectData,
    vending: Vending,
    audit: AuditLog,
    clock: Clock,
    new_id: IdFactory,
) -> Items:
    """Put the verbs together."""
    shelves = Shelves(storage, audit)
    sessions = Sessions(storage, sealer, vending, audit)
    index = Index(storage, objects, audit, clock, new_id)
    return Items(
        reading=ItemReading(storage, shelves),
        streaming=ItemStreaming(shelves, sessions, objects),
        uploading=ItemUploading(storage, shelves, sessions, objects, index),
        changing=ItemChanging(storage, shelves, index),
        moving=ItemMoving(storage, shelves, sessions, objects, index),
        removal=ItemRemoval(storage, shelves, sessions, objects, index),
    )
