"""Whatever pages carry a listing, the index is what they carry, or it is what it was."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.memory import Memory, open_memory
from support.strange_listings import (
    Fault,
    Order,
    Plan,
    StrangeListings,
    illegal_plans,
    legal_plans,
)
from valetkey.catalog.domain.dataset import Dataset
from valetkey.catalog.domain.dql.ast import All
from valetkey.catalog.domain.merge import IndexChanges
from valetkey.catalog.domain.ports import ItemQuery
from valetkey.catalog.domain.sync import State
from valetkey.catalog.services import pace
from valetkey.catalog.services.datasets import NewDataset, SyncView
from valetkey.domain.access import ProjectRole
from valetkey.domain.errors import AwsUnavailable
from valetkey.services.audit import Caller
from valetkey.testing.datasets import MemoryItems

FOLDER = "train/"
#: Letters whose order by bytes and by letters differ, and keys that are beginnings of others.
KEYS = st.frozensets(st.text("aBcx~/é", min_size=1, max_size=3).filter(lambda key: key[-1] != "/"))
PARALLEL = st.sampled_from([1, 2, 5])
#: So many rows a part has beside records of credentials; None where nobody records any.
PARTS = st.sampled_from([None, 1, 2, 250])


@dataclass
class Shop:
    """A dataset over a folder of a strange store."""

    memory: Memory
    store: StrangeListings
    developer: Caller
    dataset_id: str

    def hold(self, paths: frozenset[str]) -> None:
        """Let the bucket hold just these."""
        self.memory.clock.advance(60)
        bucket = self.store.buckets.setdefault("acme", {})
        for key in [key for key in bucket if key.removeprefix(FOLDER) not in paths]:
            del bucket[key]
        for path in paths:
            if FOLDER + path not in bucket:
                self.store.place("acme", FOLDER + path, path.encode())

    async def index(self) -> frozenset[str]:
        async with self.memory.storage.read() as work:
            dataset = await work.datasets.get(self.dataset_id)
            assert dataset is not None
            page = await work.items.page(dataset, ItemQuery(All(()), limit=10_000))
            assert all(item.size == len(item.path.encode()) for item in page)
            return frozenset(item.path for item in page)

    @asynccontextmanager
    async def beside_records(self, rows: int | None) -> AsyncIterator[None]:
        """Let credentials be recorded meanwhile, if parts of syncs shall have so many rows."""
        async with self.memory.storage.begin() as work:
            work.audit.is_recording = rows is not None
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pace, "FEW_ROWS", rows or pace.FEW_ROWS)
            yield

    async def sync(self, plan: Plan, parallel: int = 1) -> SyncView:
        self.store.plan, self.store.pages = plan, 0
        catalog = self.memory.services.catalog
        ordered = await catalog.syncs.start(self.developer, self.dataset_id, parallel=parallel)
        for _ in range(20):
            try:
                await catalog.sync_worker.run_open()
                break
            except AwsUnavailable:  # it may pass: the worker comes back, for a while
                self.memory.clock.advance(301)
        return await catalog.syncs.get(self.developer, ordered.command.id)


async def open_shop() -> Shop:
    memory = await open_memory(make_objects=StrangeListings)
    assert isinstance(memory.objects, StrangeListings)
    location = await memory.location(folder=FOLDER)
    developer = await memory.member("dev@example.com", ProjectRole.DEVELOPER)
    new = NewDataset("photos", location.id)
    view = await memory.services.catalog.datasets.create(developer, memory.project.id, new)
    return Shop(memory, memory.objects, developer, view.dataset.id)


async def test_an_empty_page_ends_nothing() -> None:
    shop = await open_shop()
    keys = frozenset(f"{number:02}" for number in range(30))
    shop.hold(keys)
    await shop.sync(Plan())
    done = await shop.sync(Plan([10, 0, 10, 10]))
    assert done.command.state is State.SUCCESS
    assert done.counts.removed == 0
    assert await shop.index() == keys


async def test_a_store_with_another_order_is_found_out_between_two_ranges_too() -> None:
    shop = await open_shop()
    # The first range, up to m, sees a and ~b; the second one x. Either is in order by itself.
    keys = frozenset(("a", "~b", "c", "x"))
    shop.hold(keys)
    done = await shop.sync(Plan([1], Order.WORDS), parallel=4)
    assert done.command.state is State.SUCCESS
    assert await shop.index() == keys


@pytest.mark.parametrize(("rows", "parts"), [(None, [30]), (7, [7, 7, 7, 7, 2])])
async def test_a_sync_writes_in_small_parts_while_credentials_are_recorded(
    rows: int | None, parts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await open_shop()
    shop.hold(frozenset("a"))
    written = []
    apply = MemoryItems.apply

    async def noted(
        self: MemoryItems, dataset: Dataset, changes: IndexChanges, *rest: Any, **more: Any
    ) -> None:
        written.append(len(changes.added))
        await apply(self, dataset, changes, *rest, **more)

    async with shop.beside_records(rows):
        await shop.sync(Plan())  # which finds out whether any are
        shop.hold(frozenset(f"{number:02}" for number in range(30)))
        monkeypatch.setattr(MemoryItems, "apply", noted)
        await shop.sync(Plan([30]))
    assert written == parts


@pytest.mark.slow
@settings(max_examples=500)
@given(
    before=KEYS,
    keys=KEYS,
    first=legal_plans(),
    plan=legal_plans(),
    parallel=PARALLEL,
    rows=PARTS,
)
async def test_the_index_is_the_set_of_keys_whatever_legal_pages_carry_it(
    before: frozenset[str],
    keys: frozenset[str],
    first: Plan,
    plan: Plan,
    parallel: int,
    rows: int | None,
) -> None:
    shop = await open_shop()
    shop.hold(before)
    await shop.sync(first, parallel)
    assert await shop.index() == before
    shop.hold(keys)
    async with shop.beside_records(rows):
        done = await shop.sync(plan, parallel)
    assert done.command.state is State.SUCCESS, done.command.error
    assert await shop.index() == keys
    assert done.counts.seen == len(keys)


@pytest.mark.slow
@settings(max_examples=200)
@given(before=KEYS, keys=KEYS, plan=illegal_plans(), parallel=PARALLEL, rows=PARTS)
async def test_an_illegal_page_fails_the_sync_in_words_and_no_item_is_lost(
    before: frozenset[str], keys: frozenset[str], plan: Plan, parallel: int, rows: int | None
) -> None:
    shop = await open_shop()
    shop.hold(before)
    await shop.sync(Plan())
    shop.hold(keys)
    async with shop.beside_records(rows):
        done = await shop.sync(plan, parallel)
    index = await shop.index()
    if done.command.state is State.SUCCESS:
        assert shop.store.pages <= plan.fault_at  # it was not come across
        assert index == keys
        return
    assert done.command.error["message"]
    assert done.command.error["hint"]
    # What was merged before the fault is true, and the rest is what it was.
    assert before & keys <= index <= before | keys
    assert {path for path in index ^ before if path in keys} <= keys - before


@pytest.mark.parametrize("fault", Fault)
async def test_each_illegal_page_is_named(fault: Fault) -> None:
    shop = await open_shop()
    shop.hold(frozenset("abc"))
    done = await shop.sync(Plan([1], fault=fault, fault_at=1))
    assert done.command.state is State.FAILED
    message = done.command.error["message"]
    assert ("503" if fault is Fault.AWAY else "makes no sense") in message


@pytest.mark.parametrize("letter", ["x", "\u00e9", "\U0001f600"])
async def test_a_key_longer_than_any_of_s3_fails_the_sync_in_words(letter: str) -> None:
    shop = await open_shop()
    shop.hold(frozenset("abc"))
    await shop.sync(Plan())
    shop.hold(frozenset(["b", letter * (1024 // len(letter.encode()) + 1)]))
    done = await shop.sync(Plan([1]))
    assert done.command.state is State.FAILED
    assert "S3's have 1,024 at most" in done.command.error["message"]
    assert "b" in await shop.index()
