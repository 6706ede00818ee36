"""Items: reading them, streaming their bytes, uploading, changing, moving and deleting them.

Every use of the bucket goes through credentials that vending gave for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from valetkey.catalog.services.items.changing import ItemChanging
from valetkey.catalog.services.items.importing import ItemImporting
from valetkey.catalog.services.items.links import Links
from valetkey.catalog.services.items.moving import ItemMoving
from valetkey.catalog.services.items.parts import ItemParts
from valetkey.catalog.services.items.reading import ItemReading
from valetkey.catalog.services.items.removal import ItemRemoval
from valetkey.catalog.services.items.restoring import ItemRestoring
from valetkey.catalog.services.items.streaming import ItemStreaming
from valetkey.catalog.services.items.uploading import ItemUploading
from valetkey.catalog.services.turns import SEARCHES, Turns

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


def make_items(parts: ItemParts) -> Items:
    """Put the verbs together."""
    links = Links(parts)
    return Items(
        reading=ItemReading(parts.storage, parts.stores, Turns(all=SEARCHES)),
        streaming=ItemStreaming(parts, links),
        uploading=ItemUploading(parts),
        importing=ItemImporting(parts),
        changing=ItemChanging(parts),
        moving=ItemMoving(parts),
        removal=ItemRemoval(parts),
        restoring=ItemRestoring(parts),
        links=links,
    )
