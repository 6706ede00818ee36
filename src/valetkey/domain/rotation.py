"""Rotation of an integration's access key: which step comes next, and when to let it be.

Each stage is stored before the next step is taken, so that whoever comes after a crash knows what
may have happened. Two things can't be asked of AWS: the secret of a key that it has made (it is
shown once), and whether a CreateAccessKey whose answer was lost has taken effect. So the ids of
the keys known before are part of the intent: a key that is not among them, was made since, and was
never used is the lost one, and goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from valetkey.domain.credentials import require_aware
from valetkey.domain.errors import Conflict, InvalidInput
from valetkey.domain.setup.observed import ObservedKey

#: How long the old key stays, inactive, before it is deleted: the time to notice that somebody
#: else was using it, and to activate it again.
DEFAULT_GRACE: Final = timedelta(hours=24)
MOST_GRACE: Final = timedelta(days=30)
#: For how long a new key may be refused before it is given up: IAM is eventually consistent.
PATIENCE: Final = timedelta(minutes=5)
#: How long the old key stays active after the switch: requests that began with it end meanwhile.
DRAIN: Final = timedelta(minutes=2)
#: A new key whose secret could not be stored is removed, and made again, this often.
MOST_KEYS_MADE: Final = 5
#: This many proofs in a row: one answer comes from one replica.
PROOFS: Final = 3
#: Our clock and AWS's, or another process's, may differ by this much.
_SKEW: Final = timedelta(minutes=5)

SHORTEST_PERIOD: Final = timedelta(days=1)
LONGEST_PERIOD: Final = timedelta(days=365)


class Stage(StrEnum):
    """What is known to have happened. ``created``: AWS has told the new key's id; ``sealed``: its
    secret is stored; ``proven``: it opens the role; ``switched``: vending uses it;
    ``deactivated``: the old one is off, and its grace has begun."""

    INTENDED = "intended"
    CREATED = "created"
    SEALED = "sealed"
    PROVEN = "proven"
    SWITCHED = "switched"
    DEACTIVATED = "deactivated"
    DONE = "done"
    ROLLING_BACK = "rolling back"
    ROLLED_BACK = "rolled back"


ENDS: Final = frozenset({Stage.DONE, Stage.ROLLED_BACK})
#: The integration holds the new key.
AFTER_SWITCH: Final = frozenset({Stage.SWITCHED, Stage.DEACTIVATED})


class Superseded(NamedTuple):
    """Where a rotation goes that a person has overtaken, and why."""

    stage: Stage
    why: str


@dataclass(frozen=True, slots=True)
class StepTaken:
    """A line of a rotation's history."""

    stage: Stage
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class Rotation:
    """A rotation. ``known`` are the ids of the user's keys when it was intended; ``removable``
    those of keys that may be deleted before: ours of old, or named by a person. ``going`` are those
    that are being switched off or deleted at AWS: stored before AWS is asked, and in the same
    transaction in which it was seen that the integration does not hold them. The new key's secret
    is not here: it stays sealed in the store."""

    id: str
    org_id: str
    integration_id: str
    user_arn: str
    stage: Stage
    actor: str
    old_key_id: str
    known: tuple[str, ...]
    removable: tuple[str, ...]
    by_administrator: bool
    grace: timedelta
    started_at: datetime
    stage_at: datetime
    new_key_id: str = ""
    problem: str = ""
    steps: tuple[StepTaken, ...] = ()
    going: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_aware(self.started_at)
        require_aware(self.stage_at)

    @property
    def is_over(self) -> bool:
        return self.stage in ENDS

    @property
    def due_at(self) -> datetime:
        """When the next step may be taken: the old key drains, and then has its grace."""
        waits = {Stage.SWITCHED: DRAIN, Stage.DEACTIVATED: self.grace}
        return self.stage_at + waits.get(self.stage, timedelta())

    def is_ahead(self, now: datetime) -> bool:
        """Tell whether a clock has stored the stage that was further ahead than clocks differ: its
        wait would last for as long as that, and begins now instead."""
        return self.stage_at > now + _SKEW

    def is_due(self, now: datetime) -> bool:
        """Tell whether there is something to do."""
        return not self.is_over and (now >= self.due_at or self.is_ahead(now))

    @property
    def keys_made(self) -> int:
        """How many keys this rotation has made so far."""
        return sum(step.stage is Stage.CREATED for step in self.steps)

    def at(self, stage: Stage, now: datetime, note: str = "", *, new_key_id: str = "") -> Rotation:
        """Return the rotation at a stage reached now."""
        return replace(
            self,
            stage=stage,
            stage_at=now,
            new_key_id=new_key_id or self.new_key_id,
            problem=note if stage in {Stage.ROLLING_BACK, Stage.ROLLED_BACK} else "",
            steps=(*self.steps, StepTaken(stage, now, note)),
        )

    def again(self, now: datetime, note: str) -> Rotation:
        """Return the rotation as it was intended, after a key that was made is gone."""
        return replace(self.at(Stage.INTENDED, now, note), new_key_id="")

    def marking(self, key_ids: Iterable[str], held: str) -> Rotation:
        """Return the rotation with the keys that go, of those named: never the one held."""
        fresh = {key_id for key_id in key_ids if key_id and key_id != held}
        return replace(self, going=tuple(sorted({*self.going, *fresh} - {held})))

    def superseded(self, held: str) -> Superseded | None:
        """Say what became of the rotation if the integration does not hold the key that it should
        at this stage: a person gave it another one. None: it holds the right one."""
        if self.stage in {Stage.ROLLING_BACK, *ENDS}:
            return None
        if held == (self.new_key_id if self.stage in AFTER_SWITCH else self.old_key_id):
            return None
        made = f"; {self.new_key_id}, which this rotation made, is not used" * bool(self.new_key_id)
        if self.stage not in AFTER_SWITCH or held == self.old_key_id:
            why = f"The integration was given the key {held or '(none)'} meanwhile{made}."
            return Superseded(Stage.ROLLING_BACK, why)
        why = (
            f"The integration was given the key {held or '(none)'} meanwhile. Nothing more is "
            f"done: see in IAM whether {self.old_key_id} and {self.new_key_id} are still needed."
        )
        return Superseded(Stage.ROLLED_BACK, why)

    def cancelled(self, now: datetime, actor: str) -> Rotation:
        """Return the rotation as a person ends it, from whichever stage.

        Before the switch a new key is looked for and taken back; where that does not get on,
        cancelling again ends it as it is. After the switch the old key is left as it is.
        """
        by = f"Cancelled by {actor}."
        if self.stage in AFTER_SWITCH:
            left = "inactive" if self.stage is Stage.DEACTIVATED else "active"
            return self.at(Stage.DONE, now, f"{by} The old key {self.old_key_id} is left, {left}.")
        if self.stage is Stage.ROLLING_BACK:
            left = f" See in IAM whether {self.new_key_id} is left." if self.new_key_id else ""
            return self.at(Stage.ROLLED_BACK, now, by + left)
        return self.at(Stage.ROLLING_BACK, now, by)

    def gives_up(self, now: datetime) -> bool:
        """Tell whether a new key that AWS still refuses has had its time."""
        return now - self.stage_at >= PATIENCE


