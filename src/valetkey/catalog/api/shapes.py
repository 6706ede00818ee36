"""Datasets, their entries and syncs as the own API shows them."""

from __future__ import annotations

from typing import Any, Final, Literal

from valetkey.api.mapping import ShapeMapper
from valetkey.api.v1.routes.rotations import STAGES
from valetkey.catalog.domain.dataset import STANDARD, Item
from valetkey.catalog.domain.sync import CommandKind, State
from valetkey.catalog.services.datasets.datasets import DatasetView
from valetkey.catalog.services.datasets.orders import SyncView
from valetkey.catalog.services.items.restoring import Restored
from valetkey.domain.rotation import Rotation, Stage
from valetkey.wire import catalog as wire
from valetkey.wire import objects
from valetkey.wire.work import Work, WorkCounts, WorkFailure

_States = Literal["pending", "running", "succeeded", "failed", "canceled"]
_STATES: Final[dict[State, _States]] = {
    State.CREATED: "pending",
    State.RUNNING: "running",
    State.SUCCESS: "succeeded",
    State.FAILED: "failed",
    State.CANCELED: "canceled",
}
_KINDS: Final[dict[CommandKind, Literal["sync", "clone", "export"]]] = {
    CommandKind.SYNC: "sync",
    CommandKind.CLONE: "clone",
    CommandKind.EXPORT: "export",
}
#: How far a rotation is at a stage, in percent.
_PROGRESS: Final = {
    Stage.INTENDED: 0,
    Stage.CREATED: 15,
    Stage.SEALED: 30,
    Stage.PROVEN: 45,
    Stage.SWITCHED: 60,
    Stage.DEACTIVATED: 80,
    Stage.DONE: 100,
}


dataset: Final = ShapeMapper(
    wire.Dataset, DatasetView, within="dataset.", named={"object_count": "item_count"}
)
_entry: Final = ShapeMapper(
    objects.Object, Item, named={"media_type": "mimetype"}, added=("storage_class",)
)


def entry(item: Item) -> objects.Object:
    """Return an entry's shape."""
    return _entry(item, storage_class=None if item.is_folder else item.storage_class or STANDARD)


def folder(item: Item) -> objects.Folder:
    """Return a folder's shape."""
    return objects.Folder(dataset_id=item.dataset_id, path=item.path)


def restoring(found: Restored) -> objects.Restoring:
    """Return the shape of how far an archived object is."""
    return objects.Restoring(
        object_id=found.item.id,
        state="restoring" if found.restoring else "restored",
        readable_until=found.until,
    )


def work(view: SyncView) -> Work:
    """Return the shape of work on a dataset."""
    command, counts = view.command, view.counts
    return Work(
        id=command.id,
        kind=_KINDS[command.kind],
        subject_id=command.dataset_id,
        state=_STATES[command.state],
        progress=view.percent,
        created_at=command.created_at,
        updated_at=command.updated_at,
        notice=command.notice or None,
        counts=WorkCounts(
            added=counts.added,
            changed=counts.changed,
            removed=counts.removed,
            unchanged=counts.unchanged,
        ),
        objects_per_second=round(view.rate, 1),
        error=_failure(command.error),
    )


def _failure(error: Any) -> WorkFailure | None:
    if not error:
        return None
    message, hint = str(error.get("message", "It failed.")), str(error.get("hint", ""))
    return WorkFailure(code=str(error.get("code", "internal")), message=message, hint=hint or None)


def rotation(found: Rotation) -> Work:
    """Return a rotation's shape."""
    failed = found.stage is Stage.ROLLED_BACK
    state: _States = "running"
    if found.is_over:
        state = "failed" if failed else "succeeded"
    problem = found.problem
    return Work(
        id=found.id,
        kind="rotation",
        subject_id=found.integration_id,
        state=state,
        progress=_PROGRESS.get(found.stage, 0),
        created_at=found.started_at,
        updated_at=found.stage_at,
        stage=STAGES[found.stage],
        error=WorkFailure(code="rotation_failed", message=problem) if problem else None,
    )


def of_names(glob: str | None) -> str | None:
    """Return a glob on paths as one on file names: these have a ``/`` before the path, so that a
    glob which begins as paths do would fit none of them."""
    return f"/{glob}" if glob and not glob.startswith(("/", "*")) else glob
