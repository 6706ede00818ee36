"""Rotation of the sealing key: new key wraps, rows are moved in batches while serving."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from support.entities import make_integration
from valetkey.administration import first_start, rotate_sealing_key
from valetkey.bootstrap import make_sealer, open_services
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.config import Settings
from valetkey.crypto.keys import create_key_file
from valetkey.domain.errors import ConfigurationError
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.secret import Secret
from valetkey.services.integrations import open_key, secret_context
from valetkey.services.resealing import Resealing
from valetkey.system import SystemClock, SystemEntropy

ROWS = 120
PASSWORD = Secret("correct horse battery staple")


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
async def before(tmp_path: Path) -> Settings:
    """The settings of an installation with many integrations, under its first key."""
    settings = Settings(data_dir=tmp_path)
    made = await first_start(
        settings, organization="Acme", email="ada@example.com", password=PASSWORD
    )
    entropy, storage = SystemEntropy(), SqlCatalogStorage.at(settings.database)
    sealer, now = make_sealer(settings, entropy), SystemClock().now()
    async with storage.begin() as work:
        for number in range(ROWS):
            integration = make_integration(
                at=now,
                id=f"{number:024x}",
                org_id=made.organization.id,
                name=f"aws {number}",
                access_key_id="AKIAIOSFODNN7EXAMPLE",
                role_arn=RoleArn.parse("arn:aws:iam::123456789012:role/valetkey"),
            )
            sealed = await sealer.seal(Secret(f"secret {number}"), secret_context(integration))
            await work.integrations.add(integration, sealed)
    await storage.close()
    return settings


@pytest.fixture
def settings(before: Settings, tmp_path: Path) -> Settings:
    """The same with a new key, the first one behind it."""
    create_key_file(tmp_path / "new.key", SystemEntropy())
    return replace(before, key=f"file:{tmp_path}/new.key", previous_keys=(before.key_place,))


async def _opens_everything(settings: Settings) -> bool:
    storage, sealer = (
        SqlCatalogStorage.at(settings.database),
        make_sealer(settings, SystemEntropy()),
    )
    for number in range(ROWS):
        _, key = await open_key(storage, sealer, f"{number:024x}")
        assert key.secret.reveal() == f"secret {number}"
    await storage.close()
    return True


async def test_everything_is_moved_and_the_old_key_is_said_to_be_unused(
    settings: Settings,
) -> None:
    heard: list[int] = []
    outcome = await rotate_sealing_key(settings, heard.append)
    assert (outcome.moved, heard) == (ROWS + 1, [100, ROWS + 1])
    assert outcome.usage == {outcome.active: ROWS + 1}
    assert len(outcome.unused) == 1
    alone = replace(settings, previous_keys=())
    assert await _opens_everything(alone)
    async with open_services(alone):
        pass  # the key that signs tokens opens, too


async def test_moving_again_moves_nothing(settings: Settings) -> None:
    await rotate_sealing_key(settings)
    assert (await rotate_sealing_key(settings)).moved == 0


async def test_killed_half_way_everything_opens_and_the_next_run_does_the_rest(
    settings: Settings,
) -> None:
    def kill(_: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        await rotate_sealing_key(settings, kill)
    assert await _opens_everything(settings)
    assert (await rotate_sealing_key(settings)).moved == ROWS + 1 - 100


async def test_secrets_open_at_every_moment_while_they_are_moved(settings: Settings) -> None:
    storage, sealer = (
        SqlCatalogStorage.at(settings.database),
        make_sealer(settings, SystemEntropy()),
    )
    done = asyncio.Event()

    async def serve() -> int:
        served = 0
        while not done.is_set():
            number = served % ROWS
            _, key = await open_key(storage, sealer, f"{number:024x}")
            assert key.secret.reveal() == f"secret {number}"
            served += 1
        return served

    async def move() -> int:
        outcome = await Resealing(storage, sealer).run()
        done.set()
        return outcome.moved

    moved, served = await asyncio.gather(move(), serve())
    assert moved == ROWS + 1
    assert served > 0
    await storage.close()


async def test_a_secret_that_was_replaced_meanwhile_is_not_put_back(settings: Settings) -> None:
    storage, sealer = (
        SqlCatalogStorage.at(settings.database),
        make_sealer(settings, SystemEntropy()),
    )
    async with storage.read() as work:
        (row, *_) = [
            each
            for each in await work.sealed.wrapped_by(
                sorted(sealer.key_ids - {sealer.active_key_id}), limit=500
            )
            if each.table == "integrations"
        ]
    fresh = await sealer.seal(Secret("entered by hand"), row.context)
    async with storage.begin() as work:
        await work.integrations.replace_secret(row.id, fresh)
        assert not await work.sealed.rewrap(row, await sealer.rewrap(row.sealed, row.context))
    _, key = await open_key(storage, sealer, row.id)
    assert key.secret.reveal() == "entered by hand"
    await storage.close()


async def test_the_old_key_cannot_be_left_out_while_something_needs_it(
    settings: Settings,
) -> None:
    def kill(_: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        await rotate_sealing_key(settings, kill)
    alone = replace(settings, previous_keys=())
    with pytest.raises(ConfigurationError) as refusal:
        async with open_services(alone):
            pytest.fail("it started")
    assert "does not have: local:" in refusal.value.message or "another" in refusal.value.message
    left = await rotate_sealing_key(alone)
    assert sum(left.lost.values()) == ROWS + 1 - 100


async def test_a_lost_key_gives_one_clear_message_and_changes_nothing(
    before: Settings, tmp_path: Path
) -> None:
    create_key_file(tmp_path / "other.key", SystemEntropy())
    with pytest.raises(ConfigurationError, match="key-encryption key") as refusal:
        async with open_services(replace(before, key=f"file:{tmp_path}/other.key")):
            pytest.fail("it started")
    assert "Nothing was changed" in refusal.value.hint
    assert await _opens_everything(before)


async def test_every_sealed_secret_of_the_database_is_known_to_the_move(before: Settings) -> None:
    storage = SqlCatalogStorage.at(before.database)
    async with storage.read() as work:
        assert sum((await work.sealed.usage()).values()) == ROWS + 1
    await storage.close()
