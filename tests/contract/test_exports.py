"""Exported files, on every storage: kept in parts, forgotten a few at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from support.dataset_rows import NOW, add_dataset, command_for, shard_of
from valetkey.catalog.domain.dataset import Dataset
from valetkey.catalog.domain.export import ExportOptions, ExportPart, pack
from valetkey.catalog.domain.ports import CatalogStorage
from valetkey.catalog.domain.sync import Command, CommandKind, State

LATER = NOW + timedelta(hours=1)


async def exported(
    storage: CatalogStorage, dataset: Dataset, number: int, *, parts: int = 2
) -> Command:
    """Store an export that runs, with parts."""
    options = ExportOptions({"type": "file"}, "dataloop").document()
    command = command_for(dataset, number, kind=CommandKind.EXPORT, options=options)
    running = replace(command, state=State.RUNNING)
    async with storage.begin() as work:
        await work.commands.add(command)
        assert await work.commands.begin(running, [shard_of(command, number)])
        for at in range(parts):
            await work.exports.keep(*pack(command.id, at, [b"{}"] * (at + 1), 0))
    return running


async def parts_of(storage: CatalogStorage, command: Command) -> list[ExportPart]:
    async with storage.read() as work:
        return list(await work.exports.parts(command.id))


async def end(storage: CatalogStorage, command: Command, state: State) -> None:
    async with storage.begin() as work:
        assert await work.commands.finish(replace(command, state=state, updated_at=NOW))


async def test_parts_are_returned_as_they_were_kept(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    command = await exported(storage, dataset, 1)
    first, second = await parts_of(storage, command)
    assert (first.items, second.items) == (1, 2)
    made, body = pack(command.id, 1, [b"{}"] * 2, 0)
    assert second == made
    async with storage.read() as work:
        assert await work.exports.packed(second) == body
        assert await work.exports.packed(replace(second, number=9)) is None
        assert await work.exports.kept_bytes(dataset.id) == first.packed + second.packed
        assert await work.exports.kept_bytes("0" * 24) == 0
        stored = await work.commands.get(command.id)
    assert stored is not None
    assert (stored.kind, stored.options) == (CommandKind.EXPORT, command.options)


async def test_many_exports_are_under_way_beside_a_sync(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    for number in (1, 2):
        await exported(storage, dataset, number)
    async with storage.begin() as work:
        await work.commands.add(command_for(dataset, 3))
        assert await work.commands.count_open(CommandKind.EXPORT, dataset.id) == 2
        assert len(await work.commands.open(CommandKind.EXPORT, limit=1)) == 1
        assert len(await work.commands.of_dataset(dataset.id, CommandKind.SYNC, limit=9)) == 1
        await work.commands.cancel_all(dataset.id, at=LATER)
        for kind in CommandKind:
            assert not await work.commands.open(kind, limit=9)


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELED])
async def test_what_came_to_nothing_is_forgotten_at_once(
    storage: CatalogStorage, dataset: Dataset, state: State
) -> None:
    command = await exported(storage, dataset, 1)
    await end(storage, command, state)
    async with storage.begin() as work:
        assert await work.exports.purge(before=NOW, parts=9, commands=9) == 2
        assert await work.commands.get(command.id) is not None
    assert await parts_of(storage, command) == []


async def test_old_exports_go_a_few_parts_at_a_time_and_then_their_commands(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    old, running = [await exported(storage, dataset, number) for number in (1, 2)]
    await end(storage, old, State.SUCCESS)
    gone = []
    for before in (NOW, LATER, LATER, LATER):
        async with storage.begin() as work:
            gone.append(await work.exports.purge(before=before, parts=1, commands=9))
    assert gone == [0, 1, 2, 0]
    async with storage.read() as work:
        assert await work.commands.get(old.id) is None
        assert await work.commands.get(running.id) is not None
    assert len(await parts_of(storage, running)) == 2


async def test_a_dataset_s_exports_go_a_few_parts_at_a_time(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    other = await add_dataset(storage, 2)
    own, another = await exported(storage, dataset, 1, parts=3), await exported(storage, other, 2)
    gone = []
    for _ in range(3):
        async with storage.begin() as work:
            gone.append(await work.exports.clear(dataset.id, parts=2))
    assert gone == [2, 1, 0]
    assert await parts_of(storage, own) == []
    assert len(await parts_of(storage, another)) == 2
