"""The catalog's services together, as the entry points receive them."""

from __future__ import annotations

from dataclasses import dataclass

from valetkey.catalog.services.clones import Clones
from valetkey.catalog.services.datasets import Datasets, Syncs, SyncWorker
from valetkey.catalog.services.exports import Exports
from valetkey.catalog.services.items import Items


@dataclass(frozen=True, slots=True)
class Catalog:
    """What the catalog can do, one member per group of verbs."""

    clones: Clones
    datasets: Datasets
    exports: Exports
    items: Items
    syncs: Syncs
    sync_worker: SyncWorker
