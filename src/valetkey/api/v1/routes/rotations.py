"""Rotations of access keys, and their schedules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from valetkey.api.mapping import ShapeMapper
from valetkey.api.v1.calls import ApiCall, route
from valetkey.domain import rotation as domain
from valetkey.domain.credentials import AccessKey, AwsCredentials, TemporaryCredentials
from valetkey.domain.errors import NotFound
from valetkey.domain.rotation import DEFAULT_GRACE, parse_grace
from valetkey.domain.secret import Secret
from valetkey.wire import rotations as wire
from valetkey.wire.administrators import Administrator
from valetkey.wire.base import Nothing

#: The longest that a time can be, for credentials whose end AWS has not told.
_UNKNOWN_END: Final = datetime.max.replace(tzinfo=UTC)


def signer(administrator: Administrator | None) -> AwsCredentials | None:
    """Return an administrator's credentials; AWS alone knows until when temporary ones are good."""
    if administrator is None:
        return None
    key, secret = administrator.access_key_id, Secret(administrator.secret_access_key)
    if administrator.session_token:
        return TemporaryCredentials(key, secret, Secret(administrator.session_token), _UNKNOWN_END)
    return AccessKey(key, secret)


STAGES: Final[dict[domain.Stage, wire.Stage]] = {
    domain.Stage.INTENDED: "intended",
    domain.Stage.CREATED: "created",
    domain.Stage.SEALED: "sealed",
    domain.Stage.PROVEN: "proven",
    domain.Stage.SWITCHED: "switched",
    domain.Stage.DEACTIVATED: "deactivated",
    domain.Stage.DONE: "done",
    domain.Stage.ROLLING_BACK: "rollingBack",
    domain.Stage.ROLLED_BACK: "rolledBack",
}
_step: Final = ShapeMapper(
    wire.RotationStep,
    domain.StepTaken,
    named={"reached_at": "at"},
    by={"stage": STAGES.__getitem__},
)
_shape: Final = ShapeMapper(
    wire.Rotation,
    domain.Rotation,
    named={
        "old_access_key_id": "old_key_id",
        "new_access_key_id": "new_key_id",
        "creator": "actor",
    },
    by={
        "stage": STAGES.__getitem__,
        "steps": lambda steps: [_step(step) for step in steps],
    },
    added=("next_step_at",),
)
_schedule_shape: Final = ShapeMapper(
    wire.RotationSchedule,
    domain.Schedule,
    named={"every_seconds": "every", "jitter_seconds": "jitter", "creator": "actor"},
)


def shape(rotation: domain.Rotation) -> wire.Rotation:
    """Return a rotation's shape."""
    return _shape(rotation, next_step_at=None if rotation.is_over else rotation.due_at)


def _schedule(schedule: domain.Schedule | None) -> wire.RotationSchedule:
    if schedule is None:
        raise NotFound("The key is not rotated by itself.", hint="PUT a schedule.")
    return _schedule_shape(schedule)


async def create_rotation(call: ApiCall[Nothing, wire.NewRotation]) -> wire.Rotation:
    body, rotations = call.body, call.services.rotations
    administrator = signer(body.administrator)
    rotation = await rotations.start(
        call.caller,
        call["integrationId"],
        delete_unknown_key=body.delete_unknown_key or "",
        grace=DEFAULT_GRACE if body.grace_seconds is None else parse_grace(body.grace_seconds),
        administrator=administrator,
    )
    rotations.advance_soon(rotation.id, administrator)
    return shape(rotation)


async def get_latest_rotation(call: ApiCall[Nothing, Nothing]) -> wire.Rotation:
    status = await call.services.rotations.status(call.caller, call["integrationId"])
    if status.rotation is None:
        raise NotFound("The key was never rotated.", hint="POST to /rotations to rotate it.")
    return shape(status.rotation)


async def cancel_rotation(call: ApiCall[Nothing, Nothing]) -> wire.Rotation:
    rotation = await call.services.rotations.cancel(call.caller, call["integrationId"])
    call.services.rotations.advance_soon(rotation.id)
    return shape(rotation)


async def get_rotation_schedule(call: ApiCall[Nothing, Nothing]) -> wire.RotationSchedule:
    status = await call.services.rotations.status(call.caller, call["integrationId"])
    return _schedule(status.schedule)


async def put_rotation_schedule(
    call: ApiCall[Nothing, wire.NewRotationSchedule],
) -> wire.RotationSchedule:
    every = timedelta(seconds=call.body.every_seconds)
    return _schedule(
        await call.services.rotations.schedule(call.caller, call["integrationId"], every)
    )


async def delete_rotation_schedule(call: ApiCall[Nothing, Nothing]) -> Nothing:
    await call.services.rotations.schedule(call.caller, call["integrationId"], None)
    return Nothing()


async def _schedule_now(work: Any, call: ApiCall[Any, Any]) -> wire.RotationSchedule | None:
    found = await work.rotations.schedule_of(call["integrationId"])
    return _schedule(found) if found is not None else None


ROUTES: Final = (
    route(wire.CREATE_ROTATION, create_rotation),
    route(wire.GET_LATEST_ROTATION, get_latest_rotation),
    route(wire.CANCEL_ROTATION, cancel_rotation),
    route(wire.GET_ROTATION_SCHEDULE, get_rotation_schedule, now=_schedule_now),
    route(wire.PUT_ROTATION_SCHEDULE, put_rotation_schedule),
    route(wire.DELETE_ROTATION_SCHEDULE, delete_rotation_schedule),
)
