from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from support.setup_states import KEY_ID, LONG_AGO, NOW, key
from valetkey.domain.setup import KeyFacts, KeyIntent, ObservedKey
from valetkey.domain.setup.access_key import (
    KeepKey,
    KeyConflict,
    KeyDecision,
    MakeKey,
    decide,
)

OTHER = "AKIAOTHER00000000000"
THIRD = "AKIATHIRD00000000000"
RECENTLY = NOW - timedelta(minutes=3)
INTENT = KeyIntent(RECENTLY, frozenset(), "the server")


def decided(
    *keys: ObservedKey,
    held: str = "",
    intent: KeyIntent | None = None,
    custodian: str = "the server",
) -> KeyDecision:
    return decide(keys, KeyFacts(custodian, held, intent, NOW))


def test_without_a_key_one_is_made() -> None:
    assert decided() == MakeKey((), ())


def test_a_key_that_is_held_is_kept() -> None:
    assert decided(key(), held=KEY_ID) == KeepKey(KEY_ID, (), ())


def test_a_held_key_that_aws_does_not_know_any_more_is_replaced() -> None:
    assert decided(held=KEY_ID) == MakeKey((), ())


def test_a_held_key_that_was_switched_off_is_a_persons_business() -> None:
    decision = decided(key(active=False), held=KEY_ID)
    assert isinstance(decision, KeyConflict)
    assert "inactive" in decision.reason


def test_the_key_of_a_run_killed_before_it_knew_the_id_is_an_orphan() -> None:
    assert decided(key(created=RECENTLY), intent=INTENT) == MakeKey((KEY_ID,), ())


def test_the_key_of_a_run_killed_before_it_was_kept_is_an_orphan() -> None:
    intent = replace(INTENT, created=KEY_ID)
    assert decided(key(created=RECENTLY), intent=intent) == MakeKey((KEY_ID,), ())


def test_the_key_of_a_run_killed_after_it_was_kept_stays() -> None:
    intent = replace(INTENT, created=KEY_ID)
    assert decided(key(created=RECENTLY), held=KEY_ID, intent=intent) == KeepKey(KEY_ID, (), ())


def test_an_orphan_beside_the_key_that_is_held_goes() -> None:
    intent = replace(INTENT, created=OTHER)
    decision = decided(key(), key(OTHER, created=RECENTLY), held=KEY_ID, intent=intent)
    assert decision == KeepKey(KEY_ID, (OTHER,), ())


def test_an_old_strangers_key_is_named_and_left_alone() -> None:
    assert decided(key(OTHER)) == MakeKey((), (OTHER,))


@pytest.mark.parametrize(
    "unknown_key",
    [
        pytest.param(key(created=RECENTLY, used=NOW), id="it was used, so somebody has its secret"),
        pytest.param(key(created=NOW - timedelta(minutes=9)), id="made well before the intent"),
    ],
)
def test_a_fresh_key_that_the_journal_does_not_explain_means_another_apply(
    unknown_key: ObservedKey,
) -> None:
    decision = decided(unknown_key, intent=INTENT)
    assert isinstance(decision, KeyConflict)
    assert "another apply" in decision.reason


def test_a_fresh_key_without_a_journal_means_another_apply() -> None:
    decision = decided(key(created=RECENTLY))
    assert isinstance(decision, KeyConflict)
    assert KEY_ID in decision.reason


def test_a_key_known_before_the_intent_is_not_an_orphan() -> None:
    intent = replace(INTENT, known=frozenset({OTHER}))
    decision = decided(key(OTHER), key(created=RECENTLY), intent=intent)
    assert decision == MakeKey((KEY_ID,), (OTHER,))


def test_of_two_suspects_neither_is_deleted() -> None:
    decision = decided(key(OTHER, created=RECENTLY), key(created=RECENTLY), intent=INTENT)
    assert isinstance(decision, KeyConflict)


def test_another_custodians_intent_explains_nothing() -> None:
    # The key may well be in the file that the other run wrote.
    intent = replace(INTENT, custodian="the file", created=KEY_ID)
    decision = decided(key(created=RECENTLY), intent=intent)
    assert isinstance(decision, KeyConflict)


@pytest.mark.parametrize(
    "created", [INTENT.at - timedelta(minutes=6), INTENT.at + timedelta(minutes=16)]
)
def test_an_intent_explains_only_keys_of_its_own_time(created: datetime) -> None:
    old = replace(INTENT, at=INTENT.at - timedelta(days=1))
    moved = created - timedelta(days=1)
    assert decided(key(created=moved), intent=old) == MakeKey((), (KEY_ID,))


def test_two_strangers_leave_no_room_and_are_described() -> None:
    decision = decided(key(OTHER, active=False), key(THIRD, used=LONG_AGO))
    assert isinstance(decision, KeyConflict)
    assert f"{OTHER} (inactive, never used)" in decision.reason
    assert f"{THIRD} (active, last used 2026-01-01)" in decision.reason


def test_an_orphan_makes_room_beside_a_stranger() -> None:
    intent = replace(INTENT, created=OTHER)
    assert decided(key(THIRD), key(OTHER), intent=intent) == MakeKey((OTHER,), (THIRD,))
