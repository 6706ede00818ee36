"""Syncs as stored work, on every storage; and a whole sync on it, abandoned and resumed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from support.databases import make_tables
from support.dataset_rows import (
    NOW,
    NOW_MS,
    USER,
    add_dataset,
    command_for,
    furnish,
    running_sync,
    shard_of,
)
from support.memory import open_memory
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.catalog.domain.dataset import Dataset
from valetkey.catalog.domain.dql.ast import All
from valetkey.catalog.domain.ports import CatalogStorage, ItemQuery
from valetkey.catalog.domain.sync import CommandKind, Counts, Shard, State, WriteIntent
from valetkey.catalog.services.datasets import NewDataset
from valetkey.domain.access import ProjectRole
from valetkey.domain.errors import Locked

LEASE_MS = 15_000
HOUR = timedelta(hours=1)
OVER = (State.SUCCESS, State.FAILED, State.CANCELED)


async def claim(
    storage: CatalogStorage, shard: Shard, owner: str, *, now_ms: int = NOW_MS
) -> Shard | None:
    async with storage.begin() as work:
        return await work.commands.claim(shard.id, owner, now_ms=now_ms, until_ms=now_ms + LEASE_MS)


async def advance(storage: CatalogStorage, shard: Shard) -> bool:
    async with storage.begin() as work:
        return await work.commands.advance(shard)


async def stored(storage: CatalogStorage, shard: Shard) -> Shard:
    async with storage.read() as work:
        (found,) = await work.commands.shards(shard.command_id)
        return found


async def end(storage: CatalogStorage, shard: Shard, state: State) -> bool:
    async with storage.begin() as work:
        command = await work.commands.get(shard.command_id)
        assert command is not None
        return await work.commands.finish(replace(command, state=state))


async def test_a_dataset_has_one_sync_under_way(storage: CatalogStorage, dataset: Dataset) -> None:
    shard = await running_sync(storage, dataset)
    with pytest.raises(Locked):
        async with storage.begin() as work:
            await work.commands.add(command_for(dataset, 2))
    async with storage.read() as work:
        (active,) = await work.commands.open(CommandKind.SYNC, limit=9)
        assert active.id == shard.command_id
        assert await work.commands.get(command_for(dataset, 2).id) is None


async def test_another_dataset_s_sync_is_no_hindrance(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    await running_sync(storage, dataset)
    other = await add_dataset(storage, 2)
    async with storage.begin() as work:
        await work.commands.add(command_for(other, 2))
    async with storage.read() as work:
        assert len(await work.commands.open(CommandKind.SYNC, limit=9)) == 2


@pytest.mark.parametrize("state", OVER)
async def test_a_sync_that_is_over_makes_room_for_the_next(
    storage: CatalogStorage, dataset: Dataset, state: State
) -> None:
    shard = await running_sync(storage, dataset)
    assert await end(storage, shard, state)
    async with storage.begin() as work:
        assert await work.commands.count_open(CommandKind.SYNC, dataset.id) == 0
        await work.commands.add(command_for(dataset, 2))
        found = await work.commands.of_dataset(dataset.id, CommandKind.SYNC, limit=9)
    assert [one.state for one in found] == [State.CREATED, state]


@pytest.mark.parametrize("state", OVER)
async def test_the_first_end_of_a_sync_holds(
    storage: CatalogStorage, dataset: Dataset, state: State
) -> None:
    shard = await running_sync(storage, dataset)
    assert await end(storage, shard, State.CANCELED)
    assert not await end(storage, shard, state)
    async with storage.read() as work:
        found = await work.commands.get(shard.command_id)
    assert found is not None
    assert found.state is State.CANCELED


async def test_a_sync_is_planned_once(storage: CatalogStorage, dataset: Dataset) -> None:
    shard = await running_sync(storage, dataset)
    command = command_for(dataset, state=State.RUNNING)
    async with storage.begin() as work:
        assert not await work.commands.begin(command, [shard_of(command, 2)])
    assert (await stored(storage, shard)).id == shard.id


async def test_a_shard_is_one_owner_s_until_the_lease_ends(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    shard = await running_sync(storage, dataset)
    taken = await claim(storage, shard, "one")
    assert taken == replace(shard, owner="one", lease_ms=NOW_MS + LEASE_MS, state=State.RUNNING)
    assert await claim(storage, shard, "two", now_ms=NOW_MS + LEASE_MS - 1) is None
    assert await claim(storage, shard, "one", now_ms=NOW_MS + 1) is not None
    lost = await claim(storage, shard, "two", now_ms=NOW_MS + 1 + LEASE_MS)
    assert lost is not None
    assert lost.owner == "two"


async def test_who_has_lost_the_lease_can_t_move_the_checkpoint(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    shard = await running_sync(storage, dataset)
    first = await claim(storage, shard, "one")
    assert first is not None
    assert await advance(storage, replace(first, checkpoint="b", added=2))
    second = await claim(storage, shard, "two", now_ms=NOW_MS + LEASE_MS)
    assert second is not None
    assert (second.checkpoint, second.counts) == ("b", Counts(added=2))
    assert not await advance(storage, replace(first, checkpoint="c", added=3))
    assert await stored(storage, shard) == second


async def test_an_owner_s_leases_are_lengthened_and_nobody_else_s(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    shard = await running_sync(storage, dataset)

    async def renewed(owner: str, until_ms: int) -> int:
        async with storage.begin() as work:
            await work.commands.renew([shard.id, "f" * 24], owner, until_ms=until_ms)
        return (await stored(storage, shard)).lease_ms

    assert await claim(storage, shard, "one") is not None
    assert await renewed("two", NOW_MS + 90_000) == NOW_MS + LEASE_MS
    assert await renewed("one", NOW_MS + 20_000) == NOW_MS + 20_000
    assert await renewed("one", NOW_MS + 17_000) == NOW_MS + 20_000, "never shortened"
    assert await claim(storage, shard, "two", now_ms=NOW_MS + 19_999) is None
    assert await claim(storage, shard, "two", now_ms=NOW_MS + 20_000) is not None
    assert await renewed("one", NOW_MS + 99_000) == NOW_MS + 20_000 + LEASE_MS
    await end(storage, shard, State.CANCELED)
    assert await renewed("two", NOW_MS + 99_000) == NOW_MS + 20_000 + LEASE_MS


async def test_who_is_just_advancing_a_shard_does_not_keep_the_others_waiting(
    postgresql_url: str,
) -> None:
    await make_tables(postgresql_url)
    storage = SqlCatalogStorage.at(postgresql_url)
    await furnish(storage)
    shard = await running_sync(storage, await add_dataset(storage))
    taken = await claim(storage, shard, "one")
    assert taken is not None
    async with storage.begin() as work:
        assert await work.commands.advance(replace(taken, checkpoint="c"))
        async with asyncio.timeout(4), storage.begin() as beside:
            await beside.commands.renew([shard.id], "one", until_ms=NOW_MS + 90_000)
    assert (await stored(storage, shard)).lease_ms == NOW_MS + LEASE_MS
    await storage.close()


async def test_a_shard_that_is_done_is_nobody_s(storage: CatalogStorage, dataset: Dataset) -> None:
    shard = await running_sync(storage, dataset)
    taken = await claim(storage, shard, "one")
    assert taken is not None
    assert await advance(storage, replace(taken, state=State.SUCCESS))
    assert await claim(storage, shard, "two", now_ms=NOW_MS + 10 * LEASE_MS) is None
    assert not await advance(storage, replace(taken, checkpoint="z"))


async def test_a_sync_that_is_over_is_not_worked_on(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    shard = await running_sync(storage, dataset)
    taken = await claim(storage, shard, "one")
    assert taken is not None
    assert await end(storage, shard, State.CANCELED)
    assert not await advance(storage, replace(taken, checkpoint="b"))
    assert await claim(storage, shard, "one") is None


async def test_release_gives_back_every_lease_at_once(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    shard = await running_sync(storage, dataset)
    taken = await claim(storage, shard, "dead")
    assert taken is not None
    async with storage.begin() as work:
        await work.commands.release(before=NOW)
    assert not await advance(storage, replace(taken, checkpoint="b"))
    assert await claim(storage, shard, "two") is not None


async def test_shards_are_replaced_by_one(storage: CatalogStorage, dataset: Dataset) -> None:
    shard = await running_sync(storage, dataset)
    noticed = command_for(dataset, state=State.RUNNING, notice="in no order")
    anew = shard_of(noticed, 2, staged=True)
    async with storage.begin() as work:
        await work.commands.replace_shards(noticed, anew)
    assert await stored(storage, shard) == anew
    async with storage.read() as work:
        assert await work.commands.get(noticed.id) == noticed


def intent(dataset: Dataset, number: int, object_id: str, **more: Any) -> WriteIntent:
    plain: dict[str, Any] = {"lease_ms": NOW_MS + LEASE_MS, "object_id": object_id}
    return WriteIntent(f"{number:024x}", dataset.id, f"{number}.jpg", USER, NOW, **(plain | more))


async def test_what_was_held_before_a_clock_was_set_back_is_free(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    shard = await running_sync(storage, dataset)
    later = NOW_MS + 3_600_000
    assert await claim(storage, shard, "killed", now_ms=later)
    taken = await claim(storage, shard, "one")
    assert taken is not None
    assert await claim(storage, shard, "two") is None
    held = replace(intent(dataset, 1, "a"), lease_ms=later + LEASE_MS)
    new = replace(intent(dataset, 2, "a"), lease_ms=NOW_MS + LEASE_MS, object_id=held.object_id)
    assert await claimed(storage, held, now_ms=later) == {held.id}
    assert await claimed(storage, new) == {new.id}
    other = replace(new, id=intent(dataset, 3, "a").id)
    assert await claimed(storage, other) == set()


async def claimed(storage: CatalogStorage, *intents: WriteIntent, now_ms: int = NOW_MS) -> set[str]:
    async with storage.begin() as work:
        return set(await work.commands.claim_intents(intents, now_ms=now_ms))


async def test_an_intent_is_kept_until_it_is_struck_off(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    first, second = intent(dataset, 1, "a"), intent(dataset, 2, "b")
    assert await claimed(storage, second, first) == {first.id, second.id}
    async with storage.read() as work:
        assert list(await work.commands.intents(dataset.id)) == [first, second]
    async with storage.begin() as work:
        assert await work.commands.drop_intent(first.id)
        assert not await work.commands.drop_intent(first.id)
    async with storage.read() as work:
        assert list(await work.commands.intents(dataset.id)) == [second]


async def test_an_object_has_one_writer_whichever_dataset_it_is_reached_by(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    other = await add_dataset(storage, 2)
    first, rival, free = intent(dataset, 1, "a"), intent(other, 2, "a"), intent(other, 3, "b")
    assert await claimed(storage, first) == {first.id}
    assert await claimed(storage, rival, free) == {free.id}
    async with storage.begin() as work:
        await work.commands.drop_intent(first.id)
    assert await claimed(storage, rival) == {rival.id}


async def test_whose_lease_is_over_is_set_aside_and_finds_it_out(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    dead, next_one = intent(dataset, 1, "a"), intent(dataset, 2, "a")
    await claimed(storage, dead)
    async with storage.begin() as work:
        assert await work.commands.renew_intent(replace(dead, upload_id="u"))
        assert not await work.commands.dead_intents(now_ms=NOW_MS, limit=9)
    assert await claimed(storage, next_one, now_ms=NOW_MS + LEASE_MS) == {next_one.id}
    async with storage.begin() as work:
        found = await work.commands.dead_intents(now_ms=NOW_MS, limit=9)
        assert list(found) == [replace(dead, upload_id="u", abandoned=True)]
        assert not await work.commands.renew_intent(dead)
        assert not await work.commands.drop_intent(dead.id)
        assert await work.commands.drop_intent(next_one.id)


async def test_of_many_intents_each_is_renewed_that_was_not_lost(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    kept, aside, gone = (intent(dataset, n, f"{n}", upload_id="u") for n in range(1, 4))
    await claimed(storage, kept, aside)
    ids = [kept.id, aside.id, gone.id]
    async with storage.begin() as work:
        assert await work.commands.renew_intents(ids, lease_ms=5) == {kept.id, aside.id}
        await work.commands.abandon_intents([aside.id, gone.id])
        assert await work.commands.renew_intents(ids, lease_ms=7) == {kept.id}
        assert await work.commands.intents(dataset.id) == [
            replace(kept, lease_ms=7),
            replace(aside, lease_ms=5, abandoned=True),
        ]
        await work.commands.drop_intents(ids)
        assert not await work.commands.intents(dataset.id)
        assert not await work.commands.renew_intents([], lease_ms=7)


async def test_who_is_alone_sets_aside_what_was_begun_before_it_started_and_nothing_since(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    before, since = intent(dataset, 1, "a"), replace(intent(dataset, 2, "b"), at=NOW + HOUR)
    await claimed(storage, before, since)
    async with storage.begin() as work:
        await work.commands.release(before=NOW + HOUR)
    assert await claimed(storage, intent(dataset, 3, "a"), intent(dataset, 4, "b")) == {f"{3:024x}"}


async def test_two_that_want_the_same_objects_at_once_do_not_share_one(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    names = [f"{number}" for number in range(20)]
    first = [intent(dataset, n, name) for n, name in enumerate(names)]
    second = [intent(dataset, 100 + n, name) for n, name in enumerate(reversed(names))]
    got = await asyncio.gather(claimed(storage, *first), claimed(storage, *second))
    assert sorted(map(len, got)) == [0, 20]


class Abandoned(BaseException):
    """The process is gone from here on."""


@pytest.mark.slow
@pytest.mark.parametrize("parallel", [1, 3])
async def test_a_sync_that_is_abandoned_between_pages_goes_on_at_its_checkpoints(
    storage: CatalogStorage, parallel: int
) -> None:
    memory = await open_memory(storage)
    location = await memory.location(folder="")
    developer = await memory.member("dev@example.com", ProjectRole.DEVELOPER)
    services, objects = memory.services, memory.objects
    view = await services.catalog.datasets.create(
        developer, memory.project.id, NewDataset("photos", location.id)
    )
    objects.page_size = 3
    expected = {f"{n % 4}/{n:02}.jpg": n + 1 for n in range(40)}
    for path, size in expected.items():
        objects.place("acme", path, b"x" * size)
    ordered = await services.catalog.syncs.start(developer, view.dataset.id, parallel=parallel)
    deaths, again = 0, True
    while again:
        left = 4 + deaths

        async def die(operation: str, _: str) -> None:
            nonlocal left
            left -= operation == "list"
            if left < 0:
                raise Abandoned

        objects.before = die
        try:
            await services.catalog.sync_worker.run_open()
            again = False
        except Abandoned:
            deaths += 1
        # The next process comes when the dead one's leases have run out.
        memory.clock.advance(LEASE_MS / 1000 + 1)
    done = await services.catalog.syncs.get(developer, ordered.command.id)
    assert deaths > 1
    assert (done.command.state, done.counts) == (State.SUCCESS, Counts(added=len(expected)))
    async with storage.read() as work:
        items = await work.items.page(view.dataset, ItemQuery(All(())))
    assert {item.path: item.size for item in items} == expected


async def test_a_shard_is_cut_where_nobody_has_been_and_its_worker_learns_of_it(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    whole = await running_sync(storage, dataset)
    taken = await claim(storage, whole, "one")
    assert taken is not None
    assert await advance(storage, replace(taken, checkpoint="c", added=2))
    rest = replace(whole, id=f"{9:024x}", after="m", state=State.CREATED)
    async with storage.begin() as work:
        assert not await work.commands.cut(replace(taken, upto="z"), rest), "it ends elsewhere"
        assert not await work.commands.cut(taken, replace(rest, after="b")), "it is beyond that"
        assert await work.commands.cut(taken, rest)
    assert not await advance(storage, replace(taken, checkpoint="x", added=9))
    again = await claim(storage, whole, "one")
    assert again is not None
    assert (again.checkpoint, again.upto, again.added) == ("c", "m", 2)
    assert await advance(storage, replace(again, checkpoint="d", added=3))
    async with storage.read() as work:
        assert [one.after for one in await work.commands.shards(whole.command_id)] == ["", "m"]
    async with storage.begin() as work:
        assert not await work.commands.cut(taken, rest), "it was cut before"


async def test_an_engine_and_its_address_stay_with_a_sync(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    command = command_for(dataset, engine="ray", engine_address="127.0.0.1:6379")
    async with storage.begin() as work:
        await work.commands.add(command)
    async with storage.read() as work:
        assert await work.commands.get(command.id) == command
