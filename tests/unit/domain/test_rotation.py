from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from valetkey.domain.errors import Conflict, InvalidInput
from valetkey.domain.rotation import (
    DRAIN,
    PATIENCE,
    Before,
    Rotation,
    Stage,
    before_rotating,
    make_schedule,
    parse_grace,
    since_the_intent,
)
from valetkey.domain.setup.observed import ObservedKey

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OLD = NOW - timedelta(days=90)
HELD, OTHER = "AKIAHELD", "AKIAOTHER"


def key(key_id: str, *, active: bool = True, made: datetime = OLD, **more: Any) -> ObservedKey:
    return ObservedKey(key_id, active, made, **more)


def rotation(**changes: Any) -> Rotation:
    plain: dict[str, Any] = {
        "id": "1" * 24,
        "org_id": "a" * 24,
        "integration_id": "d" * 24,
        "user_arn": "arn:aws:iam::123456789012:user/valetkey",
        "stage": Stage.INTENDED,
        "actor": "ada@example.com",
        "old_key_id": HELD,
        "known": (HELD,),
        "removable": (),
        "by_administrator": False,
        "grace": timedelta(hours=24),
        "started_at": NOW,
        "stage_at": NOW,
    }
    return Rotation(**plain | changes)


def test_a_user_with_the_held_key_alone_has_room() -> None:
    assert before_rotating([key(HELD)], HELD, ours=frozenset()) == Before(())


def test_a_second_key_that_valetkey_did_not_make_is_reported_with_its_last_use() -> None:
    seen = [key(HELD), key(OTHER, last_used_at=NOW)]
    with pytest.raises(Conflict, match=r"AKIAOTHER \(active, last used 2026-03-01 12:00 UTC\)"):
        before_rotating(seen, HELD, ours=frozenset())


def test_a_stranger_used_later_than_ours_is_said_to_be_depended_on() -> None:
    seen = [key(HELD, last_used_at=OLD), key(OTHER, last_used_at=NOW)]
    with pytest.raises(Conflict, match="something depends on it"):
        before_rotating(seen, HELD, ours=frozenset())


def test_a_stranger_goes_only_when_it_is_named() -> None:
    seen = [key(HELD), key(OTHER)]
    assert before_rotating(seen, HELD, ours=frozenset(), told=OTHER) == Before((OTHER,))


@pytest.mark.parametrize("told", [HELD, "AKIANOBODYS"])
def test_the_held_key_and_unknown_keys_are_no_strangers(told: str) -> None:
    with pytest.raises(InvalidInput, match="not another access key"):
        before_rotating([key(HELD), key(OTHER)], HELD, ours=frozenset(), told=told)


def test_an_inactive_key_of_an_earlier_rotation_makes_room() -> None:
    seen = [key(HELD), key(OTHER, active=False)]
    assert before_rotating(seen, HELD, ours=frozenset({OTHER})) == Before((OTHER,))


def test_a_key_of_an_earlier_rotation_that_somebody_activated_again_is_a_strangers() -> None:
    with pytest.raises(Conflict, match="did not make"):
        before_rotating([key(HELD), key(OTHER)], HELD, ours=frozenset({OTHER}))


@pytest.mark.parametrize(
    ("seen", "words"),
    [([], "was deleted"), ([key(OTHER)], "was deleted"), ([key(HELD, active=False)], "inactive")],
)
def test_a_held_key_that_is_gone_or_off_can_make_no_other(
    seen: list[ObservedKey], words: str
) -> None:
    with pytest.raises(Conflict, match=words):
        before_rotating(seen, HELD, ours=frozenset())


@pytest.mark.parametrize(
    ("seen", "orphans", "unknown_keys"),
    [
        ([key(HELD)], (), ()),
        ([key(HELD), key(OTHER, made=NOW)], (OTHER,), ()),
        ([key(HELD), key(OTHER, made=NOW - timedelta(minutes=4))], (OTHER,), ()),
        ([key(HELD), key(OTHER, made=NOW - timedelta(minutes=6))], (), (OTHER,)),
        ([key(HELD), key(OTHER, made=NOW, last_used_at=NOW)], (), (OTHER,)),
    ],
    ids=["none", "the lost one", "by another clock", "older than the intent", "used by somebody"],
)
def test_only_a_new_key_that_nobody_has_used_is_the_lost_one(
    seen: list[ObservedKey], orphans: tuple[str, ...], unknown_keys: tuple[str, ...]
) -> None:
    found = since_the_intent(rotation(), seen)
    assert (found.orphans, found.unknown_keys) == (orphans, unknown_keys)


@pytest.mark.parametrize(
    ("stage", "wait"),
    [
        (Stage.INTENDED, timedelta()),
        (Stage.PROVEN, timedelta()),
        (Stage.SWITCHED, DRAIN),
        (Stage.DEACTIVATED, timedelta(hours=24)),
    ],
)
def test_a_step_is_due_once_requests_have_drained_or_the_grace_is_over(
    stage: Stage, wait: timedelta
) -> None:
    at = rotation(stage=stage)
    assert at.is_due(NOW + wait)
    assert not wait or not at.is_due(NOW + wait - timedelta(seconds=1))


@pytest.mark.parametrize("stage", [Stage.DONE, Stage.ROLLED_BACK])
def test_nothing_is_due_when_it_is_over(stage: Stage) -> None:
    assert not rotation(stage=stage).is_due(NOW + timedelta(days=9))


def test_a_new_key_is_given_up_after_five_minutes_and_not_before() -> None:
    sealed = rotation().at(Stage.SEALED, NOW)
    assert not sealed.gives_up(NOW + PATIENCE - timedelta(seconds=1))
    assert sealed.gives_up(NOW + PATIENCE)


def test_a_rollback_keeps_its_reason_and_the_history_its_order() -> None:
    done = (
        rotation()
        .at(Stage.SEALED, NOW)
        .at(Stage.ROLLING_BACK, NOW, "AWS never accepted the new key")
    )
    assert done.problem == "AWS never accepted the new key"
    assert [step.stage for step in done.steps] == [Stage.SEALED, Stage.ROLLING_BACK]


def test_turns_are_spread_by_at_most_a_tenth_of_the_period() -> None:
    month = timedelta(days=30)
    early, late = (
        make_schedule("d" * 24, month, now=NOW, chance=chance, actor="ada").next_at
        for chance in (0.0, 1.0)
    )
    assert (early, late) == (NOW + month, NOW + month + timedelta(days=1))
    weekly = make_schedule("d" * 24, timedelta(days=5), now=NOW, chance=1.0, actor="ada")
    assert weekly.next_at == NOW + timedelta(days=5.5)


@pytest.mark.parametrize("every", [timedelta(hours=23), timedelta(days=366), -timedelta(days=3)])
def test_a_period_below_a_day_or_above_a_year_is_refused(every: timedelta) -> None:
    with pytest.raises(InvalidInput, match="that often"):
        make_schedule("d" * 24, every, now=NOW, chance=0.0, actor="ada")


@pytest.mark.parametrize("seconds", [-1, 2_592_001])
def test_a_grace_out_of_range_is_refused(seconds: int) -> None:
    with pytest.raises(InvalidInput, match="grace"):
        parse_grace(seconds)
