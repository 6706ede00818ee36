"""Operations: work that takes time."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from valetkey.wire.base import (
    ID,
    Created,
    Id,
    Moment,
    Query,
    Shape,
    moment_meta,
    says,
)
from valetkey.wire.operation import Operation
from valetkey.wire.rotations import Stage


class WorkCounts(Shape, frozen=True):
    """What a sync has done so far, in objects; what a clone or an export has done is new."""

    added: Annotated[int, says("New ones.", 12)]
    changed: Annotated[int, says("Those that had changed.", 3)]
    removed: Annotated[int, says("Those that are gone; those that could not be cloned.", 1)]
    unchanged: Annotated[int, says("Those that are as they were.", 1026)]


class WorkFailure(Shape, frozen=True):
    """Why work failed."""

    code: Annotated[str, says("A code of the API, or `rotation_failed`.", "aws_refused")]
    message: Annotated[str, says("What happened.", "AWS refuses to list the bucket.")]
    hint: Annotated[str | None, says("What to do about it.", "Verify the location.")] = None


class Work(Shape, frozen=True):
    """An operation: work that takes time, and how far it is."""

    id: Id
    kind: Annotated[
        Literal["rotation", "sync", "clone", "export"], says("What is being done.", "sync")
    ]
    subject_id: Annotated[
        str, says("To what: the integration of a rotation, else the dataset.", ID)
    ]
    state: Annotated[
        Literal["pending", "running", "succeeded", "failed", "canceled"],
        says("How it stands.", "running"),
    ]
    progress: Annotated[int, says("How far it is, in percent; 100 once it succeeded.", 40)]
    created_at: Created
    updated_at: Annotated[Moment, moment_meta("When it last went on.")]
    notice: Annotated[
        str | None, says("What its owner ought to know of it.", "listed out of order")
    ] = None
    counts: Annotated[WorkCounts | None, says("What has been done so far.")] = None
    objects_per_second: Annotated[float | None, says("How quick it is.", 5200.0)] = None
    stage: Annotated[Stage | None, says("The stage of a rotation.", "switched")] = None
    error: Annotated[WorkFailure | None, says("Why it failed, or what is in its way.")] = None


class WaitQuery(Query, frozen=True):
    """For how long to wait."""

    wait_seconds: Annotated[
        int, says("Answer when it is over, or after so many seconds.", 30, ge=0, le=60)
    ] = 0


GET_OPERATION: Final = Operation(
    id="getOperation",
    method="GET",
    path="/v1/operations/{operationId}",
    tag="operations",
    summary="Show how far work is; with `waitSeconds`, once it is over.",
    query=WaitQuery,
    result=Work,
)
CANCEL_OPERATION: Final = Operation(
    id="cancelOperation",
    method="POST",
    path="/v1/operations/{operationId}/cancel",
    tag="operations",
    summary="Stop work; what it has done stays.",
    result=Work,
    errors=("already_over", "changed_meanwhile", "locked"),
)
OPERATIONS: Final = (GET_OPERATION, CANCEL_OPERATION)