@dataclass(frozen=True, slots=True)
class Before:
    """What stands in the way of a new key and may go: ``remove`` are keys that are ours of old,
    or that a person has named."""

    remove: tuple[str, ...]


def before_rotating(
    keys: Sequence[ObservedKey], held: str, *, ours: frozenset[str], told: str = ""
) -> Before:
    """Decide what to do about the keys that a user has when a rotation is asked for.

    ``ours`` are ids that earlier rotations of Valetkey have made or replaced, and which may go
    unless somebody has activated them again; ``told`` is a
    unknown key that a person has said may be deleted. Raises Conflict, naming the key and its
    last use, and InvalidInput for a ``told`` that is not one.
    """
    mine = next((key for key in keys if key.id == held), None)
    others = [key for key in keys if key.id != held]
    if told and told not in {key.id for key in others}:
        raise InvalidInput(
            f"{told[:128]!r} is not another access key of this user.",
            hint=f"It has: {_named(keys) or 'none'}.",
            field="deleteUnknownKey",
        )
    if mine is None or not mine.active:
        state = "was deleted at AWS" if mine is None else "is inactive at AWS"
        raise Conflict(
            f"The access key {held} that Valetkey holds {state}, so it can't make another.",
            hint="Activate it again, or make a key in IAM and enter it "
            "(valetkey integrations update).",
            code="key_inactive",
        )
    unknown_keys = [key for key in others if key.id != told and (key.active or key.id not in ours)]
    if unknown_keys:
        raise Conflict(
            _unknown_key(unknown_keys[0], mine), hint=_advice(unknown_keys[0]), code="unknown_key"
        )
    return Before(tuple(key.id for key in others))


