"""Uploads and imports: what comes into the bucket and the index, whatever rivals do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from support.desk import Desk, sent
from valetkey.catalog.services.datasets.datasets import NewDataset
from valetkey.catalog.services.items.uploading import Mode, NewItem, UploadOperation
from valetkey.domain.credentials import TemporaryCredentials
from valetkey.domain.errors import AwsRefused, AwsUnavailable, Conflict, InvalidInput, NotFound


async def test_an_upload_writes_the_object_and_its_item_and_leaves_no_intent(desk: Desk) -> None:
    item, operation = await desk.upload("/a/b.jpg", b"12345", metadata={"user": {"k": 1}})
    assert operation is UploadOperation.CREATED
    assert (item.filename, item.size, item.mimetype) == ("/a/b.jpg", 5, "image/jpeg")
    assert item.metadata == {"user": {"k": 1}}
    assert desk.bucket[f"{desk.prefix}a/b.jpg"] == b"12345"
    assert await desk.names() == ["/a/b.jpg"]
    assert await desk.intents() == []


async def test_chunks_go_on_as_they_come(desk: Desk) -> None:
    new = NewItem("/big.bin")
    await desk.items.uploading.upload(
        desk.developer, desk.dataset_id, new, sent(b"a" * 10, b"b" * 20), mode=Mode.SKIP
    )
    assert desk.memory.objects.written == [10, 20]


async def test_overwriting_keeps_the_items_id_and_metadata(desk: Desk) -> None:
    first, _ = await desk.upload("/a.txt", b"one", metadata={"user": {"k": 1}})
    second, operation = await desk.upload("/a.txt", b"other")
    assert operation is UploadOperation.OVERWRITTEN
    assert (second.id, second.size, second.metadata) == (first.id, 5, first.metadata)


async def test_skipping_returns_what_is_there_if_the_size_is_the_same(desk: Desk) -> None:
    first, _ = await desk.upload("/a.txt", b"one")
    again, operation = await desk.upload("/a.txt", b"two", mode=Mode.SKIP)
    assert (again.id, operation) == (first.id, UploadOperation.SKIPPED)
    assert desk.bucket[f"{desk.prefix}a.txt"] == b"one"


async def test_skipping_onto_another_size_is_an_error_that_changes_nothing(desk: Desk) -> None:
    await desk.upload("/a.txt", b"the customer's")
    with pytest.raises(Conflict) as refused:
        await desk.upload("/a.txt", b"short", mode=Mode.SKIP)
    assert "mode=overwrite" in refused.value.hint
    assert desk.bucket[f"{desk.prefix}a.txt"] == b"the customer's"
    assert await desk.names() == ["/a.txt"]


@pytest.mark.parametrize("body", [b"theirs", b"other size"])
async def test_skipping_sees_objects_that_no_sync_has_seen_yet(desk: Desk, body: bytes) -> None:
    desk.memory.objects.place("acme", f"{desk.prefix}a.txt", b"theirs")
    if len(body) == 6:
        item, operation = await desk.upload("/a.txt", body, mode=Mode.SKIP)
        assert (item.size, operation) == (6, UploadOperation.SKIPPED)
    else:
        with pytest.raises(Conflict):
            await desk.upload("/a.txt", body, mode=Mode.SKIP)
    assert desk.bucket[f"{desk.prefix}a.txt"] == b"theirs"


async def test_a_body_that_breaks_off_leaves_neither_object_nor_item_nor_intent(
    desk: Desk,
) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise InvalidInput("It ended too early.", hint="Send all of it.")

    with pytest.raises(InvalidInput):
        await desk.items.uploading.upload(
            desk.developer, desk.dataset_id, NewItem("/a.txt"), broken(), mode=Mode.OVERWRITE
        )
    assert desk.bucket == {}
    assert await desk.names() == []
    assert await desk.intents() == []


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (AwsRefused("It may not.", hint="Allow it."), []),
        (AwsUnavailable("Silence.", hint="Again."), ["a.txt"]),
        (RuntimeError("a bug"), ["a.txt"]),
    ],
)
async def test_an_intent_stays_only_if_nobody_knows_what_became_of_the_object(
    desk: Desk, error: Exception, kept: list[str]
) -> None:
    async def fail(operation: str, _: str) -> None:
        if operation == "write":
            raise error

    desk.memory.objects.before = fail
    with pytest.raises(type(error)):
        await desk.upload("/a.txt")
    assert await desk.intents() == kept


async def test_the_intent_is_stored_before_the_object_is_written(desk: Desk) -> None:
    seen: list[list[str]] = []

    async def look(operation: str, _: str) -> None:
        if operation == "write":
            seen.append(await desk.intents())

    desk.memory.objects.before = look
    await desk.upload("/a.txt")
    assert seen == [["a.txt"]]


async def test_a_rival_who_writes_in_between_does_not_leave_a_row_that_lies(desk: Desk) -> None:
    acted: list[str] = []

    async def rival(operation: str, key: str) -> None:
        if operation == "write" and not acted:
            acted.append(key)
            desk.memory.objects.place("acme", key, b"the rival's, longer")

    desk.memory.objects.after = rival
    item, _ = await desk.upload("/a.txt", b"mine")
    assert item.size == len(b"the rival's, longer")
    shown = await desk.items.reading.get(desk.developer, item.id)
    assert shown.size == item.size


async def test_an_object_deleted_in_between_leaves_no_item(desk: Desk) -> None:
    async def rival(operation: str, key: str) -> None:
        if operation == "write":
            desk.bucket.pop(key)

    desk.memory.objects.after = rival
    await desk.upload("/a.txt", b"mine")
    assert await desk.names() == []


async def test_two_datasets_on_one_location_have_items_of_their_own(desk: Desk) -> None:
    services = desk.memory.services
    other = await services.catalog.datasets.create(
        desk.developer, desk.memory.project.id, NewDataset("other", desk.location_id)
    )
    mine, _ = await desk.upload("/a.txt", b"mine")
    theirs, operation = await desk.items.uploading.upload(
        desk.developer, other.dataset.id, NewItem("/a.txt"), sent(b"theirs!"), mode=Mode.OVERWRITE
    )
    assert mine.id != theirs.id
    assert operation is UploadOperation.OVERWRITTEN
    assert theirs.size == 7


async def test_only_vended_sessions_touch_the_bucket(desk: Desk) -> None:
    item, _ = await desk.upload("/a.txt")
    await desk.items.streaming.open(desk.developer, item.id)
    await desk.items.removal.delete(desk.developer, item.id)
    used = desk.memory.objects.used
    assert used
    assert all(isinstance(credentials, TemporaryCredentials) for credentials in used)
    policies: list[Any] = [order.policy for order in desk.memory.sts.orders]
    assert all(desk.prefix in str(policy) for policy in policies[-3:])


@pytest.mark.parametrize(
    "path", ["", "/", "a//b", "../a", "a/./b", "a\x00b", "a\nb", "x" * 1100, ".valetkey-probe-1"]
)
async def test_paths_that_can_not_be_are_refused(desk: Desk, path: str) -> None:
    with pytest.raises(InvalidInput):
        await desk.upload(path)
    assert desk.bucket == {}


async def test_a_key_has_room_for_the_locations_folder_too(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match="longer than 1024"):
        await desk.upload("/" + "x" * 1022)


@pytest.mark.parametrize(
    ("storage_id", "found"),
    [
        ("acme:train/a/b.jpg", "/a/b.jpg"),
        ("train/a/b.jpg", "/a/b.jpg"),
        ("train:a/b.jpg", "/a/b.jpg"),
        ("acme:train/c:d.jpg", "/c%3Ad.jpg"),
        ("train/c:d.jpg", "/c%3Ad.jpg"),
    ],
)
async def test_an_import_finds_the_object_however_it_is_named(
    desk: Desk, storage_id: str, found: str
) -> None:
    for key in ("train/a/b.jpg", "train/c:d.jpg"):
        desk.memory.objects.place("acme", key, b"body")
    imported = desk.items.importing.import_objects
    [item] = await imported(desk.developer, desk.dataset_id, [storage_id])
    [again] = await imported(desk.developer, desk.dataset_id, [storage_id])
    assert (item.filename, item.size) == (found, 4)
    assert again.id == item.id


async def test_an_import_stays_below_the_locations_folder(desk: Desk) -> None:
    desk.memory.objects.place("acme", "elsewhere/a.jpg", b"secret")
    with pytest.raises(InvalidInput, match="below the location's folder"):
        await desk.items.importing.import_objects(
            desk.developer, desk.dataset_id, ["elsewhere/a.jpg"]
        )
    with pytest.raises(NotFound):
        await desk.items.importing.import_objects(
            desk.developer, desk.dataset_id, ["train/none.jpg"]
        )


@pytest.mark.parametrize("indexed", [True, False])
async def test_an_import_believes_what_a_sync_saw_after_it_looked(
    desk: Desk, *, indexed: bool
) -> None:
    key, objects, acted = f"{desk.prefix}a.txt", desk.memory.objects, False
    objects.place("acme", key, b"before")
    if indexed:
        await desk.items.importing.import_objects(desk.developer, desk.dataset_id, [key])

    async def outsider(operation: str, _: str) -> None:
        nonlocal acted
        if operation == "head" and not acted:
            acted = True
            desk.memory.clock.advance(1)
            objects.place("acme", key, b"written since")
            catalog = desk.memory.services.catalog
            await catalog.syncs.start(desk.developer, desk.dataset_id)
            await catalog.sync_worker.run_open()

    objects.after = outsider
    [item] = await desk.items.importing.import_objects(desk.developer, desk.dataset_id, [key])
    shown = await desk.items.reading.get(desk.developer, item.id)
    assert acted
    assert (item.size, shown.size) == (len(b"written since"),) * 2
