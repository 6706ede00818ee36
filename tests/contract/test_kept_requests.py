"""Requests under their clients' keys, on every storage."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from valetkey.domain.idempotency import InProgress, KeptRequest
from valetkey.domain.people import User
from valetkey.domain.ports import Storage
from valetkey.domain.sealing import SealedSecret

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
USER = User("a" * 24, "ada@example.com", "hash", NOW)
KEPT = KeptRequest("1" * 24, USER.id, "key", "f" * 64, NOW)
SEALED = SealedSecret("local:1", b"wrapped", b"nonce", b"text")


@pytest.fixture
async def kept(storage: Storage) -> Storage:
    async with storage.begin() as work:
        await work.users.add(USER)
        await work.kept_requests.add(KEPT)
    return storage


async def test_a_request_is_kept_once_for_a_person_and_a_key(kept: Storage) -> None:
    with pytest.raises(InProgress):
        async with kept.begin() as work:
            await work.kept_requests.add(replace(KEPT, id="2" * 24))
    async with kept.begin() as work:
        await work.kept_requests.add(replace(KEPT, id="3" * 24, key="other"))
        assert await work.kept_requests.get(USER.id, "key") == KEPT
        assert await work.kept_requests.get("b" * 24, "key") is None


async def test_its_answer_is_kept_in_the_clear_or_sealed(kept: Storage) -> None:
    done = replace(KEPT, status=201, headers=[["location", "/x"]], body='{"ü": 1}')
    async with kept.begin() as work:
        await work.kept_requests.finish(done, None)
    async with kept.read() as work:
        assert await work.kept_requests.get(USER.id, "key") == done
        assert await work.kept_requests.sealed_body(KEPT.id) is None
    async with kept.begin() as work:
        await work.kept_requests.finish(replace(done, body=""), SEALED)
    async with kept.read() as work:
        assert await work.kept_requests.sealed_body(KEPT.id) == SEALED


async def test_it_is_forgotten_when_it_failed_and_in_time(kept: Storage) -> None:
    async with kept.begin() as work:
        await work.kept_requests.remove(KEPT.id)
        assert await work.kept_requests.get(USER.id, "key") is None
        await work.kept_requests.add(KEPT)
        await work.kept_requests.purge(NOW)
        assert await work.kept_requests.get(USER.id, "key") == KEPT
        await work.kept_requests.purge(NOW + timedelta(seconds=1))
        assert await work.kept_requests.get(USER.id, "key") is None