def _unknown_key(key: ObservedKey, mine: ObservedKey) -> str:
    compared = ""
    if key.last_used_at and (mine.last_used_at is None or key.last_used_at > mine.last_used_at):
        compared = " It was used later than the key that Valetkey holds: something depends on it."
    return (
        f"The user has a second access key that Valetkey did not make: {_described(key)}. "
        f"AWS allows two, so there is no room for a new one.{compared}"
    )


def _advice(key: ObservedKey) -> str:
    return (
        "Find out who uses it. If nobody does, delete it in IAM, or have it deleted: "
        f"valetkey integrations rotate --delete-unknown-key {key.id}"
    )


def _described(key: ObservedKey) -> str:
    used = f"last used {key.last_used_at:%Y-%m-%d %H:%M} UTC" if key.last_used_at else "never used"
    return f"{key.id} ({'active' if key.active else 'inactive'}, {used})"


def _named(keys: Sequence[ObservedKey]) -> str:
    return ", ".join(_described(key) for key in keys)


@dataclass(frozen=True, slots=True)
class Suspects:
    """What appeared since an intent: ``orphans`` are the lost keys of ours; ``unknown_keys`` are
    not."""

    orphans: tuple[str, ...]
    unknown_keys: tuple[str, ...]


def since_the_intent(rotation: Rotation, keys: Sequence[ObservedKey]) -> Suspects:
    """Tell the keys that a lost CreateAccessKey of this rotation made from other new ones.

    A key that has been used is not ours: nobody has our lost key's secret.
    """
    new = [key for key in keys if key.id not in rotation.known]
    earliest = rotation.started_at - _SKEW
    orphans = {key.id for key in new if key.last_used_at is None and key.created_at >= earliest}
    return Suspects(
        tuple(key.id for key in new if key.id in orphans),
        tuple(key.id for key in new if key.id not in orphans),
    )


@dataclass(frozen=True, slots=True)
class Schedule:
    """When an integration's key is rotated. ``next_at`` has its jitter in it."""

    integration_id: str
    every: timedelta
    jitter: timedelta
    next_at: datetime
    actor: str

    def following(self, now: datetime, chance: float) -> Schedule:
        """Return the schedule with its next turn; ``chance`` is in [0, 1)."""
        return replace(self, next_at=now + self.every + chance * self.jitter)


def make_schedule(
    integration_id: str, every: timedelta, *, now: datetime, chance: float, actor: str
) -> Schedule:
    """Return a schedule whose turns are spread by a tenth of the period, at most a day.

    Raises InvalidInput for a period that is not between a day and a year.
    """
    if not SHORTEST_PERIOD <= every <= LONGEST_PERIOD:
        raise InvalidInput(
            "A key can't be rotated that often, or that seldom.",
            hint="Give a period of 1 to 365 days, such as 30d.",
            field="everySeconds",
        )
    jitter = min(every / 10, timedelta(days=1))
    return Schedule(integration_id, every, jitter, now, actor).following(now, chance)


def parse_grace(seconds: int) -> timedelta:
    """Read a grace, in seconds. Raises InvalidInput."""
    grace = timedelta(seconds=seconds) if 0 <= seconds <= MOST_GRACE.total_seconds() else None
    if grace is None:
        raise InvalidInput(
            "The grace is out of range.", hint="Give 0 to 2592000 seconds.", field="graceSeconds"
        )
    return grace
