"""Work that is over is forgotten after a while, a few rows at a time, on every storage."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from support.dataset_rows import NOW, add_dataset, command_for, shard_of
from valetkey.catalog.domain.dataset import Dataset
from valetkey.catalog.domain.ports import CatalogStorage
from valetkey.catalog.domain.sync import Command, CommandKind, State

LATER = NOW + timedelta(hours=1)


async def work_of(
    storage: CatalogStorage,
    dataset: Dataset,
    number: int,
    state: State,
    *,
    kind: CommandKind = CommandKind.SYNC,
    ended: datetime = NOW,
    shards: int = 2,
) -> Command:
    """Store work with shards that came to a state."""
    command = command_for(dataset, number, kind=kind)
    running = replace(command, state=State.RUNNING)
    async with storage.begin() as work:
        await work.commands.add(command)
        some = [shard_of(command, 10 * number + each) for each in range(shards)]
        assert await work.commands.begin(running, some)
        if state.over:
            assert await work.commands.finish(replace(running, state=state, updated_at=ended))
    return command


async def purged(storage: CatalogStorage, *, limit: int = 99) -> int:
    async with storage.begin() as work:
        return await work.commands.purge(before=LATER, limit=limit)


async def kept(storage: CatalogStorage, *commands: Command) -> list[int]:
    """Return the numbers of those that are there still."""
    async with storage.read() as work:
        there = [(await work.commands.get(each.id)) is not None for each in commands]
    return [number for number, is_there in enumerate(there, start=1) if is_there]


async def test_what_was_over_before_goes_with_its_shards_but_the_last_that_succeeded(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    commands = [
        await work_of(storage, dataset, 1, State.SUCCESS),
        await work_of(storage, dataset, 2, State.SUCCESS),
        await work_of(storage, dataset, 3, State.FAILED),
        await work_of(storage, dataset, 4, State.CANCELED),
        await work_of(storage, dataset, 5, State.SUCCESS, kind=CommandKind.CLONE),
    ]
    assert await purged(storage) == 4 * 3
    assert await purged(storage) == 0
    assert await kept(storage, *commands) == [2]
    async with storage.read() as work:
        assert len(await work.commands.shards(commands[1].id)) == 2
        assert await work.commands.shards(commands[0].id) == []
        assert await work.commands.synced_at(dataset.id) == commands[1].created_at


async def test_what_goes_on_or_was_over_later_or_is_an_export_stays(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    other = await add_dataset(storage, 2)
    commands = [
        await work_of(storage, dataset, 1, State.FAILED, ended=LATER),
        await work_of(storage, dataset, 2, State.SUCCESS, kind=CommandKind.EXPORT),
        await work_of(storage, dataset, 3, State.RUNNING),
        await work_of(storage, other, 4, State.SUCCESS),
        await work_of(storage, other, 5, State.RUNNING, kind=CommandKind.CLONE),
    ]
    assert await purged(storage) == 0
    assert await kept(storage, *commands) == [1, 2, 3, 4, 5]


async def test_old_work_goes_a_few_rows_at_a_time(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    commands = [
        await work_of(storage, dataset, number, State.FAILED, shards=3) for number in (1, 2)
    ]
    gone: list[int] = []
    while not gone or gone[-1]:
        gone.append(await purged(storage, limit=4))
    assert sum(gone) == 2 * 4
    assert all(count <= 4 for count in gone)
    assert await kept(storage, *commands) == []
