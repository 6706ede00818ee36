"""Datasets: an index over a location's objects, and the syncs that keep it true to the bucket.

``syncs`` takes orders; a ``worker`` finds them, wherever they were given, and runs them (``runs``):
each is cut into ``shards``, stretches of the listing that are merged into the index.
"""

from valetkey.catalog.services.datasets.datasets import Datasets, DatasetView, NewDataset
from valetkey.catalog.services.datasets.orders import SyncView
from valetkey.catalog.services.datasets.syncs import Syncs
from valetkey.catalog.services.datasets.worker import SyncWorker

__all__ = ["DatasetView", "Datasets", "NewDataset", "SyncView", "SyncWorker", "Syncs"]
