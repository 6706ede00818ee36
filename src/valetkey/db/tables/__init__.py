"""The tables, a module per subject. Importing this package makes ``metadata`` complete."""

from valetkey.db.tables import accounts, audit, datasets, keys, storage, vending
from valetkey.db.tables.base import metadata

__all__ = ["accounts", "audit", "datasets", "keys", "metadata", "storage", "vending"]
