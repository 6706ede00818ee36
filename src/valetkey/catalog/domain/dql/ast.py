"""The tree of a filter: a few nodes, each with one meaning.

Every node is true or false for an item, never unknown: a comparison with a value that is missing,
or of another type, is false, and :class:`Not` turns that to true. ``$ne`` and ``$nin`` are ``Not``.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

#: A value in a filter. Moments are integers here: milliseconds since 1970, UTC.
Scalar = str | int | float | bool | None


class Column(StrEnum):
    """An item's own fields, by their names in the API."""

    ID = "id"
    FILENAME = "filename"
    NAME = "name"
    DIR = "dir"
    TYPE = "type"
    CREATOR = "creator"
    CREATED_AT = "createdAt"
    UPDATED_AT = "updatedAt"
    SIZE = "metadata.system.size"
    MIMETYPE = "metadata.system.mimetype"
    ETAG = "metadata.system.etag"
    STORAGE_CLASS = "metadata.system.storageClass"
    DESCRIPTION = "description"
    DATASET = "datasetId"


@dataclass(frozen=True, slots=True)
class MetadataValue:
    """A value inside the metadata, by its keys from the outside in (through objects only).

    Where it is an array, a test is true of it when it is true of one of the array's elements.
    """

    path: tuple[str, ...]


Field = Column | MetadataValue


@dataclass(frozen=True, slots=True)
class SortOrder:
    """A field to sort by, and whether from its highest value down."""

    field: Column
    descending: bool = False


@dataclass(frozen=True, slots=True)
class All:
    """True when each part is; without parts, always."""

    parts: tuple[FilterNode, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """True when one part is; without parts, never."""

    parts: tuple[FilterNode, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True when the part is not."""

    part: FilterNode


@dataclass(frozen=True, slots=True)
class Equal:
    """Of the same type (all numbers are one type) and equal; null equals a missing value too."""

    field: Field
    value: Scalar


@dataclass(frozen=True, slots=True)
class Compare:
    """Both numbers, or both text (by code points), and in this order."""

    field: Field
    operator: Literal["<", "<=", ">", ">="]
    value: str | int | float


@dataclass(frozen=True, slots=True)
class Glob:
    """Text that a pattern (of :func:`~valetkey.catalog.domain.dql.glob.normal_glob`) describes
    wholly: ``**`` anything, ``*`` anything but ``/``; ``/**/`` may be a single ``/``. ``text`` is
    the pattern as it was given."""

    field: Field
    pattern: str
    text: str = dataclasses.field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Contains:
    """Text that holds this text."""

    field: Field
    text: str


@dataclass(frozen=True, slots=True)
class Exists:
    """There is a value (null is one)."""

    field: Field


FilterNode = All | Either | Not | Equal | Compare | Glob | Contains | Exists


def conjunction(node: FilterNode) -> list[FilterNode]:
    """Return the conditions that must all hold."""
    if isinstance(node, All):
        return [condition for part in node.parts for condition in conjunction(part)]
    return [node]
