"""Deleting, moving, patching and reading items, with what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from support.desk import Desk
from valetkey.catalog.services.items import reading
from valetkey.catalog.services.items.changing import ItemPatch
from valetkey.catalog.services.items.reading import PageRequest
from valetkey.catalog.services.items.selection import Selection
from valetkey.catalog.services.items.streaming import Bytes, Elsewhere
from valetkey.domain.access import ProjectRole
from valetkey.domain.errors import (
    AwsRefused,
    Conflict,
    Denied,
    InUse,
    InvalidInput,
    NotFound,
    PartlyDone,
    PreconditionFailed,
    TooLarge,
    VersionMismatch,
)

FILES = Selection({"type": "file"})


async def test_deleting_takes_the_object_along_where_the_location_says_so(desk: Desk) -> None:
    item, _ = await desk.upload("/a.txt")
    await desk.items.removal.delete(desk.developer, item.id)
    assert desk.bucket == {}
    assert await desk.names() == []
    with pytest.raises(NotFound):
        await desk.items.reading.get(desk.developer, item.id)


async def test_deleting_leaves_the_object_where_the_location_does_not_say_so(
    careful_desk: Desk,
) -> None:
    item, _ = await careful_desk.upload("/a.txt", b"kept")
    await careful_desk.items.removal.delete(careful_desk.developer, item.id)
    assert list(careful_desk.bucket.values()) == [b"kept"]
    assert await careful_desk.names() == []


async def test_an_object_written_anew_while_it_is_deleted_keeps_its_item(desk: Desk) -> None:
    item, _ = await desk.upload("/a.txt", b"old")

    async def rival(operation: str, key: str) -> None:
        if operation == "delete":
            desk.memory.objects.place("acme", key, b"written anew")

    desk.memory.objects.after = rival
    await desk.items.removal.delete(desk.developer, item.id)
    assert await desk.names() == ["/a.txt"]


async def test_a_delete_of_what_was_read_deletes_nothing_that_somebody_wrote_since(
    desk: Desk,
) -> None:
    item, _ = await desk.upload("/a.txt", b"read")

    async def as_expected(_: Any) -> None:
        """The row is: a client of S3 writes no row."""

    async def rival(operation: str, key: str) -> None:
        if operation == "delete":
            desk.memory.objects.place("acme", key, b"written since")

    desk.memory.objects.before = rival
    expecting = desk.developer._replace(expectation=as_expected)
    with pytest.raises(VersionMismatch, match="not the one"):
        await desk.items.removal.delete(expecting, item.id)
    assert desk.bucket == {f"{desk.prefix}a.txt": b"written since"}
    assert await desk.names() == ["/a.txt"]
    assert not await desk.intents()


async def test_a_bulk_delete_goes_on_after_a_failure_and_reports_it(desk: Desk) -> None:
    for name in ("a", "b", "c"):
        await desk.upload(f"/{name}.txt")

    async def refuse(operation: str, key: str) -> None:
        if operation == "delete" and key.endswith("b.txt"):
            raise AwsRefused("It is under a legal hold.", hint="Lift it.")

    desk.memory.objects.before = refuse
    with pytest.raises(PartlyDone) as told:
        await desk.items.removal.delete_matching(desk.developer, desk.dataset_id, FILES)
    assert told.value.details["done"] == 2
    [failure] = told.value.details["failures"]
    assert (failure["filename"], failure["hint"]) == ("/b.txt", "Lift it.")
    assert await desk.names() == ["/b.txt"]
    assert await desk.intents() == []


@pytest.mark.parametrize("where", [{}, {"$and": []}])
async def test_a_bulk_change_needs_a_filter(desk: Desk, where: dict[str, object]) -> None:
    await desk.upload("/a.txt")
    with pytest.raises(InvalidInput, match="empty"):
        await desk.items.removal.delete_matching(desk.developer, desk.dataset_id, Selection(where))
    with pytest.raises(InvalidInput, match="empty"):
        await desk.items.changing.patch_matching(
            desk.developer, desk.dataset_id, Selection(where), ItemPatch(metadata={})
        )
    assert await desk.names() == ["/a.txt"]


async def test_a_folder_goes_only_when_it_is_empty(desk: Desk) -> None:
    folder = await desk.items.changing.make_folder(desk.developer, desk.dataset_id, "/a")
    again = await desk.items.changing.make_folder(desk.developer, desk.dataset_id, "a/")
    assert again == folder
    item, _ = await desk.upload("/a/x.txt")
    with pytest.raises(InUse):
        await desk.items.removal.delete(desk.developer, folder.id)
    await desk.items.removal.delete(desk.developer, item.id)
    await desk.items.removal.delete(desk.developer, folder.id)


async def test_a_move_copies_indexes_and_deletes_and_keeps_the_id(desk: Desk) -> None:
    item, _ = await desk.upload("/a.txt", b"body", metadata={"user": {"k": 1}})
    folder = await desk.items.changing.make_folder(desk.developer, desk.dataset_id, "/to")
    moved = await desk.items.moving.move(desk.developer, desk.dataset_id, folder.id, [item.id])
    assert moved == 1
    shown = await desk.items.reading.get(desk.developer, item.id)
    assert (shown.filename, shown.metadata) == ("/to/a.txt", {"user": {"k": 1}})
    assert desk.bucket == {f"{desk.prefix}to/a.txt": b"body"}
    assert await desk.intents() == []
    renamed = await desk.items.moving.rename(desk.developer, item.id, "/other.png")
    assert (renamed.id, renamed.mimetype) == (item.id, "image/png")


async def test_a_move_carries_an_object_s_tags(desk: Desk) -> None:
    objects = desk.memory.objects
    item, _ = await desk.upload("/a.txt", b"body")
    objects.tagged["acme", f"{desk.prefix}a.txt"] = {"team": "red"}
    await desk.items.moving.rename(desk.developer, item.id, "/b.txt")
    assert objects.tagged["acme", f"{desk.prefix}b.txt"] == {"team": "red"}


async def test_what_is_written_where_something_is_moved_away_stays_as_another_item(
    desk: Desk,
) -> None:
    item, _ = await desk.upload("/a.txt", b"mine")

    async def rival(operation: str, key: str) -> None:
        if operation == "delete":
            desk.memory.objects.place("acme", key, b"theirs")

    desk.memory.objects.before = rival
    moved = await desk.items.moving.rename(desk.developer, item.id, "/b.txt")
    assert moved.id == item.id
    assert await desk.names() == ["/a.txt", "/b.txt"]
    assert desk.bucket[f"{desk.prefix}a.txt"] == b"theirs"
    assert not await desk.intents()


async def test_a_move_that_is_undone_leaves_what_somebody_wrote_over_its_copy(desk: Desk) -> None:
    item, _ = await desk.upload("/a.txt", b"mine")

    async def rival(operation: str, _: str) -> None:
        if operation == "copy":
            for path in ("a.txt", "b.txt"):
                desk.memory.objects.place("acme", desk.prefix + path, b"theirs")

    desk.memory.objects.after = rival
    with pytest.raises(Conflict, match=r"/a\.txt. was written or deleted"):
        await desk.items.moving.rename(desk.developer, item.id, "/b.txt")
    assert set(desk.bucket.values()) == {b"theirs"}
    assert await desk.names() == ["/a.txt", "/b.txt"]
    assert not await desk.intents()


async def test_a_move_says_whether_its_source_changed_or_its_target_is_taken(desk: Desk) -> None:
    item, _ = await desk.upload("/a.txt", b"mine")
    written = "a.txt"

    async def rival(operation: str, _: str) -> None:
        if operation == "copy":
            desk.memory.objects.place("acme", desk.prefix + written, b"theirs")
            if written == "a.txt":
                raise PreconditionFailed("Not the one.", hint="-")

    desk.memory.objects.before = rival
    with pytest.raises(Conflict, match=r"/a\.txt. was written or deleted"):
        await desk.items.moving.rename(desk.developer, item.id, "/b.txt")
    written = "b.txt"
    with pytest.raises(Conflict, match="There is an object at"):
        await desk.items.moving.rename(desk.developer, item.id, "/b.txt")
    assert desk.bucket[f"{desk.prefix}b.txt"] == b"theirs"


async def test_a_move_never_overwrites(desk: Desk) -> None:
    item, _ = await desk.upload("/a.txt", b"mine")
    await desk.upload("/to/a.txt", b"theirs")
    with pytest.raises(Conflict):
        await desk.items.moving.rename(desk.developer, item.id, "/to/a.txt")
    assert desk.bucket[f"{desk.prefix}to/a.txt"] == b"theirs"


async def test_a_move_that_fails_after_its_copy_leaves_nothing_behind(desk: Desk) -> None:
    item, _ = await desk.upload("/a.jpg", b"1")
    before, asked = dict(desk.bucket), []

    async def refuse(operation: str, _: str) -> None:
        asked.append(operation)
        if operation == "head" and asked[-2:-1] == ["copy"]:
            raise AwsRefused("No.", hint="-", aws_code="AccessDenied")

    desk.memory.objects.before = refuse
    with pytest.raises(AwsRefused):
        await desk.items.moving.rename(desk.developer, item.id, "/b.jpg")
    assert desk.bucket == before
    assert await desk.names() == ["/a.jpg"]
    assert not await desk.intents()


async def test_a_move_whose_copy_stays_is_looked_after(desk: Desk) -> None:
    item, _ = await desk.upload("/a.jpg", b"1")
    asked: list[str] = []

    async def refuse(operation: str, _: str) -> None:
        asked.append(operation)
        if operation in {"head", "delete"} and "copy" in asked:
            raise AwsRefused("No.", hint="-", aws_code="AccessDenied")

    desk.memory.objects.before = refuse
    with pytest.raises(AwsRefused):
        await desk.items.moving.rename(desk.developer, item.id, "/b.jpg")
    assert sorted(await desk.intents()) == ["a.jpg", "b.jpg"]


async def test_a_move_needs_the_right_to_delete(careful_desk: Desk) -> None:
    item, _ = await careful_desk.upload("/a.txt")
    with pytest.raises(Conflict, match="does not let objects be deleted"):
        await careful_desk.items.moving.rename(careful_desk.developer, item.id, "/b.txt")


async def test_a_patch_merges_removes_and_leaves_system_and_facts_alone(desk: Desk) -> None:
    item, _ = await desk.upload("/a.txt", metadata={"user": {"a": 1, "b": {"c": 2, "d": 3}}})
    patch = ItemPatch(
        metadata={"user": {"a": None, "b": {"c": 4}}, "system": {"x": 1, "size": 9}},
        description="seen",
    )
    changed = await desk.items.changing.patch(desk.developer, item.id, patch)
    assert changed.metadata == {"user": {"b": {"c": 4, "d": 3}}}
    assert (changed.description, changed.size) == ("seen", 1)
    with_system = ItemPatch(metadata={"system": {"x": 1, "size": 9}}, system=True)
    changed = await desk.items.changing.patch(desk.developer, item.id, with_system)
    assert changed.metadata["system"] == {"x": 1}


async def test_metadata_has_a_limit(desk: Desk) -> None:
    item, _ = await desk.upload("/a.txt")
    large = ItemPatch(metadata={"user": {str(n): "x" * 60_000 for n in range(20)}})
    with pytest.raises(TooLarge):
        await desk.items.changing.patch(desk.developer, item.id, large)


async def test_a_bulk_patch_changes_what_the_filter_fits(desk: Desk) -> None:
    for name in ("a", "b"):
        await desk.upload(f"/{name}.txt")
    count = await desk.items.changing.patch_matching(
        desk.developer,
        desk.dataset_id,
        Selection({"filename": "/a.txt"}),
        ItemPatch(metadata={"user": {"seen": True}}),
    )
    assert count == 1
    page = await desk.items.reading.page(
        desk.developer, desk.dataset_id, PageRequest({"metadata.user.seen": True})
    )
    assert [item.filename for item in page.items] == ["/a.txt"]


async def test_pages_know_whether_there_are_more_and_count_once(desk: Desk) -> None:
    for number in range(5):
        await desk.upload(f"/{number}.txt")
    plain = {"$and": [{"hidden": False}, {"type": "file"}]}
    items, where = desk.items.reading, (desk.developer, desk.dataset_id)
    first = await items.page(*where, PageRequest(plain, size=2))
    assert (len(first.items), first.has_next, first.total) == (2, True, 5)
    beyond = {"$and": [plain, {"id": {"$gt": first.items[-1].id}}]}
    second = await items.page(*where, PageRequest(beyond, size=3))
    assert (len(second.items), second.has_next, second.total) == (3, False, None)
    counted = await items.page(*where, PageRequest(plain, size=0))
    assert (counted.items, counted.total) == ([], 5)
    with pytest.raises(InvalidInput, match="too far"):
        await items.page(*where, PageRequest(plain, page=10_000, size=1000))


@pytest.mark.parametrize("sort", [None, {"name": "descending"}])
async def test_pages_beyond_what_is_counted_are_whole_and_end(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, sort: dict[str, str] | None
) -> None:
    monkeypatch.setattr(reading, "MAX_COUNTED", 4)
    for number in range(9):
        await desk.upload(f"/{number}.txt")
    seen: list[str] = []
    for number in range(5):
        wanted = PageRequest({"name": "*.txt"}, sort, page=number, size=2)
        page = await desk.items.reading.page(desk.developer, desk.dataset_id, wanted)
        seen += [item.filename for item in page.items]
        assert page.has_next is (number < 4)
        assert (page.total, page.is_bounded) == ((4, True) if number < 4 else (9, False))
    assert sorted(seen) == await desk.names()
    beyond = PageRequest({"name": "*.txt"}, sort, page=5, size=2)
    page = await desk.items.reading.page(desk.developer, desk.dataset_id, beyond)
    assert (page.items, page.has_next) == ([], False)


async def test_bytes_are_elsewhere_unless_they_are_none_or_asked_for(desk: Desk) -> None:
    full, _ = await desk.upload("/a.txt", b"12345")
    empty, _ = await desk.upload("/empty.txt", b"")
    opened = await desk.items.streaming.open(desk.developer, full.id)
    assert isinstance(opened, Elsewhere)
    assert "train/a.txt" in opened.url
    nothing = await desk.items.streaming.open(desk.developer, empty.id, byte_range="bytes=0-")
    assert isinstance(nothing, Bytes)
    assert (nothing.size, nothing.chunks) == (0, None)
    part = await desk.items.streaming.open(
        desk.developer, full.id, byte_range="bytes=1-2", proxied=True
    )
    assert isinstance(part, Bytes)
    assert part.chunks is not None
    assert [chunk async for chunk in part.chunks] == [b"23"]
    assert part.content_range == "bytes 1-2/5"


async def test_annotators_read_and_do_not_write(desk: Desk) -> None:
    item, _ = await desk.upload("/a.txt", b"12345")
    annotator = await desk.memory.member("joan@example.com", ProjectRole.ANNOTATOR)
    assert isinstance(await desk.items.streaming.open(annotator, item.id), Elsewhere)
    with pytest.raises(Denied):
        await desk.items.removal.delete(annotator, item.id)
    with pytest.raises(Denied):
        await desk.items.changing.patch(annotator, item.id, ItemPatch(metadata={}))
    with pytest.raises(Denied):
        await desk.items.importing.import_objects(annotator, desk.dataset_id, ["train/a.txt"])


@pytest.mark.parametrize(("item_id", "error"), [("nonsense", InvalidInput), ("0" * 24, NotFound)])
async def test_ids_that_are_none(desk: Desk, item_id: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        await desk.items.removal.delete(desk.developer, item_id)
    with pytest.raises(NotFound):
        await desk.items.reading.get(desk.developer, item_id)


async def test_objects_are_deleted_a_thousand_in_a_request_and_failures_named(desk: Desk) -> None:
    desk.memory.objects.buckets["acme"] |= {
        f"{desk.prefix}{number:04}.jpg": b"x" for number in range(1_050)
    }
    syncs = desk.memory.services.catalog.syncs
    await syncs.start(desk.developer, desk.dataset_id)
    await desk.memory.services.catalog.sync_worker.run_open()

    async def refuse_one(operation: str, key: str) -> None:
        if operation == "delete" and key.endswith("0500.jpg"):
            raise AwsRefused("Denied.", hint="Allow it.", aws_code="AccessDenied")

    desk.memory.objects.before = refuse_one
    with pytest.raises(PartlyDone, match="1 of 1,050 items") as refused:
        await desk.items.removal.delete_matching(
            desk.developer, desk.dataset_id, Selection({"filename": "/*.jpg"})
        )
    assert desk.memory.objects.deleted_at_once == [1000, 50]
    assert [each["filename"] for each in refused.value.details["failures"]] == ["/0500.jpg"]
    assert await desk.names() == ["/0500.jpg"]
    assert await desk.intents() == []
