"""Archived objects: the index knows them, and nobody gets S3's own words about them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from support.desk import Desk
from valetkey.catalog.domain.dataset import Item
from valetkey.catalog.services.items.reading import PageRequest
from valetkey.catalog.services.items.streaming import FRESH, Bytes, Elsewhere
from valetkey.domain.access import ProjectRole
from valetkey.domain.errors import Archived, AwsRefused, Conflict, Denied, InvalidInput, NotFound


async def imported(desk: Desk, name: str = "a.txt", storage_class: str = "GLACIER") -> Item:
    key = f"{desk.prefix}{name}"
    desk.memory.objects.place("acme", key, b"cold", storage_class=storage_class)
    [item] = await desk.items.importing.import_objects(desk.developer, desk.dataset_id, [key])
    return item


async def test_an_import_keeps_the_storage_class(desk: Desk) -> None:
    item = await imported(desk)
    assert (item.storage_class, item.is_archived) == ("GLACIER", True)
    warm = await imported(desk, "b.txt", "STANDARD_IA")
    assert (warm.storage_class, warm.is_archived) == ("STANDARD_IA", False)


async def test_items_are_found_by_their_storage_class(desk: Desk) -> None:
    await imported(desk)
    await desk.upload("/b.txt")
    for wanted, names in (("GLACIER", ["/a.txt"]), ("STANDARD", ["/b.txt"])):
        page = await desk.items.reading.page(
            desk.developer,
            desk.dataset_id,
            PageRequest({"metadata.system.storageClass": wanted, "type": "file"}),
        )
        assert [item.filename for item in page.items] == names


@pytest.mark.parametrize("proxied", [False, True])
async def test_reading_an_archived_object_says_to_restore_it_first(
    desk: Desk, *, proxied: bool
) -> None:
    item = await imported(desk)
    with pytest.raises(Archived, match="restore it first"):
        await desk.items.streaming.open(desk.developer, item.id, proxied=proxied)


async def test_what_was_archived_since_the_index_saw_it_says_so_too(desk: Desk) -> None:
    item, _ = await desk.upload("/a.txt", b"cold")
    desk.memory.objects.place("acme", f"{desk.prefix}a.txt", b"cold", storage_class="DEEP_ARCHIVE")
    with pytest.raises(Archived, match="restore it first"):
        await desk.items.streaming.open(desk.developer, item.id, proxied=True)


async def test_an_item_that_no_sync_saw_lately_is_looked_at_before_anybody_is_sent_there(
    desk: Desk,
) -> None:
    item, _ = await desk.upload("/a.txt", b"cold")
    desk.memory.clock.advance(2 * FRESH.total_seconds())
    assert isinstance(await desk.items.streaming.open(desk.developer, item.id), Elsewhere)
    key = f"{desk.prefix}a.txt"
    desk.memory.objects.place("acme", key, b"cold", storage_class="GLACIER")
    with pytest.raises(Archived, match="restore it first"):
        await desk.items.streaming.open(desk.developer, item.id)
    del desk.bucket[key]
    with pytest.raises(NotFound, match="not in the bucket any more"):
        await desk.items.streaming.open(desk.developer, item.id)


async def test_after_a_sync_nobody_asks_the_store_before_sending_there(desk: Desk) -> None:
    item, _ = await desk.upload("/a.txt", b"warm")
    desk.memory.clock.advance(2 * FRESH.total_seconds())
    catalog, asked = desk.memory.services.catalog, list[str]()
    await catalog.syncs.start(desk.developer, desk.dataset_id)
    await catalog.sync_worker.run_open()

    async def seen(operation: str, _: str) -> None:
        asked.append(operation)

    desk.memory.objects.before = seen
    assert isinstance(await desk.items.streaming.open(desk.developer, item.id), Elsewhere)
    assert asked == ["sign"]


async def test_moving_an_archived_object_says_to_restore_it_first(desk: Desk) -> None:
    item = await imported(desk)
    with pytest.raises(Archived, match="restore it first"):
        await desk.items.moving.rename(desk.developer, item.id, "/b.txt")
    assert await desk.names() == ["/a.txt"]
    assert await desk.intents() == []


async def test_a_restored_object_is_read_until_its_days_are_over(desk: Desk) -> None:
    item = await imported(desk)
    restored = await desk.items.restoring.restore(desk.developer, item.id, days=3)
    assert not restored.restoring
    assert restored.until == desk.memory.clock.now() + timedelta(days=3)
    opened = await desk.items.streaming.open(desk.developer, item.id)
    assert isinstance(opened, Elsewhere)
    opened = await desk.items.streaming.open(desk.developer, item.id, proxied=True)
    assert isinstance(opened, Bytes)
    moved = await desk.items.moving.rename(desk.developer, item.id, "/b.txt")
    assert moved.storage_class == "GLACIER"


async def test_restoring_takes_a_developer_and_an_archived_object(desk: Desk) -> None:
    item = await imported(desk)
    annotator = await desk.memory.member("lin@example.com", ProjectRole.ANNOTATOR)
    with pytest.raises(Denied):
        await desk.items.restoring.restore(annotator, item.id, days=3)
    warm, _ = await desk.upload("/warm.txt")
    with pytest.raises(Conflict, match="not archived"):
        await desk.items.restoring.restore(desk.developer, warm.id, days=3)
    with pytest.raises(InvalidInput, match="400 days"):
        await desk.items.restoring.restore(desk.developer, item.id, days=400)


async def test_a_role_that_may_not_restore_is_refused_and_nothing_is_recorded(desk: Desk) -> None:
    item = await imported(desk)
    desk.memory.objects.refuse.add("restore")
    with pytest.raises(AwsRefused):
        await desk.items.restoring.restore(desk.developer, item.id, days=3)


async def test_only_restoring_asks_for_the_right_to_it(desk: Desk) -> None:
    item = await imported(desk)
    await desk.items.restoring.restore(desk.developer, item.id, days=3)
    policies = [order.policy for order in desk.memory.sts.orders]
    assert ["s3:RestoreObject" in (policy or "") for policy in policies].count(True) == 1
