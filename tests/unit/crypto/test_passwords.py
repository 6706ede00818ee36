"""Passwords are hashed with argon2id, and an unknown person costs a hash too."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from valetkey.crypto.passwords import Argon2Passwords
from valetkey.domain.secret import Secret

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
RIGHT = Secret("correct horse battery")


async def test_only_the_right_password_matches_its_hash() -> None:
    passwords = Argon2Passwords(CHEAP)
    stored = await passwords.hash(RIGHT)
    assert stored.startswith("$argon2id$")
    assert await passwords.matches(RIGHT, stored)
    assert not await passwords.matches(Secret("wrong horse battery"), stored)


@pytest.mark.parametrize("stored", ["", "garbage", "$argon2id$v=19$broken"])
async def test_a_damaged_hash_matches_nothing(stored: str) -> None:
    assert not await Argon2Passwords(CHEAP).matches(RIGHT, stored)


async def test_nobody_costs_a_verification_and_never_matches() -> None:
    passwords = Argon2Passwords(CHEAP)
    assert not await passwords.matches(Secret("nobody's password"), None)
    assert passwords._decoy.startswith("$argon2id$")
