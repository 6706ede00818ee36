"""Clones, in the shapes of Dataloop's SDK."""

from __future__ import annotations

from typing import Any

import msgspec

from valetkey.catalog.dataloop.wire.base import Tolerant
from valetkey.catalog.domain.clone import CloneOptions
from valetkey.catalog.services.clones import NewClone, NewItemClone

_FILES = {"type": "file"}


class CloneParamsIn(Tolerant, frozen=True):
    """How to clone. What it says of annotations and tasks, which don't exist here, is let be."""

    with_metadata: bool = True
    target_directory: str | None = None
    target_dataset_id: str | None = None


class CloneQueryIn(Tolerant, frozen=True):
    """Which items (DQL)."""

    filter: dict[str, Any] = msgspec.field(default_factory=dict)


class CloneIn(Tolerant, frozen=True):
    """A clone of a dataset, to a new one with a ``name`` or to one that is there."""

    name: str | None = None
    filter: CloneQueryIn = msgspec.field(default_factory=CloneQueryIn)
    clone_dataset_params: CloneParamsIn = msgspec.field(default_factory=CloneParamsIn)

    @property
    def wanted(self) -> NewClone:
        """The order as the service takes it."""
        params = self.clone_dataset_params
        return NewClone(
            self.filter.filter or _FILES,
            self.name or "",
            params.target_dataset_id or "",
            params.target_directory or "",
            params.with_metadata,
        )


class ItemCloneIn(Tolerant, frozen=True):
    """A clone of an item."""

    target_dataset_id: str
    remote_file_name: str | None = None
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)
    clone_dataset_params: CloneParamsIn = msgspec.field(default_factory=CloneParamsIn)

    @property
    def wanted(self) -> NewItemClone:
        """The order as the service takes it."""
        return NewItemClone(
            self.target_dataset_id,
            self.remote_file_name or "",
            self.clone_dataset_params.with_metadata,
            self.metadata,
        )


def clone_spec(options: CloneOptions, dataset_id: str) -> dict[str, Any]:
    """Return what a command says of a clone: what it made, by its id."""
    if not options.path:
        return {"datasetId": dataset_id, "returnedModelId": options.target_id}
    made = [options.made_id] if options.made_id else []
    return {"datasetId": dataset_id, "returnedModelId": made}
