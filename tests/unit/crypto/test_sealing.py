"""Envelopes open in their own place, with their own key, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from valetkey.crypto.keys import LocalKeyWrapper, new_key
from valetkey.crypto.sealing import EnvelopeSealer
from valetkey.domain.errors import SealBroken
from valetkey.domain.sealing import SealContext, SealedSecret
from valetkey.domain.secret import Secret
from valetkey.testing import SeededEntropy

ENTROPY = SeededEntropy()
OLD = LocalKeyWrapper(new_key(ENTROPY), ENTROPY)
NEW = LocalKeyWrapper(new_key(ENTROPY), ENTROPY)
HERE = SealContext("org", "record", "secret")
TEXT = "not-a-real-secret-é"


async def _sealed() -> tuple[EnvelopeSealer, SealedSecret]:
    sealer = EnvelopeSealer([OLD], ENTROPY)
    return sealer, await sealer.seal(Secret(TEXT), HERE)


async def test_what_is_sealed_opens_and_is_not_readable_at_rest() -> None:
    sealer, sealed = await _sealed()
    assert (await sealer.open(sealed, HERE)).reveal() == TEXT
    assert TEXT.encode() not in sealed.ciphertext + sealed.wrapped_key


async def test_the_same_secret_never_seals_alike() -> None:
    sealer, first = await _sealed()
    second = await sealer.seal(Secret(TEXT), HERE)
    assert first.ciphertext != second.ciphertext
    assert first.wrapped_key != second.wrapped_key


@pytest.mark.parametrize("part", ["org_id", "record_id", "field"])
async def test_a_secret_moved_elsewhere_does_not_open(part: str) -> None:
    sealer, sealed = await _sealed()
    with pytest.raises(SealBroken):
        await sealer.open(sealed, replace(HERE, **{part: "other"}))


@pytest.mark.parametrize("part", ["wrapped_key", "nonce", "ciphertext"])
@pytest.mark.parametrize("damage", ["flipped", "cut", "empty"])
async def test_a_changed_envelope_does_not_open(part: str, damage: str) -> None:
    sealer, sealed = await _sealed()
    good: bytes = getattr(sealed, part)
    bad = {"flipped": bytes([good[0] ^ 1]) + good[1:], "cut": good[:-1], "empty": b""}[damage]
    changes: dict[str, Any] = {part: bad}
    with pytest.raises(SealBroken):
        await sealer.open(replace(sealed, **changes), HERE)


async def test_an_older_key_still_opens_while_the_newer_one_seals() -> None:
    _, sealed = await _sealed()
    both = EnvelopeSealer([NEW, OLD], ENTROPY)
    assert (await both.open(sealed, HERE)).reveal() == TEXT
    assert (await both.seal(Secret(TEXT), HERE)).kek_id == NEW.key_id


async def test_without_its_key_a_secret_says_which_key_is_missing() -> None:
    _, sealed = await _sealed()
    with pytest.raises(SealBroken, match=OLD.key_id):
        await EnvelopeSealer([NEW], ENTROPY).open(sealed, HERE)
