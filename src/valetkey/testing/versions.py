"""Rows that count their changes, as the tables do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from valetkey.domain.errors import VersionMismatch

R = TypeVar("R")


def save(rows: dict[str, R], new: R) -> R:
    """Store the newer self of a row that was read. Raises VersionMismatch."""
    thing: Any = new
    stored: Any = rows.get(thing.id)
    if stored is None or stored.version != thing.version:
        raise VersionMismatch("It was changed meanwhile.", hint="Read it again.")
    rows[thing.id] = replace(thing, version=thing.version + 1)
    return rows[thing.id]
