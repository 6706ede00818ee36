"""Clones of datasets and of items: ordered, and made by a worker.

``clones`` takes orders; ``copying`` is what a worker does.
"""

from valetkey.catalog.services.clones.clones import Clones, NewClone, NewItemClone
from valetkey.catalog.services.clones.copying import CloneRuns
from valetkey.catalog.services.clones.objects import ObjectCopying

__all__ = ["CloneRuns", "Clones", "NewClone", "NewItemClone", "ObjectCopying"]
