"""The index of items: one row an object, millions of rows, two databases."""

from valetkey.catalog.db.items.repository import SqlItems

__all__ = ["SqlItems"]
