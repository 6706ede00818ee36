"""Rotations of an integration's access key, and their schedules."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

import msgspec

from valetkey.wire.administrators import Administrator
from valetkey.wire.base import (
    Body,
    Id,
    IntegrationId,
    MadeBy,
    Moment,
    Shape,
    moment_meta,
    says,
)
from valetkey.wire.operation import Operation

Stage = Literal[
    "intended",
    "created",
    "sealed",
    "proven",
    "switched",
    "deactivated",
    "done",
    "rollingBack",
    "rolledBack",
]
_STAGE: Final = says(
    "`intended`: nothing has happened at AWS. `created`: there is a new key. `sealed`: its secret "
    "is stored. `proven`: it opens the role. `switched`: vending uses it. `deactivated`: the old "
    "one is off. `done`: the old one is deleted. `rollingBack`, `rolledBack`: the new one goes.",
    "switched",
)


class RotationStep(Shape, frozen=True):
    """A line of a rotation's history."""

    stage: Annotated[Stage, _STAGE]
    reached_at: Annotated[Moment, moment_meta("When it was reached.")]
    note: Annotated[str | None, says("What there is to say of it.", "by ada@example.com")] = None


class Rotation(Shape, frozen=True):
    """A replacement of an integration's access key, step by step; none is taken before the one
    before it is stored."""

    id: Id
    integration_id: IntegrationId
    user_arn: Annotated[
        str, says("The IAM user whose key it is.", "arn:aws:iam::123456789012:user/valetkey")
    ]
    stage: Annotated[Stage, _STAGE]
    is_over: Annotated[bool, says("There is nothing left to do.", False)]
    old_access_key_id: Annotated[str, says("The key that goes.", "AKIAIOSFODNN7EXAMPLE")]
    creator: MadeBy
    started_at: Annotated[Moment, moment_meta("When it began.")]
    steps: Annotated[list[RotationStep], says("Its history.")]
    new_access_key_id: Annotated[
        str | None, says("The key that comes, once there is one.", "AKIAI44QH8DHBEXAMPLE")
    ] = None
    next_step_at: Annotated[
        Moment | None, moment_meta("When it goes on by itself; absent once it is over.")
    ] = None
    problem: Annotated[str | None, says("What is in its way.", "iam:CreateAccessKey is denied")] = (
        None
    )


class NewRotation(Body, frozen=True):
    """How to rotate."""

    delete_unknown_key: Annotated[
        str | None, says("The id of another key that may go to make room.", "AKIAI44QH8DHBEXAMPLE")
    ] = None
    grace_seconds: Annotated[
        Annotated[int, msgspec.Meta(ge=0, le=2**31)] | None,
        says("For how long the old key stays, switched off, before it is deleted.", 86400),
    ] = None
    administrator: Annotated[
        Administrator | None,
        says("AWS credentials for this one request, where Valetkey's own may not do it."),
    ] = None


class RotationSchedule(Shape, frozen=True):
    """How often a key is rotated."""

    tagged: ClassVar = True
    observed: ClassVar = ("next_at",)

    every_seconds: Annotated[int, says("How often.", 2592000)]
    jitter_seconds: Annotated[int, says("By how much a turn may be earlier.", 86400)]
    next_at: Annotated[Moment, moment_meta("When the next one begins.")]
    creator: MadeBy


class NewRotationSchedule(Body, frozen=True):
    """How often to rotate."""

    every_seconds: Annotated[int, says("A day to a year.", 2592000, ge=86400, le=31536000)]


_PATH: Final = "/v1/integrations/{integrationId}"
_TAG: Final = "rotations"

CREATE_ROTATION: Final = Operation(
    id="createRotation",
    method="POST",
    path=f"{_PATH}/rotations",
    tag=_TAG,
    summary="Start to replace an integration's access key, or go on with the rotation under way.",
    description="It goes on by itself: ask `/v1/operations/{id}` how far it is. Vending uses the "
    "old key until the new one is proven.",
    body=NewRotation,
    result=Rotation,
    status=202,
    errors=(
        "rotation_under_way",
        "not_rotatable",
        "key_inactive",
        "unknown_key",
        "key_in_use",
        "administrator_needed",
        "changed_meanwhile",
        "role_missing",
        "no_temporary_credentials",
        "locked",
        "aws_refused",
        "aws_unavailable",
        "seal_broken",
    ),
    makes=True,
    needs_body=False,
)
GET_LATEST_ROTATION: Final = Operation(
    id="getLatestRotation",
    method="GET",
    path=f"{_PATH}/rotations/latest",
    tag=_TAG,
    summary="Show the latest rotation of an integration's access key.",
    result=Rotation,
)
CANCEL_ROTATION: Final = Operation(
    id="cancelRotation",
    method="POST",
    path=f"{_PATH}/rotations/latest/cancel",
    tag=_TAG,
    summary="End the rotation under way; the integration keeps the key that it holds.",
    result=Rotation,
    errors=("changed_meanwhile", "locked"),
)
GET_ROTATION_SCHEDULE: Final = Operation(
    id="getRotationSchedule",
    method="GET",
    path=f"{_PATH}/rotation-schedule",
    tag=_TAG,
    summary="Show how often an integration's access key is rotated.",
    result=RotationSchedule,
)
PUT_ROTATION_SCHEDULE: Final = Operation(
    id="putRotationSchedule",
    method="PUT",
    path=f"{_PATH}/rotation-schedule",
    tag=_TAG,
    summary="Rotate an integration's access key regularly from now on.",
    body=NewRotationSchedule,
    result=RotationSchedule,
    errors=("not_rotatable",),
    versioned=True,
)
DELETE_ROTATION_SCHEDULE: Final = Operation(
    id="deleteRotationSchedule",
    method="DELETE",
    path=f"{_PATH}/rotation-schedule",
    tag=_TAG,
    summary="Rotate no longer by itself.",
    status=204,
    errors=("not_rotatable",),
    versioned=True,
)
OPERATIONS: Final = (
    CREATE_ROTATION,
    GET_LATEST_ROTATION,
    CANCEL_ROTATION,
    GET_ROTATION_SCHEDULE,
    PUT_ROTATION_SCHEDULE,
    DELETE_ROTATION_SCHEDULE,
)
