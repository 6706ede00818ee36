"""Rotations and their schedules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec

from valetkey.api.wire.base import In, Out, moment, moment_or_none
from valetkey.domain.credentials import AccessKey, TemporaryCredentials
from valetkey.domain.rotation import DEFAULT_GRACE, Rotation, Schedule, parse_grace
from valetkey.domain.secret import Secret
from valetkey.services.rotation import RotationStatus

#: The longest that a time can be, for credentials whose end AWS has not told.
_UNKNOWN_END: Final = datetime.max.replace(tzinfo=UTC)
Seconds = Annotated[int, msgspec.Meta(ge=0, le=2**31)]


class AdministratorIn(In, frozen=True):
    """An administrator's AWS credentials, for this one request: they are never stored."""

    key: str
    secret: str
    session_token: str = ""

    def __repr__(self) -> str:
        return "<AdministratorIn>"

    @property
    def signer(self) -> AccessKey | TemporaryCredentials:
        """The credentials; AWS alone knows until when temporary ones are good."""
        if self.session_token:
            return TemporaryCredentials(
                self.key, Secret(self.secret), Secret(self.session_token), _UNKNOWN_END
            )
        return AccessKey(self.key, Secret(self.secret))


class RotateIn(In, frozen=True):
    """How to rotate. ``deleteStranger`` is the id of a key that may go to make room."""

    delete_stranger: str = ""
    grace_seconds: Seconds = int(DEFAULT_GRACE.total_seconds())
    administrator: AdministratorIn | None = None

    @property
    def grace(self) -> timedelta:
        return parse_grace(self.grace_seconds)


class ScheduleIn(In, frozen=True):
    """How often to rotate; null is never."""

    every_seconds: Seconds | None


class RotationStepOut(Out, frozen=True):
    """A line of a rotation's history."""

    stage: str
    at: str
    note: str


class RotationOut(Out, frozen=True):
    """A rotation. ``nextStepAt`` is when it goes on by itself, null once it is over."""

    id: str
    integration: str
    user_arn: str
    stage: str
    over: bool
    old_key: str
    new_key: str
    actor: str
    started_at: str
    next_step_at: str | None
    problem: str
    steps: list[RotationStepOut]

    @classmethod
    def of(cls, rotation: Rotation) -> RotationOut:
        """Return a rotation's shape."""
        due = None if rotation.is_over else rotation.due_at
        return cls(
            id=rotation.id,
            integration=rotation.integration_id,
            user_arn=rotation.user_arn,
            stage=rotation.stage.value,
            over=rotation.is_over,
            old_key=rotation.old_key_id,
            new_key=rotation.new_key_id,
            actor=rotation.actor,
            started_at=moment(rotation.started_at),
            next_step_at=moment_or_none(due),
            problem=rotation.problem,
            steps=[
                RotationStepOut(stage=step.stage.value, at=moment(step.at), note=step.note)
                for step in rotation.steps
            ],
        )


class ScheduleOut(Out, frozen=True):
    """How often a key is rotated, spread by up to ``jitterSeconds``."""

    every_seconds: int
    jitter_seconds: int
    next_at: str
    actor: str

    @classmethod
    def of(cls, schedule: Schedule) -> ScheduleOut:
        """Return a schedule's shape."""
        return cls(
            every_seconds=int(schedule.every.total_seconds()),
            jitter_seconds=int(schedule.jitter.total_seconds()),
            next_at=moment(schedule.next_at),
            actor=schedule.actor,
        )


class RotationStatusOut(Out, frozen=True):
    """The latest rotation and the schedule, null where there is none."""

    rotation: RotationOut | None
    schedule: ScheduleOut | None

    @classmethod
    def of(cls, status: RotationStatus) -> RotationStatusOut:
        """Return a status's shape."""
        return cls(
            rotation=RotationOut.of(status.rotation) if status.rotation else None,
            schedule=ScheduleOut.of(status.schedule) if status.schedule else None,
        )
