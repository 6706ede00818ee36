"""The tables, a module per subject. Importing this package puts the broker's into ``metadata``."""

from valetkey.db.tables import accounts, audit, idempotency, identity, keys, storage, vending
from valetkey.db.tables.base import metadata

__all__ = [
    "accounts",
    "audit",
    "idempotency",
    "identity",
    "keys",
    "metadata",
    "storage",
    "vending",
]
