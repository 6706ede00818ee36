"""Moving an item in the index, on every storage: it keeps its id, and nothing is doubled."""

from __future__ import annotations

from datetime import UTC, datetime

from support.dataset_rows import NOW, NOW_MS
from valetkey.catalog.domain.dataset import Dataset, Item
from valetkey.catalog.domain.merge import IndexChanges
from valetkey.catalog.domain.ports import CatalogStorage
from valetkey.domain.ports.objects import Listed

ID, LEFT, OTHER = (f"{number:024x}" for number in (1, 2, 3))


def item(dataset: Dataset, path: str, item_id: str = ID) -> Item:
    return Item(
        id=item_id,
        dataset_id=dataset.id,
        path=path,
        size=7,
        etag="etag",
        mimetype="image/jpeg",
        creator="ada@example.com",
        modified_at=NOW,
        created_at=NOW,
        updated_at=NOW,
        metadata={"user": {"a": 1}},
    )


async def put(storage: CatalogStorage, dataset: Dataset, new: Item) -> None:
    async with storage.begin() as work:
        await work.items.put(dataset, new, touched_ms=NOW_MS)


async def move(storage: CatalogStorage, dataset: Dataset, path: str, to: str) -> None:
    async with storage.begin() as work:
        await work.items.lock(dataset)
        await work.items.move(
            dataset, path, item(dataset, to), tombstone_id=LEFT, now_ms=NOW_MS + 1
        )


async def test_a_moved_item_keeps_its_id_and_is_counted_once(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    await put(storage, dataset, item(dataset, "a/x.jpg"))
    await move(storage, dataset, "a/x.jpg", "b/x.jpg")
    async with storage.read() as work:
        found = await work.items.get(ID)
        assert found is not None
        assert (found.path, found.metadata) == ("b/x.jpg", {"user": {"a": 1}})
        assert await work.items.by_path(dataset, "a/x.jpg") is None
        assert await work.datasets.item_count(dataset) == 1
        rows = await work.items.stretch(dataset, "", None, limit=10)
    assert [(row.path, row.deleted) for row in rows] == [("a/x.jpg", True), ("b/x.jpg", False)]


async def test_an_object_that_comes_back_where_an_item_was_is_another_item(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    await put(storage, dataset, item(dataset, "a/x.jpg"))
    await move(storage, dataset, "a/x.jpg", "b/x.jpg")
    await put(storage, dataset, item(dataset, "a/x.jpg", OTHER))
    changes = IndexChanges(added=[Listed("a/y.jpg", 1, "e", NOW_MS)])
    async with storage.begin() as work:
        await work.items.apply(
            dataset, changes, iter([f"{9:024x}"]), creator="ada@example.com", now_ms=NOW_MS
        )
    async with storage.read() as work:
        again, moved = await work.items.by_path(dataset, "a/x.jpg"), await work.items.get(ID)
        assert await work.datasets.item_count(dataset) == 3
    assert again is not None
    assert moved is not None
    assert again.id != moved.id


async def test_an_item_may_come_to_where_another_one_was_deleted(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    await put(storage, dataset, item(dataset, "b/x.jpg", OTHER))
    async with storage.begin() as work:
        await work.items.remove(dataset, ["b/x.jpg"], now_ms=NOW_MS)
    await put(storage, dataset, item(dataset, "a/x.jpg"))
    await move(storage, dataset, "a/x.jpg", "b/x.jpg")
    async with storage.read() as work:
        found = await work.items.by_path(dataset, "b/x.jpg")
        assert found is not None
        assert found.id == ID
        assert await work.datasets.item_count(dataset) == 1
    assert found.modified_at == datetime.fromtimestamp(NOW_MS / 1000, UTC)
