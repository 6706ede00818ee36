"""A sync makes the index agree with the bucket, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import pytest

from support.memory import Memory, open_memory
from valetkey.catalog.domain.dataset import TOMBSTONE_LIFETIME, Item
from valetkey.catalog.domain.dql.ast import All
from valetkey.catalog.domain.ports import ItemQuery
from valetkey.catalog.domain.sync import REMEMBERED, Counts, Shard, State, WriteIntent
from valetkey.catalog.services.datasets import (
    NewDataset,
    SyncView,
    SyncWorker,
    cutting,
    in_process,
    runs,
    shards,
)
from valetkey.catalog.services.datasets.shards import OUT_OF_ORDER
from valetkey.catalog.services.items.uploading import Mode, NewItem
from valetkey.domain.access import ProjectRole
from valetkey.domain.credentials import TemporaryCredentials
from valetkey.domain.errors import (
    AwsRefused,
    AwsUnavailable,
    Conflict,
    Denied,
    InvalidInput,
    Locked,
    NotFound,
)
from valetkey.domain.ports.objects import to_ms
from valetkey.services.audit import Caller

FOLDER = "train/"


class Killed(BaseException):
    """What kill -9 does to whatever is awaited."""


@dataclass
class Shop:
    """A dataset over a folder of a bucket whose pages are short."""

    memory: Memory
    developer: Caller
    dataset_id: str

    def place(self, *paths: str, body: bytes = b"x") -> None:
        for path in paths:
            self.memory.objects.place("acme", FOLDER + path, body)

    def drop(self, *paths: str) -> None:
        for path in paths:
            del self.memory.objects.buckets["acme"][FOLDER + path]

    @property
    def bucket(self) -> dict[str, int]:
        found = self.memory.objects.buckets["acme"].items()
        return {
            key.removeprefix(FOLDER): len(body) for key, body in found if key.startswith(FOLDER)
        }

    async def items(self) -> list[Item]:
        async with self.memory.storage.read() as work:
            dataset = await work.datasets.get(self.dataset_id)
            assert dataset is not None
            return list(await work.items.page(dataset, ItemQuery(All(()))))

    async def index(self) -> dict[str, int]:
        return {item.path: item.size for item in await self.items()}

    async def order(self, parallel: int = 1) -> SyncView:
        return await self.memory.services.catalog.syncs.start(
            self.developer, self.dataset_id, parallel=parallel
        )

    async def look(self, ordered: SyncView) -> SyncView:
        return await self.memory.services.catalog.syncs.get(self.developer, ordered.command.id)

    async def sync(self, parallel: int = 1) -> SyncView:
        ordered = await self.order(parallel)
        await self.worker.run_open()
        return await self.look(ordered)

    @property
    def worker(self) -> SyncWorker:
        return self.memory.services.catalog.sync_worker

    async def upload(self, path: str, body: bytes) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            yield body

        await self.memory.services.catalog.items.uploading.upload(
            self.developer, self.dataset_id, NewItem(path), chunks(), mode=Mode.OVERWRITE
        )


@pytest.fixture
async def shop() -> Shop:
    return await open_shop()


async def open_shop() -> Shop:
    memory = await open_memory()
    location = await memory.location(folder=FOLDER)
    developer = await memory.member("dev@example.com", ProjectRole.DEVELOPER)
    view = await memory.services.catalog.datasets.create(
        developer, memory.project.id, NewDataset("photos", location.id)
    )
    memory.objects.page_size = 3
    memory.clock.advance(10)
    return Shop(memory, developer, view.dataset.id)


def names(count: int) -> list[str]:
    return [f"{number % 4}/{number:02}.jpg" for number in range(count)]


async def test_the_first_sync_indexes_all_below_the_location_s_folder(shop: Shop) -> None:
    shop.place(*names(10))
    shop.memory.objects.place("acme", "training/no.jpg", b"x")
    done = await shop.sync()
    assert done.command.state is State.SUCCESS
    assert (done.counts, done.percent) == (Counts(added=10), 100)
    assert await shop.index() == shop.bucket


async def test_folder_markers_and_our_own_probes_are_no_items(shop: Shop) -> None:
    shop.place("a/", "a/b", ".valetkey-probe-1", "c/.valetkey-probe-2")
    await shop.sync()
    assert await shop.index() == {"a/b": 1}


async def test_an_unchanged_bucket_leaves_every_item_as_it_was(shop: Shop) -> None:
    shop.place(*names(10))
    await shop.sync()
    before = await shop.items()
    shop.memory.clock.advance(60)
    done = await shop.sync()
    assert done.counts == Counts(unchanged=10)
    assert await shop.items() == before


async def test_what_changed_is_refreshed_and_what_is_gone_is_removed(shop: Shop) -> None:
    shop.place("a", "b", "c", "d", "e")
    await shop.sync()
    ids = {item.path: item.id for item in await shop.items()}
    shop.memory.clock.advance(60)
    shop.place("b", body=b"longer")
    shop.drop("c", "e")
    shop.place("aa", "z")
    done = await shop.sync()
    assert done.counts == Counts(added=2, changed=1, removed=2, unchanged=2)
    assert await shop.index() == shop.bucket
    assert {item.path: item.id for item in await shop.items()}["b"] == ids["b"]


async def test_a_renamed_object_does_not_stay_twice(shop: Shop) -> None:
    shop.place("old")
    await shop.sync()
    shop.drop("old")
    shop.place("new")
    await shop.sync()
    assert list(await shop.index()) == ["new"]


async def test_a_second_sync_of_the_same_dataset_is_refused_while_one_is_open(shop: Shop) -> None:
    await shop.order()
    with pytest.raises(Locked, match="as it is already being synced"):
        await shop.order()
    await shop.worker.run_open()
    await shop.order()


async def test_a_cancelled_sync_stops_and_the_next_one_does_the_rest(shop: Shop) -> None:
    shop.place(*names(10))
    ordered = await shop.order()

    async def cancel() -> None:
        await shop.memory.services.catalog.syncs.cancel(shop.developer, ordered.command.id)

    shop.memory.at_listing(2, cancel)
    await shop.worker.run_open()
    assert (await shop.look(ordered)).command.state is State.CANCELED
    assert len(await shop.index()) < 10
    with pytest.raises(Conflict):
        await cancel()
    await shop.sync()
    assert await shop.index() == shop.bucket


async def test_a_denied_listing_fails_the_sync_with_its_cause_and_the_fix(shop: Shop) -> None:
    async def refuse() -> None:
        raise AwsRefused("The role may not list.", hint="Allow it.", aws_code="AccessDenied")

    shop.memory.at_listing(1, refuse)
    failed = await shop.sync()
    assert failed.command.state is State.FAILED
    assert failed.command.error == {
        "message": "The role may not list.",
        "hint": "Allow it.",
        "code": "aws_refused",
        "details": {"aws_code": "AccessDenied"},
    }
    assert (await shop.sync()).command.state is State.SUCCESS


async def test_a_mistake_of_ours_ends_the_sync_too(shop: Shop) -> None:
    async def stumble() -> None:
        raise ZeroDivisionError

    shop.memory.at_listing(1, stumble)
    failed = await shop.sync()
    assert failed.command.state is State.FAILED
    assert "ZeroDivisionError" in failed.command.error["message"]


@pytest.mark.parametrize("parallel", [1, 3])
async def test_a_killed_sync_goes_on_where_it_was(shop: Shop, parallel: int) -> None:
    shop.place(*names(40))
    ordered = await shop.order(parallel)
    chance = random.Random(5)  # noqa: S311  # repeatable on purpose
    pages = kills = 0

    async def die(operation: str, _: str) -> None:
        nonlocal pages
        if operation == "list" and (await shop.look(ordered)).shards:
            pages -= 1
            if pages == 0:
                raise Killed

    shop.memory.objects.before = die
    while not (await shop.look(ordered)).command.state.over:
        pages = chance.randint(2, 9)
        try:
            await shop.worker.run_open()
        except Killed:
            kills += 1
        shop.memory.clock.advance(16)  # its leases run out
    assert kills > 1
    assert (await shop.look(ordered)).counts == Counts(added=40)
    assert await shop.index() == shop.bucket


async def test_shards_are_found_by_probing_and_cover_all(shop: Shop) -> None:
    shop.place(*names(60))
    done = await shop.sync(parallel=4)
    assert done.shards > 4
    assert done.counts == Counts(added=60)
    assert await shop.index() == shop.bucket


@pytest.mark.parametrize("parallel", [0, 1001])
async def test_a_senseless_number_of_workers_is_refused(shop: Shop, parallel: int) -> None:
    with pytest.raises(InvalidInput):
        await shop.order(parallel)


@pytest.mark.parametrize("parallel", [1, 3])
async def test_a_store_that_lists_out_of_order_is_synced_all_the_same_and_it_is_said(
    shop: Shop, parallel: int
) -> None:
    shop.place(*names(20))
    shop.memory.objects.unordered = True
    first = await shop.sync(parallel)
    assert first.command.notice == OUT_OF_ORDER
    assert first.counts == Counts(added=20)
    shop.drop("0/00.jpg")
    shop.place("1/01.jpg", body=b"changed")
    again = await shop.sync(parallel)
    assert again.counts == Counts(changed=1, removed=1, unchanged=18)
    assert await shop.index() == shop.bucket


async def test_keys_that_lead_elsewhere_are_indexed_under_escaped_names_and_counted(
    shop: Shop,
) -> None:
    shop.place("/lead.txt", "a//b.txt", "a/../c.txt", "fine.txt")
    done = await shop.sync()
    assert done.counts == Counts(added=4, escaped=3)
    assert {item.filename for item in await shop.items()} == {
        "/%2F/lead.txt",
        "/a/%2F/b.txt",
        "/a/%2E%2E/c.txt",
        "/fine.txt",
    }
    assert (await shop.sync()).counts == Counts(unchanged=4, escaped=3)


async def test_a_killed_staging_goes_on_at_its_token(shop: Shop) -> None:
    shop.place(*names(20))
    shop.memory.objects.unordered = True
    ordered = await shop.order()
    pages = 0

    async def die(operation: str, _: str) -> None:
        nonlocal pages
        pages += operation == "list"
        if pages in {5, 8}:
            pages += 1
            raise Killed

    shop.memory.objects.before = die
    while not (await shop.look(ordered)).command.state.over:
        with suppress(Killed):
            await shop.worker.run_open()
        shop.memory.clock.advance(16)
    assert (await shop.look(ordered)).counts == Counts(added=20)
    # One page that is out of order, seven to its end, and those that were not answered.
    assert pages <= 1 + 7 + 4


async def test_what_a_cancelled_sync_had_staged_goes_by_housekeeping(shop: Shop) -> None:
    shop.place(*names(20))
    shop.memory.objects.unordered = True
    ordered = await shop.order()

    async def cancel() -> None:
        await shop.memory.services.catalog.syncs.cancel(shop.developer, ordered.command.id)

    shop.memory.at_listing(5, cancel)
    await shop.worker.run_open()
    async with shop.memory.storage.read() as work:
        (shard,) = await work.commands.shards(ordered.command.id)
        assert await work.items.staged(shard.id, "", limit=9)
    await shop.worker.clean()
    async with shop.memory.storage.read() as work:
        assert not await work.items.staged(shard.id, "", limit=9)


async def test_an_upload_behind_the_listing_is_not_lost_and_one_before_it_not_doubled(
    shop: Shop,
) -> None:
    shop.place(*names(12))
    ordered = await shop.order()

    async def rival() -> None:
        await shop.upload("0/00.jpg", b"rewritten")
        await shop.upload("0/early.jpg", b"new and early")
        await shop.upload("3/zz.jpg", b"new and late")

    shop.memory.at_listing(3, rival)
    await shop.worker.run_open()
    assert (await shop.look(ordered)).command.state is State.SUCCESS
    assert await shop.index() == shop.bucket


async def test_what_a_dead_writer_left_is_looked_after(shop: Shop) -> None:
    shop.place("a", "b", "c", "written", "z")
    await shop.sync()
    user = shop.developer.principal.user_id
    async with shop.memory.storage.begin() as work:
        for number, path in enumerate(["b2", "b", "a"]):
            now = shop.memory.clock.now()
            intent = WriteIntent(f"{number:024x}", shop.dataset_id, path, user, now, path)
            assert await work.commands.claim_intents([intent], now_ms=0)

    async def bucket_side() -> None:
        # Behind the listing: the writer's calls arrived, and it died before it wrote the rows.
        shop.place("b2", body=b"12345")
        shop.place("a", body=b"123")
        shop.drop("b")

    await shop.order()
    shop.memory.at_listing(2, bucket_side)
    await shop.worker.run_open()
    assert await shop.index() == shop.bucket
    assert shop.bucket == {"a": 3, "b2": 5, "c": 1, "written": 1, "z": 1}


async def test_a_sync_lists_with_vended_credentials_that_it_renews(shop: Shop) -> None:
    shop.place(*names(12))

    async def an_hour_passes() -> None:
        shop.memory.clock.advance(3400)

    shop.memory.at_listing(2, an_hour_passes)
    shop.memory.objects.used.clear()
    orders = len(shop.memory.sts.orders)
    done = await shop.sync()
    assert done.command.state is State.SUCCESS
    used = shop.memory.objects.used
    assert all(isinstance(each, TemporaryCredentials) for each in used)
    assert len({repr(each) for each in used}) == 2
    policies = [order.policy or "" for order in shop.memory.sts.orders[orders:]]
    assert len(policies) == 2
    assert all("PutObject" not in text and "DeleteObject" not in text for text in policies)


async def test_whoever_lost_the_right_does_not_sync_any_more(shop: Shop) -> None:
    ordered = await shop.order()
    memory, owner = shop.memory, await shop.memory.caller()
    await memory.services.people.put_project_member(
        owner, memory.project.id, "dev@example.com", ProjectRole.ANNOTATOR
    )
    await shop.worker.run_open()
    failed = await shop.look(ordered)
    assert failed.command.state is State.FAILED
    assert failed.command.error["code"] == "denied"


async def test_an_annotator_may_watch_and_not_start(shop: Shop) -> None:
    annotator = await shop.memory.member("ann@example.com", ProjectRole.ANNOTATOR)
    ordered = await shop.order()
    await shop.memory.services.catalog.syncs.get(annotator, ordered.command.id)
    with pytest.raises(Denied):
        await shop.memory.services.catalog.syncs.start(annotator, shop.dataset_id)
    with pytest.raises(Denied):
        await shop.memory.services.catalog.syncs.cancel(annotator, ordered.command.id)


async def test_a_deleted_item_keeps_its_id_for_a_week_and_is_purged_then(shop: Shop) -> None:
    shop.place("a", "b")
    await shop.sync()
    ids = {item.path: item.id for item in await shop.items()}
    shop.drop("a")
    await shop.sync()
    shop.memory.clock.advance((TOMBSTONE_LIFETIME - timedelta(hours=1)).total_seconds())
    await shop.worker.clean()
    shop.place("a")
    await shop.sync()
    assert {item.path: item.id for item in await shop.items()} == ids
    shop.drop("a")
    await shop.sync()
    shop.memory.clock.advance((TOMBSTONE_LIFETIME + timedelta(hours=1)).total_seconds())
    await shop.worker.clean()
    shop.place("a")
    await shop.sync()
    assert {item.path: item.id for item in await shop.items()}["a"] != ids["a"]


async def test_a_sync_can_be_looked_at_for_a_month_and_the_last_that_succeeded_for_longer(
    shop: Shop,
) -> None:
    first = await shop.sync()
    last = await shop.sync()
    shop.memory.clock.advance((REMEMBERED - timedelta(hours=1)).total_seconds())
    await shop.worker.clean()
    assert (await shop.look(first)).shards == first.shards > 0
    shop.memory.clock.advance(timedelta(hours=2).total_seconds())
    await shop.worker.clean()
    assert (await shop.look(last)).shards == last.shards > 0
    with pytest.raises(NotFound):
        await shop.look(first)


async def test_the_audit_trail_tells_who_synced_and_what_came_of_it(shop: Shop) -> None:
    await shop.sync()
    actions = [action for action, _ in shop.memory.actions()]
    assert actions.count("dataset.sync") == 1
    assert actions.count("credentials.vend") == 1
    assert actions.count("dataset.synced") == 1


async def test_a_shard_that_is_far_longer_than_its_fellows_is_cut_while_it_is_worked_on(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_process, "_LOOK_SECONDS", 0)
    monkeypatch.setattr(cutting, "LONG", 9)
    monkeypatch.setattr(runs, "_SHARDS_EACH", 1)
    shop.place("0", *(f"9/{number:04}" for number in range(400)))
    done = await shop.sync(parallel=2)
    assert done.counts == Counts(added=401)
    assert await shop.index() == shop.bucket
    assert done.shards > 2, "more than it was cut into before anything was known"


async def test_an_engine_that_the_server_does_not_have_is_refused(shop: Shop) -> None:
    syncs = shop.memory.services.catalog.syncs
    with pytest.raises(InvalidInput, match="no engine 'spark'"):
        await syncs.start(shop.developer, shop.dataset_id, engine="spark")
    with pytest.raises(InvalidInput, match="has no address"):
        await syncs.start(shop.developer, shop.dataset_id, address="10.0.0.7:6379")


@pytest.mark.parametrize(("files", "times"), [(9_999, 0), (10_000, 1)])
async def test_a_sync_that_wrote_much_has_statistics_made(
    shop: Shop, files: int, times: int
) -> None:
    shop.memory.objects.page_size = 1000
    shop.place(*(f"{number:06d}" for number in range(files)))
    await shop.sync()
    assert shop.memory.storage._committed.items.analyzed == times


async def test_a_sync_gets_over_what_passes_and_gives_up_what_does_not(shop: Shop) -> None:
    shop.place(*names(10))
    away = True

    async def be_away(operation: str, _: str) -> None:
        if away and operation == "list":
            raise AwsUnavailable("AWS does not answer.", hint="Ask again.")

    shop.memory.objects.before = be_away
    ordered = await shop.order()
    for seconds in (0, 100, 199):
        shop.memory.clock.advance(seconds)
        with pytest.raises(AwsUnavailable):
            await shop.worker.run_open()
        assert not (await shop.look(ordered)).command.state.over
    away = False
    await shop.worker.run_open()
    assert (await shop.look(ordered)).command.state is State.SUCCESS
    away = True
    again = await shop.order()
    with pytest.raises(AwsUnavailable):
        await shop.worker.run_open()
    shop.memory.clock.advance(301)
    await shop.worker.run_open()
    failed = (await shop.look(again)).command
    assert (failed.state, failed.error["code"]) == (State.FAILED, "aws_unavailable")


async def test_parts_that_fail_at_the_same_moment_fail_the_sync_once_and_leave_nothing_unheard(
    shop: Shop,
) -> None:
    unheard: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: unheard.append(what))
    shop.place(*names(60))
    ordered = await shop.order(4)

    async def refuse(operation: str, _: str) -> None:
        if operation == "list" and (await shop.look(ordered)).shards:
            raise AwsRefused("The role may not list.", hint="Allow it.")

    shop.memory.objects.before = refuse
    await shop.worker.run_open()
    assert (await shop.look(ordered)).command.state is State.FAILED
    gc.collect()
    await asyncio.sleep(0)
    assert unheard == []


async def test_as_many_shards_as_a_sync_asks_for_are_under_way_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shards, "_PAGES", 50)
    shop = await open_shop()
    shop.place(*(f"{number:03}/x" for number in range(200)))
    ordered, asking, most = await shop.order(100), 0, 0
    all_there = asyncio.Event()

    async def together(operation: str, _: str) -> None:
        nonlocal asking, most
        if operation == "list" and (await shop.look(ordered)).shards:
            asking += 1
            most = max(most, asking)
            if asking == 50:
                all_there.set()
            await asyncio.wait_for(all_there.wait(), 20)
            asking -= 1

    shop.memory.objects.before = together
    await shop.worker.run_open()
    assert await shop.index() == shop.bucket
    assert most == 50, "pages that are asked for at once, of a hundred shards"
    async with shop.memory.storage.read() as work:
        found = await work.commands.shards(ordered.command.id)
    assert len(found) > 100


async def test_a_lease_is_kept_while_its_shard_waits(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_process, "_RENEWED_AFTER", 100_000)
    shop.place(*names(10))
    ordered = await shop.order()
    stolen: list[object] = []

    async def wait(operation: str, _: str) -> None:
        async with shop.memory.storage.read() as work:
            found = await work.commands.shards(ordered.command.id)
        if operation != "list" or not found:
            return
        for _round in range(3):
            shop.memory.clock.advance(10)
            now_ms = to_ms(shop.memory.clock.now())
            async with asyncio.timeout(20):
                while True:
                    async with shop.memory.storage.read() as work:
                        (held,) = await work.commands.shards(ordered.command.id)
                    if held.lease_ms >= now_ms + 15_000:
                        break
                    await asyncio.sleep(0.001)
            async with shop.memory.storage.begin() as work:
                stolen.append(
                    await work.commands.claim(held.id, "other", now_ms=now_ms, until_ms=now_ms)
                )

    shop.memory.objects.before = wait
    await shop.worker.run_open()
    assert set(stolen) == {None}
    assert (await shop.look(ordered)).counts == Counts(added=10)


async def test_every_shard_that_is_long_is_cut_for_those_that_are_idle(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_process, "_LOOK_SECONDS", 0)
    monkeypatch.setattr(cutting, "LONG", 3)
    monkeypatch.setattr(runs, "_SHARDS_EACH", 1)
    cuts: list[int] = []
    cut = cutting.Cutter.cut

    async def counted(self: cutting.Cutter, idle: int = 1) -> list[Shard]:
        found = await cut(self, idle)
        cuts.append(len(found))
        assert len(found) <= idle
        return found

    monkeypatch.setattr(cutting.Cutter, "cut", counted)
    shop.place("0", "1", "2", *(f"9/{number:04}" for number in range(600)))
    assert (await shop.sync(parallel=8)).counts == Counts(added=603)
    assert await shop.index() == shop.bucket
    assert max(cuts) > 1
