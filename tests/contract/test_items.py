"""The index of items on every storage."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from support.dataset_rows import NOW, NOW_MS, add_dataset, running_sync
from valetkey.catalog.db.items import repository
from valetkey.catalog.domain.dataset import Dataset, Item
from valetkey.catalog.domain.dql import All, parse_filter, parse_sort
from valetkey.catalog.domain.merge import IndexChanges, Indexed
from valetkey.catalog.domain.ports import CatalogStorage, ItemQuery
from valetkey.domain.ports.objects import Listed

EVERYTHING = All(())


def ids(start: int = 1) -> Iterator[str]:
    return (f"{number:024x}" for number in itertools.count(start))


def listed(path: str, size: int = 1) -> Listed:
    return Listed(path, size, f"etag-{size}", NOW_MS)


def item(dataset: Dataset, path: str, number: int = 900, **changes: object) -> Item:
    plain = Item(
        id=f"{number:024x}",
        dataset_id=dataset.id,
        path=path,
        size=7,
        etag="etag-7",
        mimetype="image/jpeg",
        creator="ada@example.com",
        modified_at=NOW,
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # fields by name


async def apply(
    storage: CatalogStorage,
    dataset: Dataset,
    changes: IndexChanges,
    *,
    start: int = 1,
    now_ms: int = NOW_MS,
) -> None:
    async with storage.begin() as work:
        await work.items.lock(dataset, shared=True)
        await work.items.apply(
            dataset, changes, ids(start), creator="ada@example.com", now_ms=now_ms
        )


async def fill(storage: CatalogStorage, dataset: Dataset, *paths: str) -> None:
    await apply(storage, dataset, IndexChanges(added=[listed(path) for path in sorted(paths)]))


async def paths(storage: CatalogStorage, dataset: Dataset, **filters: object) -> list[str]:
    async with storage.read() as work:
        where = parse_filter(filters.pop("where", {}))
        orders = parse_sort(filters.pop("sort", {}))
        query = ItemQuery(where, orders, **filters)  # type: ignore[arg-type]  # fields by name
        return [found.path for found in await work.items.page(dataset, query)]


async def stretch(
    storage: CatalogStorage,
    dataset: Dataset,
    after: str = "",
    upto: str | None = None,
    limit: int = 99,
) -> list[Indexed]:
    async with storage.read() as work:
        return list(await work.items.stretch(dataset, after, upto, limit=limit))


async def count(storage: CatalogStorage, dataset: Dataset) -> int:
    async with storage.read() as work:
        return await work.datasets.item_count(dataset)


async def test_what_a_sync_adds_can_be_read_whole(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    await apply(storage, dataset, IndexChanges(added=[listed("a/b.jpg", 5)]))
    async with storage.read() as work:
        found = await work.items.by_path(dataset, "a/b.jpg")
        assert found is not None
        assert found == await work.items.get(found.id)
    assert found == item(dataset, "a/b.jpg", 1, size=5, etag="etag-5")


async def test_a_change_refreshes_the_facts_and_keeps_id_and_metadata(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    await fill(storage, dataset, "a.jpg")
    async with storage.begin() as work:
        before = await work.items.by_path(dataset, "a.jpg")
        assert before is not None
        await work.items.set_metadata(
            dataset, [replace(before, metadata={"user": {"ü": [1, None]}})]
        )
    await apply(storage, dataset, IndexChanges(changed=[listed("a.jpg", 9)]), now_ms=NOW_MS + 5)
    async with storage.read() as work:
        after = await work.items.by_path(dataset, "a.jpg")
    assert after is not None
    assert (after.id, after.size, after.etag) == (before.id, 9, "etag-9")
    assert after.metadata == {"user": {"ü": [1, None]}}
    assert after.updated_at > before.updated_at


async def test_what_is_gone_is_a_tombstone_that_comes_back_with_its_id(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    await fill(storage, dataset, "a.jpg", "b.jpg")
    await apply(storage, dataset, IndexChanges(removed=["a.jpg"]))
    assert await paths(storage, dataset) == ["b.jpg"]
    assert await count(storage, dataset) == 1
    assert [row.deleted for row in await stretch(storage, dataset)] == [True, False]
    async with storage.read() as work:
        assert await work.items.get(f"{1:024x}") is None
    await apply(storage, dataset, IndexChanges(added=[listed("a.jpg")]), start=50)
    async with storage.read() as work:
        back = await work.items.by_path(dataset, "a.jpg")
    assert back is not None
    assert back.id == f"{1:024x}"
    assert await count(storage, dataset) == 2


async def test_another_object_where_an_item_was_deleted_is_another_item(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    await fill(storage, dataset, "a.jpg", "b.jpg")
    item = None
    async with storage.begin() as work:
        for path in ("a.jpg", "b.jpg"):
            item = await work.items.by_path(dataset, path)
            assert item is not None
            labelled = replace(item, metadata={"user": {"label": "old"}}, description="old")
            await work.items.set_metadata(dataset, [labelled])
    await apply(storage, dataset, IndexChanges(removed=["a.jpg", "b.jpg"]))
    await apply(storage, dataset, IndexChanges(added=[listed("a.jpg", 3)]), start=50)
    async with storage.begin() as work:
        assert item is not None
        new = replace(item, id=f"{99:024x}", metadata={}, description="")
        await work.items.put(dataset, new, touched_ms=NOW_MS)
    async with storage.read() as work:
        found, put = [await work.items.by_path(dataset, path) for path in ("a.jpg", "b.jpg")]
    assert found is not None
    assert put is not None
    assert (found.id, found.metadata, found.description) == (f"{50:024x}", {}, "")
    assert (put.id, put.metadata, put.description) == (f"{99:024x}", {}, "")
    assert await count(storage, dataset) == 2


@pytest.mark.parametrize("at_once", [1, 2, 3, 100])
async def test_a_count_that_drifted_is_mended_by_what_one_moment_shows(
    storage: CatalogStorage, dataset: Dataset, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(repository, "_COUNTED", at_once)
    await fill(storage, dataset, "a.jpg", "b.jpg", "c.jpg")
    await apply(storage, dataset, IndexChanges(removed=["c.jpg"]))
    async with storage.begin() as work:
        for number, folder in enumerate(("x/", "y/", "z/")):
            made = item(dataset, folder, 700 + number, mimetype="")
            await work.items.put(dataset, made, touched_ms=NOW_MS)
        await work.items.adjust_count(dataset, 5)
    async with storage.begin() as work:
        await work.items.adjust_count(dataset, await work.items.count_drift(dataset))
        assert await work.items.count_drift(dataset) == 0
    assert await count(storage, dataset) == 2


async def test_a_tombstone_can_be_touched(storage: CatalogStorage, dataset: Dataset) -> None:
    await fill(storage, dataset, "a.jpg", "b.jpg")
    await apply(storage, dataset, IndexChanges(removed=["a.jpg"]))
    async with storage.begin() as work:
        await work.items.touch(dataset, ["a.jpg"], now_ms=NOW_MS + 7)
    rows = await stretch(storage, dataset)
    assert [(row.path, row.touched_ms) for row in rows] == [("a.jpg", NOW_MS + 7), ("b.jpg", 0)]


async def test_old_tombstones_are_purged_and_nothing_else(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    await fill(storage, dataset, "a", "b", "c")
    await apply(storage, dataset, IndexChanges(removed=["a"]), now_ms=NOW_MS)
    await apply(storage, dataset, IndexChanges(removed=["b"]), now_ms=NOW_MS + 10)
    async with storage.begin() as work:
        assert await work.items.purge(before_ms=NOW_MS + 10, limit=5) == 1
    assert [row.path for row in await stretch(storage, dataset)] == ["b", "c"]


async def test_a_stretch_is_in_the_order_of_code_points_and_without_folders(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    names = ["B", "a", "a b", "a-b", "a/b", "aB", "\u00e9", "\uffee", "\U0001f600", "_"]
    await fill(storage, dataset, *names)
    async with storage.begin() as work:
        await work.items.put(dataset, item(dataset, "a/"), touched_ms=1)
    assert [row.path for row in await stretch(storage, dataset)] == sorted(names)
    part = await stretch(storage, dataset, "a", "aB")
    assert [row.path for row in part] == ["a b", "a-b", "a/b", "aB"]
    assert [row.path for row in await stretch(storage, dataset, "a", limit=2)] == ["a b", "a-b"]


async def test_a_writer_replaces_the_facts_and_keeps_the_id(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    await fill(storage, dataset, "a.jpg")
    async with storage.begin() as work:
        put = await work.items.put(
            dataset, item(dataset, "a.jpg", metadata={"user": {"a": 1}}), touched_ms=NOW_MS + 9
        )
        again = await work.items.put(dataset, item(dataset, "a.jpg", 901), touched_ms=NOW_MS + 10)
    assert put.id == again.id == f"{1:024x}"
    assert again.metadata == {"user": {"a": 1}}
    [row] = await stretch(storage, dataset)
    assert row == Indexed("a.jpg", 7, "etag-7", NOW_MS, False, NOW_MS + 10)
    assert await count(storage, dataset) == 1


async def test_a_writer_s_removal_is_touched_and_counted_once(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    await fill(storage, dataset, "a", "b")
    async with storage.begin() as work:
        await work.items.put(dataset, item(dataset, "f/"), touched_ms=1)
    assert await count(storage, dataset) == 2
    async with storage.begin() as work:
        assert await work.items.remove(dataset, ["a", "f/", "never"], now_ms=NOW_MS + 3) == 2
        assert await work.items.remove(dataset, ["a"], now_ms=NOW_MS + 4) == 0
    assert await count(storage, dataset) == 1
    assert (await stretch(storage, dataset))[0].touched_ms == NOW_MS + 3


async def test_pages_are_walked_by_id_in_either_direction(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    await fill(storage, dataset, *(f"{number:02}.jpg" for number in range(10)))
    first = await paths(storage, dataset, limit=4)
    assert first == ["00.jpg", "01.jpg", "02.jpg", "03.jpg"]
    after = await paths(storage, dataset, where={"id": {"$gt": f"{4:024x}"}}, limit=3)
    assert after == ["04.jpg", "05.jpg", "06.jpg"]
    assert await paths(storage, dataset, sort={"id": "descending"}, limit=2) == ["09.jpg", "08.jpg"]
    assert await paths(storage, dataset, limit=2, offset=9) == ["09.jpg"]


async def test_sorting_by_name_is_by_code_points_with_folders_among_the_files(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    await fill(storage, dataset, "a.txt", "a/x", "b")
    async with storage.begin() as work:
        await work.items.put(dataset, item(dataset, "a/"), touched_ms=1)
    assert await paths(storage, dataset, sort={"filename": "ascending"}) == [
        "a/",
        "a.txt",
        "a/x",
        "b",
    ]
    files = await paths(storage, dataset, where={"type": "file"}, sort={"filename": "ascending"})
    assert files == ["a.txt", "a/x", "b"]


async def test_folders_are_those_that_hold_items(storage: CatalogStorage, dataset: Dataset) -> None:
    await fill(storage, dataset, "root", "a/1", "a/2", "a/b/3", "c/d/4")
    await apply(storage, dataset, IndexChanges(removed=["c/d/4"]))
    async with storage.read() as work:
        assert await work.items.folders(dataset, limit=10) == ["a/", "a/b/"]
        assert await work.items.folders(dataset, limit=1) == ["a/"]
        assert await work.items.folders(dataset, after="a/", limit=9) == ["a/b/"]
        assert await work.items.folders(dataset, after="a/b/", limit=9) == []


async def test_two_datasets_have_rows_of_their_own(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    other = await add_dataset(storage, 2)
    await fill(storage, dataset, "a")
    await apply(storage, other, IndexChanges(added=[listed("a", 2)]), start=77)
    await apply(storage, other, IndexChanges(removed=["a"]))
    assert await paths(storage, dataset) == ["a"]
    assert await paths(storage, other) == []
    async with storage.begin() as work:
        assert await work.items.clear(dataset, limit=9) == "a"
        assert await work.items.clear(dataset, limit=9) is None
    assert len(await stretch(storage, other)) == 1


async def test_a_staged_listing_comes_back_in_order_each_object_once(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    shard = await running_sync(storage, dataset)
    async with storage.begin() as work:
        await work.items.stage(shard.id, [listed("b"), listed("a"), listed("b")])
        await work.items.stage(shard.id, [listed("a", 2), listed("c")])
    async with storage.begin() as work:
        first = await work.items.staged(shard.id, "", limit=2)
        rest = await work.items.staged(shard.id, "b", limit=2)
        assert [*first, *rest] == [listed("a", 2), listed("b"), listed("c")]
        assert await work.items.unstage(shard.id, limit=9) > 0
        assert await work.items.staged(shard.id, "", limit=2) == []


async def test_pages_are_sorted_by_several_fields_and_by_id_at_last(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    added = [listed("b/1.txt", 2), listed("a/2.jpg", 1), listed("a/1.txt", 2), listed("c.jpg", 1)]
    await apply(storage, dataset, IndexChanges(added=added))
    for sort, expected in (
        ({"dir": "ascending", "name": "descending"}, ["c.jpg", "a/2.jpg", "a/1.txt", "b/1.txt"]),
        ({"name": "ascending"}, ["b/1.txt", "a/1.txt", "a/2.jpg", "c.jpg"]),
        ({"metadata.system.size": "descending"}, ["a/1.txt", "b/1.txt", "c.jpg", "a/2.jpg"]),
        (
            {"metadata.system.size": "ascending", "id": "descending"},
            ["c.jpg", "a/2.jpg", "a/1.txt", "b/1.txt"],
        ),
        ({"createdAt": "ascending"}, ["b/1.txt", "a/2.jpg", "a/1.txt", "c.jpg"]),
        ({"updatedAt": "descending"}, ["c.jpg", "a/1.txt", "a/2.jpg", "b/1.txt"]),
        (
            {"createdAt": "descending", "id": "descending"},
            ["c.jpg", "a/1.txt", "a/2.jpg", "b/1.txt"],
        ),
    ):
        assert await paths(storage, dataset, sort=sort) == expected, sort


async def test_a_sync_keeps_the_storage_class(storage: CatalogStorage, dataset: Dataset) -> None:
    cold = listed("cold")._replace(storage_class="GLACIER")
    await apply(storage, dataset, IndexChanges(added=[cold, listed("warm")]))
    classes = {row.path: row.storage_class for row in await stretch(storage, dataset)}
    assert classes == {"cold": "GLACIER", "warm": ""}
    thawed = listed("cold"), listed("warm")._replace(storage_class="DEEP_ARCHIVE")
    await apply(storage, dataset, IndexChanges(changed=list(thawed)), start=5)
    async with storage.read() as work:
        found = [await work.items.by_path(dataset, path) for path in ("cold", "warm")]
    assert [item.storage_class for item in found if item] == ["", "DEEP_ARCHIVE"]
    await apply(storage, dataset, IndexChanges(removed=["warm"]), start=7)
    await apply(storage, dataset, IndexChanges(added=[listed("warm")]), start=9)
    assert [row.storage_class for row in await stretch(storage, dataset)] == ["", ""]


async def test_a_listing_that_is_put_in_order_first_keeps_the_storage_class(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    shard = await running_sync(storage, dataset)
    cold = listed("a")._replace(storage_class="GLACIER")
    async with storage.begin() as work:
        await work.items.stage(shard.id, [cold, listed("b")])
    async with storage.read() as work:
        assert await work.items.staged(shard.id, "", limit=5) == [cold, listed("b")]


async def test_a_walk_goes_on_above_a_path(storage: CatalogStorage, dataset: Dataset) -> None:
    names = ["a/1", "a/2", "b", "c/1"]
    await fill(storage, dataset, *names)
    for where, expected in (
        ({}, ["a/2", "b"]),
        ({"filename": "/c/**"}, ["c/1"]),
        ({"dir": "/a"}, ["a/2"]),
    ):
        async with storage.read() as work:
            found = await work.items.walk(dataset, parse_filter(where), after="a/1", limit=2)
        assert [item.path for item in found] == expected


@pytest.mark.parametrize("made", [False, True])
async def test_folders_are_searched_for_whatever_else_is_asked_of_them(
    storage: CatalogStorage, dataset: Dataset, made: bool
) -> None:
    kinds = [{"type": "dir"}, {"type": {"$in": ["dir"]}}]
    others: list[dict[str, Any]] = [
        {"filename": "/a"},
        {"filename": {"$in": ["/a", "/b"]}},
        {"filename": "/*"},
        {"dir": "/"},
        {"dir": "*"},
        {"name": "a"},
        {"metadata.system.size": {"$gte": 0}},
        {"metadata.user.x": {"$exists": False}},
        {"$or": [{"filename": "/a"}, {"dir": "/a/**"}]},
    ]
    if made:
        async with storage.begin() as work:
            await work.items.put(dataset, item(dataset, "a/", etag="", size=0), touched_ms=1)
    for kind in kinds:
        for other in others:
            where = parse_filter({"$and": [kind, other]})
            for name in ("id", "filename"):
                query = ItemQuery(where, parse_sort({name: "descending"}))
                async with storage.search() as work:
                    found = [item.path for item in await work.items.page(dataset, query)]
                    assert await work.items.count(dataset, where) == len(found)
                assert found == (["a/"] if made else []), (kind, other)
