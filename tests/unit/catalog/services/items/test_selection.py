"""What a bulk change is of: exact names, and what the caller expects."""

from __future__ import annotations

from typing import Any

import pytest

from support.desk import Desk
from valetkey.catalog.services.items.changing import ItemPatch
from valetkey.catalog.services.items.reading import PageRequest
from valetkey.catalog.services.items.removal import BulkOutcome
from valetkey.catalog.services.items.selection import Selection
from valetkey.domain.errors import AwsRefused, Conflict, InvalidInput, PartlyDone, TooLarge

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
    assert len(refused.value.details["failures"]) == 100
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
