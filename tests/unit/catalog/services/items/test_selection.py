"""What a bulk change is of: exact names, and what the caller expects."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from support.desk import Desk
from valetkey.catalog.domain.dataset import Item
from valetkey.catalog.domain.ports import CatalogWork
from valetkey.catalog.services.items import removal, selection
from valetkey.catalog.services.items.changing import ItemPatch
from valetkey.catalog.services.items.reading import PageRequest
from valetkey.catalog.services.items.removal import BulkOutcome
from valetkey.catalog.services.items.selection import Selection
from valetkey.domain.errors import (
    AwsRefused,
    Conflict,
    InUse,
    InvalidInput,
    PartlyDone,
    TooLarge,
)

ODD = [
    "/img?x.jpg",
    "/imgax.jpg",
    "/imgbx.jpg",
    "/[ab].txt",
    "/a.txt",
    "/a\\b.txt",
    "/a*b.txt",
    "/a1b.txt",
]


#: A folder, and all in it and below.
WITH_A = {"$or": [{"dir": "/a/**"}, {"filename": "/a"}]}


async def upload(desk: Desk, *names: str) -> dict[str, str]:
    return {name: (await desk.upload(name))[0].id for name in names}


async def delete(desk: Desk, where: Any, **held: Any) -> int:
    return await desk.items.removal.delete_matching(
        desk.developer, desk.dataset_id, Selection(where, **held)
    )


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("operator", [None, "$eq", "$in"])
async def test_a_delete_by_name_deletes_what_is_called_so_and_nothing_else(
    desk: Desk, name: str, operator: str | None
) -> None:
    await upload(desk, *ODD)
    value: Any = [name] if operator == "$in" else name
    where = {"filename": value if operator is None else {operator: value}}
    assert await delete(desk, {"$and": [{"type": "file"}, where]}) == 1
    assert await desk.names() == sorted({*ODD} - {name})
    assert len(desk.bucket) == len(ODD) - 1


async def test_a_pattern_that_is_nobodys_name_deletes_what_it_fits(desk: Desk) -> None:
    await upload(desk, "/a1b.txt", "/a2b.txt", "/c.txt")
    assert await delete(desk, {"filename": "/a*b.txt"}) == 2
    assert await desk.names() == ["/c.txt"]


async def test_what_is_left_out_of_a_delete_is_a_pattern_always(desk: Desk) -> None:
    await upload(desk, "/a*b.txt", "/a1b.txt", "/c.txt")
    assert await delete(desk, {"filename": {"$ne": "/a*b.txt"}}) == 1
    assert await desk.names() == ["/a*b.txt", "/a1b.txt"]


async def test_one_item_is_got_by_its_name_though_it_holds_a_wildcard(desk: Desk) -> None:
    await upload(desk, "/a*b.txt", "/a1b.txt")
    for by_name, count in ((True, 1), (False, 2)):
        wanted = PageRequest({"filename": "/a*b.txt"}, by_name=by_name)
        page = await desk.items.reading.page(desk.developer, desk.dataset_id, wanted)
        assert len(page.items) == count


async def test_an_array_that_has_the_tag_is_left_out_of_what_has_not(desk: Desk) -> None:
    for name, tags in (("/cat", ["cat", "dog"]), ("/dog", ["dog"]), ("/none", None)):
        await desk.upload(name, metadata={"user": {"tags": tags}} if tags else {})
    assert await delete(desk, {"metadata.user.tags": {"$ne": "cat"}}) == 2
    assert await desk.names() == ["/cat"]


async def folders(desk: Desk) -> list[str]:
    page = await desk.items.reading.page(
        desk.developer, desk.dataset_id, PageRequest({"type": "dir"})
    )
    return sorted(item.filename for item in page.items)


async def make_folders(desk: Desk, *names: str) -> dict[str, str]:
    make = desk.items.changing.make_folder
    return {name: (await make(desk.developer, desk.dataset_id, name)).id for name in names}


async def test_a_folder_that_holds_items_is_refused_alone_and_among_many(any_desk: Desk) -> None:
    desk = any_desk
    ids = await make_folders(desk, "/a", "/a/b", "/empty")
    await upload(desk, "/a/b/1.txt")
    with pytest.raises(InUse) as alone:
        await desk.items.removal.delete(desk.developer, ids["/a"])
    with pytest.raises(PartlyDone) as among:
        await delete(desk, {"type": "dir"})
    assert (among.value.details["done"], among.value.details["failed"]) == (1, 2)
    failures = {each["filename"]: each for each in among.value.details["failures"]}
    assert sorted(failures) == ["/a", "/a/b"]
    assert (failures["/a"]["code"], failures["/a"]["message"]) == ("in_use", alone.value.message)
    for name in ("/a", "/a/b"):
        assert (await desk.items.reading.get(desk.developer, ids[name])).filename == name


@pytest.mark.parametrize("part", [1, 2, 50])
async def test_a_folder_goes_with_all_that_it_holds_where_a_deletion_is_of_both(
    any_desk: Desk, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = any_desk
    monkeypatch.setattr(selection, "PART", part)
    await make_folders(desk, "/a", "/a/b", "/a/b/c", "/a-b", "/d")
    await upload(desk, "/a/b/1.txt", "/a/2.txt", "/d/3.txt")
    assert await delete(desk, WITH_A, expected_count=5) == 5
    assert await folders(desk) == ["/a-b", "/d"]
    assert await desk.names() == ["/d/3.txt"]


async def test_a_folder_stays_that_an_item_comes_into_while_it_is_about_to_go(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await make_folders(desk, "/a")
    begin, late = desk.memory.storage.begin, ["/a/1.txt"]

    @asynccontextmanager
    async def beginning() -> AsyncIterator[CatalogWork]:
        if late:
            await upload(desk, late.pop())
        async with begin() as work:
            yield work

    monkeypatch.setattr(desk.memory.storage, "begin", beginning)
    with pytest.raises(InUse):
        await desk.items.removal.delete(desk.developer, ids["/a"])
    assert (await desk.items.reading.get(desk.developer, ids["/a"])).filename == "/a"


async def test_a_folder_stays_where_what_it_holds_could_not_be_deleted(desk: Desk) -> None:
    await make_folders(desk, "/a")
    await upload(desk, "/a/1.txt", "/a/2.txt")

    async def refuse(operation: str, key: str) -> None:
        if operation == "delete" and key.endswith("1.txt"):
            raise AwsRefused("Denied.", hint="Allow it.", aws_code="AccessDenied")

    desk.memory.objects.before = refuse
    with pytest.raises(PartlyDone) as refused:
        await delete(desk, WITH_A)
    failures = refused.value.details["failures"]
    assert [(each["filename"], each["code"]) for each in failures] == [
        ("/a/1.txt", "aws_refused"),
        ("/a", "in_use"),
    ]
    assert refused.value.details["done"] == 1


async def test_a_dry_run_says_how_many_and_touches_none(desk: Desk) -> None:
    await upload(desk, "/a", "/b")
    assert await delete(desk, {"type": "file"}, dry_run=True) == 2
    everything = Selection({"type": "file"}, dry_run=True)
    patch = ItemPatch(metadata={"user": {"seen": True}})
    count = await desk.items.changing.patch_matching(
        desk.developer, desk.dataset_id, everything, patch
    )
    assert count == 2
    assert await desk.names() == ["/a", "/b"]


async def test_a_change_of_other_items_than_expected_is_refused_before_it_begins(
    desk: Desk,
) -> None:
    ids = await upload(desk, "/a", "/b", "/c")
    files = {"type": "file"}
    wrong: list[dict[str, Any]] = [
        {"expected_count": 2},
        {"expected_ids": [ids["/a"], ids["/b"]]},
        {"expected_ids": [*ids.values(), "f" * 24]},
        {"expected_ids": []},
    ]
    for held in wrong:
        with pytest.raises(Conflict):
            await delete(desk, files, **held)
        with pytest.raises(Conflict):
            await desk.items.changing.patch_matching(
                desk.developer, desk.dataset_id, Selection(files, **held), ItemPatch(metadata={})
            )
    with pytest.raises(TooLarge):
        await delete(desk, files, expected_ids=["f" * 24] * 5001)
    assert await desk.names() == ["/a", "/b", "/c"]
    assert await delete(desk, {"filename": "/a"}, expected_ids=[ids["/a"]]) == 1
    assert await delete(desk, files, expected_count=2) == 2


async def test_an_item_that_cannot_be_changed_is_named_and_stops_no_other(desk: Desk) -> None:
    ids = await upload(desk, "/a", "/b")
    full = {"user": {str(n): "x" * 200_000 for n in range(5)}}
    await desk.items.changing.patch(desk.developer, ids["/a"], ItemPatch(metadata=full))
    patch = ItemPatch(metadata={"user": {"note": "y" * 100_000}})
    with pytest.raises(PartlyDone) as refused:
        await desk.items.changing.patch_matching(
            desk.developer, desk.dataset_id, Selection({"type": "file"}), patch
        )
    assert refused.value.details["done"] == 1
    assert [each["filename"] for each in refused.value.details["failures"]] == ["/a"]
    changed = await desk.items.reading.get(desk.developer, ids["/b"])
    assert changed.metadata["user"]["note"]


async def test_an_item_that_moved_before_its_turn_is_not_deleted_and_it_is_said(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await upload(desk, "/a", "/b")

    async def with_a_move(*args: Any, **how: Any) -> AsyncIterator[Sequence[Item]]:
        async for items in selection.walk(*args, **how):
            await desk.items.moving.rename(desk.developer, ids["/a"], "/moved")
            yield items

    monkeypatch.setattr(removal, "walk", with_a_move)
    with pytest.raises(PartlyDone) as refused:
        await delete(desk, {"type": "file"})
    failures = refused.value.details["failures"]
    assert [(each["id"], each["code"]) for each in failures] == [(ids["/a"], "changed_meanwhile")]
    assert refused.value.details["done"] == 1
    assert await desk.names() == ["/moved"]
    assert list(desk.bucket) == [f"{desk.prefix}moved"]


@pytest.mark.parametrize("what", ["deleted", "changed"])
async def test_failures_beyond_a_hundred_are_counted_and_not_kept(
    desk: Desk, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.memory.objects.buckets["acme"] |= {f"{desk.prefix}{n:04}": b"x" for n in range(1_250)}
    await desk.memory.services.catalog.syncs.start(desk.developer, desk.dataset_id)
    await desk.memory.services.catalog.sync_worker.run_open()
    kept: list[int] = []
    add = BulkOutcome.require_all

    def noted(self: BulkOutcome, did: str) -> int:
        kept.append(len(self.failures))
        return add(self, did)

    monkeypatch.setattr(BulkOutcome, "require_all", noted)

    async def refuse(operation: str, key: str) -> None:
        if operation == "delete" and not key.endswith("7"):
            raise AwsRefused("Denied.", hint="Allow it.", aws_code="AccessDenied")

    desk.memory.objects.before = refuse
    selection = Selection({"type": "file"})

    def impossible() -> ItemPatch:
        raise InvalidInput("There is no such tag.", hint="Use another.")

    own = (desk.developer, desk.dataset_id, selection)
    if what == "deleted":
        work = desk.items.removal.delete_matching(*own)
    else:
        work = desk.items.changing.patch_matching(*own, impossible)
    with pytest.raises(PartlyDone) as refused:
        await work
    done = 125 if what == "deleted" else 0
    assert kept == [100]
    assert (refused.value.details["done"], refused.value.details["failed"]) == (done, 1250 - done)
    codes = [each["code"] for each in refused.value.details["failures"]]
    assert codes == ["aws_refused" if what == "deleted" else "invalid_input"] * 100
    assert refused.value.message.startswith(f"{1250 - done:,} of 1,250 items could not be {what}: ")


@pytest.mark.parametrize(
    "patch",
    [
        ItemPatch(metadata={"user": {"n": 2**70}}),
        ItemPatch(metadata={"user": {"text": "a\0"}}),
        ItemPatch(description="\ud800"),
        ItemPatch(description="x" * 5000),
    ],
)
async def test_a_patch_that_no_item_can_take_is_refused_before_any_is_looked_at(
    desk: Desk, patch: ItemPatch
) -> None:
    await upload(desk, "/a")
    for dry_run in (False, True):
        selection = Selection({"type": "file"}, dry_run=dry_run)
        with pytest.raises(InvalidInput):
            await desk.items.changing.patch_matching(
                desk.developer, desk.dataset_id, selection, patch
            )


@pytest.mark.parametrize("description", ["a\0b", "\ud800", "x" * 5000])
async def test_an_upload_whose_description_cannot_be_kept_writes_nothing(
    desk: Desk, description: str
) -> None:
    with pytest.raises(InvalidInput):
        await desk.upload("/a", description=description)
    assert f"{desk.prefix}a" not in desk.bucket
