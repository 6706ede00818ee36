"""A clone has every item once, writes over nothing, and gives nobody what they may not have."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import Any

import pytest

from support.desk import Desk, make_desk
from support.memory import Memory
from valetkey.catalog.domain.dataset import Item
from valetkey.catalog.domain.sync import State
from valetkey.catalog.services.clones import NewClone, NewItemClone, copying
from valetkey.catalog.services.datasets import NewDataset, SyncView
from valetkey.catalog.services.datasets.single import Single
from valetkey.catalog.services.items.reading import PageRequest
from valetkey.domain.access import ProjectRole
from valetkey.domain.errors import AwsUnavailable, Conflict, Denied, InvalidInput, Locked
from valetkey.domain.location import LocationChange
from valetkey.domain.ports import BucketPlace
from valetkey.domain.scope import AccessLevel
from valetkey.services.audit import Caller
from valetkey.testing import buckets

PATHS = ["a.txt", "b/c.txt", "b/d.txt", "e.txt"]
FILES: dict[str, Any] = {"type": "file"}


class Killed(BaseException):
    """What kill -9 does to whatever is awaited."""


@pytest.fixture
async def desk(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A dataset with a few items, of which two are copied at a time."""
    monkeypatch.setattr(copying, "_ROWS", 2)
    monkeypatch.setattr(copying, "_OBJECTS", 2)
    desk = await make_desk(memory)
    for path in PATHS:
        await desk.upload(f"/{path}", path.encode(), metadata={"user": {"of": path}})
    return desk


async def elsewhere(desk: Desk) -> Desk:
    """Another dataset, over a location of its own."""
    memory = desk.memory
    location = await memory.location("other", folder="other")
    view = await memory.services.catalog.datasets.create(
        desk.developer, memory.project.id, NewDataset("elsewhere", location.id)
    )
    return replace(
        desk, dataset_id=view.dataset.id, location_id=location.id, prefix=location.prefix
    )


async def clone(desk: Desk, by: Caller | None = None, **new: Any) -> SyncView:
    wanted = NewClone(**({"where": FILES} | new))
    clones = desk.memory.services.catalog.clones
    return await clones.start(by or desk.developer, desk.dataset_id, wanted)


async def work(desk: Desk) -> None:
    await desk.memory.services.catalog.sync_worker.run_open()


async def done(desk: Desk, ordered: SyncView) -> SyncView:
    await work(desk)
    return await desk.memory.services.catalog.syncs.get(desk.developer, ordered.command.id)


async def items(desk: Desk) -> dict[str, Item]:
    reading = desk.items.reading
    page = await reading.page(desk.developer, desk.dataset_id, PageRequest(FILES))
    return {item.path: item for item in page.items}


def target(desk: Desk, ordered: SyncView) -> Desk:
    return replace(desk, dataset_id=ordered.command.options["target_id"])


async def test_a_clone_by_name_has_items_of_its_own_for_the_same_objects(desk: Desk) -> None:
    before = dict(desk.bucket)
    ended = await done(desk, ordered := await clone(desk, name="copy"))
    assert (ended.command.state, ended.counts.added) == (State.SUCCESS, len(PATHS))
    source, copied = await items(desk), await items(target(desk, ordered))
    assert list(copied) == list(source)
    assert not {item.id for item in copied.values()} & {item.id for item in source.values()}
    assert all(copied[path].metadata == source[path].metadata for path in PATHS)
    assert desk.bucket == before


async def test_a_clone_has_what_the_filter_fits_and_no_metadata_if_asked(desk: Desk) -> None:
    ordered = await clone(desk, name="copy", where={"filename": "/b/**"}, with_metadata=False)
    await work(desk)
    copied = await items(target(desk, ordered))
    assert sorted(copied) == ["b/c.txt", "b/d.txt"]
    assert [item.metadata for item in copied.values()] == [{}, {}]


async def test_a_clone_to_another_location_copies_the_objects(desk: Desk) -> None:
    other = await elsewhere(desk)
    ended = await done(desk, await clone(desk, target_id=other.dataset_id, folder="/from"))
    assert ended.command.state is State.SUCCESS, ended.command.error
    copied = await items(other)
    assert sorted(copied) == [f"from/{path}" for path in PATHS]
    assert {key: body for key, body in other.bucket.items() if key.startswith(other.prefix)} == {
        f"{other.prefix}from/{path}": path.encode() for path in PATHS
    }
    assert copied["from/a.txt"].metadata == {"user": {"of": "a.txt"}}


async def test_a_clone_into_a_folder_of_its_own_dataset_ends(desk: Desk) -> None:
    ended = await done(desk, await clone(desk, target_id=desk.dataset_id, folder="copies/"))
    assert (ended.command.state, ended.counts.added) == (State.SUCCESS, len(PATHS))
    assert sorted(await desk.names()) == sorted(
        [f"/{path}" for path in PATHS] + [f"/copies/{path}" for path in PATHS]
    )


async def test_a_clone_writes_over_nothing_and_says_what_it_left(desk: Desk) -> None:
    other = await elsewhere(desk)
    await other.upload("/a.txt", b"somebody's own")
    desk.bucket.pop(f"{desk.prefix}e.txt")
    ended = (await done(desk, await clone(desk, target_id=other.dataset_id))).command
    assert ended.state is State.FAILED
    assert ended.error["details"]["failed"] == 2
    codes = {each["filename"]: each["code"] for each in ended.error["details"]["failures"]}
    assert codes == {"/a.txt": "object_exists", "/e.txt": "not_found"}
    assert other.bucket[f"{other.prefix}a.txt"] == b"somebody's own"
    assert sorted(await items(other)) == ["a.txt", "b/c.txt", "b/d.txt"]


def of_parts(body: bytes) -> str:
    """An ETag that is not the MD5 of the object: it tells nothing of another one's content."""
    return f"{hashlib.md5(b'parts' + body, usedforsecurity=False).hexdigest()}-2"


@pytest.mark.parametrize("etag_of", [buckets.etag_of, of_parts])
async def test_another_object_of_the_same_size_is_no_copy(
    desk: Desk, etag_of: Callable[[bytes], str]
) -> None:
    desk.memory.objects.etag_of = etag_of
    other = await elsewhere(desk)
    await other.upload("/a.txt", b"A.TXT")
    await other.upload("/b/c.txt", b"b/c.txt")
    ended = (await done(desk, await clone(desk, target_id=other.dataset_id))).command
    assert ended.state is State.FAILED
    failures = ended.error["details"]["failures"]
    assert [(each["filename"], each["code"]) for each in failures] == [("/a.txt", "object_exists")]
    assert other.bucket[f"{other.prefix}a.txt"] == b"A.TXT"
    assert sorted(await items(other)) == PATHS


FURNISHED = {
    "content-type": "text/x-rich",
    "content-encoding": "gzip",
    "content-language": "de",
    "content-disposition": 'attachment; filename="a.txt"',
    "cache-control": "no-store",
    "x-amz-meta-colour": "green",
}
LABELS = {"team": "a b&c", "é": ""}


@pytest.mark.parametrize("within", [True, False], ids=["within a location", "between two"])
async def test_a_copy_keeps_all_that_its_object_carries(desk: Desk, *, within: bool) -> None:
    objects = desk.memory.objects
    objects.place("acme", f"{desk.prefix}a.txt", b"a.txt", described=FURNISHED, tags=LABELS)
    goes: dict[str, Any] = {"target_id": desk.dataset_id, "folder": "/to"}
    prefix = f"{desk.prefix}to/"
    if not within:
        other = await elsewhere(desk)
        goes, prefix = {"target_id": other.dataset_id}, other.prefix
    ended = (await done(desk, await clone(desk, **goes))).command
    assert (ended.state, ended.notice) == (State.SUCCESS, ""), ended.error
    key = f"{prefix}a.txt"
    assert objects.tagged["acme", key] == LABELS
    copied = await objects.head(objects.used[-1], BucketPlace("acme", "eu-central-1"), key)
    assert copied is not None
    assert copied.described == FURNISHED


async def test_within_a_location_the_store_itself_copies(desk: Desk) -> None:
    asked: list[str] = []

    async def note(operation: str, _: str) -> None:
        asked.append(operation)

    desk.memory.objects.before = note
    await done(desk, await clone(desk, target_id=desk.dataset_id, folder="/to"))
    assert asked.count("copy") == len(PATHS)
    assert not {"read", "write"} & set(asked)


async def test_that_tags_may_not_be_read_is_told(desk: Desk) -> None:
    desk.memory.objects.refuse = {"tags"}
    other = await elsewhere(desk)
    ended = (await done(desk, await clone(desk, target_id=other.dataset_id))).command
    assert ended.state is State.SUCCESS, ended.error
    assert "s3:GetObjectTagging" in ended.notice
    assert sorted(await items(other)) == PATHS


async def test_what_has_tags_is_not_copied_without_them(desk: Desk) -> None:
    objects, other = desk.memory.objects, await elsewhere(desk)
    objects.place("acme", f"{desk.prefix}a.txt", b"a.txt", tags=LABELS)
    objects.refuse = {"put tags"}
    ended = (await done(desk, await clone(desk, target_id=other.dataset_id))).command
    assert (ended.state, ended.notice) == (State.FAILED, "")
    [failure] = ended.error["details"]["failures"]
    assert failure["filename"] == "/a.txt"
    assert "has tags" in failure["message"]
    assert "s3:PutObjectTagging" in failure["hint"]
    assert sorted(await items(other)) == [path for path in PATHS if path != "a.txt"]
    assert f"{other.prefix}a.txt" not in other.bucket


@pytest.mark.parametrize("after", range(4))
@pytest.mark.parametrize("shares", [True, False])
async def test_who_takes_a_killed_clone_up_goes_on_where_it_was(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, after: int, *, shares: bool
) -> None:
    other = await elsewhere(desk)
    goes: dict[str, Any] = {"name": "copy"} if shares else {"target_id": other.dataset_id}
    ordered = await clone(desk, **goes)
    advanced, real = 0, Single.advanced

    def dies(*given: Any, **more: Any) -> Any:
        nonlocal advanced
        advanced += 1
        if advanced > after:
            raise Killed
        return real(*given, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Single, "advanced", dies)
        if after < 3:
            with pytest.raises(Killed):
                await work(desk)
            assert not await desk.memory.services.catalog.syncs.of_dataset(
                desk.developer, desk.dataset_id
            )
    desk.memory.clock.advance(150)
    ended = await done(desk, ordered)
    assert ended.command.state is State.SUCCESS, ended.command.error
    copied = await items(target(desk, ordered))
    assert sorted(copied) == PATHS
    assert all(item.metadata == {"user": {"of": path}} for path, item in copied.items())


async def test_a_clone_waits_for_whoever_writes_where_it_goes(desk: Desk) -> None:
    other = await elsewhere(desk)
    ordered = await clone(desk, target_id=other.dataset_id)
    paths: list[str] = []

    async def rival(operation: str, key: str) -> None:
        if operation == "write" and key.endswith("a.txt"):
            paths.append(key)
            with pytest.raises(Locked):
                await work(desk)

    desk.memory.objects.before = rival
    await other.upload("/a.txt", b"a.txt")
    desk.memory.objects.before = None
    assert paths
    ended = await done(desk, ordered)
    assert ended.command.state is State.SUCCESS, ended.command.error
    assert sorted(await items(other)) == PATHS


async def test_a_clone_takes_the_right_to_read_there_and_to_write_here(desk: Desk) -> None:
    other = await elsewhere(desk)
    annotator = await desk.memory.member("lin@example.com", ProjectRole.ANNOTATOR)
    for new in ({"target_id": other.dataset_id}, {"name": "copy"}):
        with pytest.raises(Denied):
            await clone(desk, annotator, **new)
    outsider = await desk.memory.member("out@example.com", None)
    with pytest.raises(Denied):
        await clone(desk, outsider, name="copy")


async def test_whoever_loses_the_right_while_a_clone_waits_gets_none(desk: Desk) -> None:
    other = await elsewhere(desk)
    rival = await desk.memory.member("eve@example.com", ProjectRole.DEVELOPER)
    ordered = await clone(desk, rival, target_id=other.dataset_id)
    people, owner = desk.memory.services.people, await desk.memory.caller()
    await people.put_project_member(
        owner, desk.memory.project.id, "eve@example.com", ProjectRole.ANNOTATOR
    )
    ended = await done(desk, ordered)
    assert ended.command.error["code"] == "denied"
    assert await items(other) == {}


async def test_a_location_that_may_not_be_read_is_not_cloned_from(desk: Desk) -> None:
    other, owner = await elsewhere(desk), await desk.memory.caller()
    narrow = LocationChange(access=frozenset({AccessLevel.LIST, AccessLevel.WRITE}))
    await desk.memory.services.locations.update(owner, desk.location_id, narrow)
    ended = await done(desk, await clone(desk, target_id=other.dataset_id))
    assert ended.command.state is State.FAILED
    assert await items(other) == {}


async def test_one_item_is_cloned_under_another_name_with_more_metadata(desk: Desk) -> None:
    other, item = await elsewhere(desk), (await items(desk))["a.txt"]
    new = NewItemClone(other.dataset_id, "/z/new.txt", metadata={"user": {"more": 1}})
    clones = desk.memory.services.catalog.clones
    ended = await done(desk, await clones.start_item(desk.developer, item.id, new))
    (made,) = (await items(other)).values()
    assert (made.path, made.metadata) == ("z/new.txt", {"user": {"of": "a.txt", "more": 1}})
    assert ended.command.options["made_id"] == made.id


async def test_what_makes_no_sense_is_refused_at_once(desk: Desk) -> None:
    item = (await items(desk))["a.txt"]
    clones = desk.memory.services.catalog.clones
    with pytest.raises(Conflict):
        await clone(desk, target_id=desk.dataset_id)
    with pytest.raises(Conflict):
        await clones.start_item(desk.developer, item.id, NewItemClone(desk.dataset_id, "/a.txt"))
    for new in ({}, {"name": "x", "where": {"$what": 1}}, {"name": "x", "folder": "../up"}):
        with pytest.raises(InvalidInput):
            await clone(desk, **new)
    await clone(desk, name="taken")
    with pytest.raises(Conflict):
        await clone(desk, name="taken")


async def test_an_object_that_comes_with_another_length_is_no_copy(desk: Desk) -> None:
    other = await elsewhere(desk)
    ordered = await clone(desk, target_id=other.dataset_id, where={"name": "a.txt"})
    key = f"{desk.prefix}a.txt"

    async def shrinks(operation: str, of: str) -> None:
        if (operation, of) == ("read", key):
            desk.bucket[key] = b"a"

    desk.memory.objects.before = shrinks
    with pytest.raises(AwsUnavailable):
        await work(desk)
    desk.memory.objects.before = None
    assert await items(other) == {}
    assert f"{other.prefix}a.txt" not in desk.bucket
    desk.memory.objects.place("acme", key, b"as it is now")
    ended = await done(desk, ordered)
    assert ended.command.state is State.SUCCESS
    assert desk.bucket[f"{other.prefix}a.txt"] == b"as it is now"


async def test_an_object_that_is_written_over_meanwhile_is_copied_as_it_is_then(
    desk: Desk,
) -> None:
    """Of one length, and yet no copy of the one has the other's headers."""
    other = await elsewhere(desk)
    key, objects = f"{desk.prefix}a.txt", desk.memory.objects
    objects.place("acme", key, b"before", content_type="text/plain")
    ordered = await clone(desk, target_id=other.dataset_id, where={"name": "a.txt"})

    async def written_over(operation: str, of: str) -> None:
        if (operation, of) == ("read", key):
            objects.place("acme", key, b"after!", content_type="image/png")

    objects.before = written_over
    with pytest.raises(AwsUnavailable, match="written over while"):
        await work(desk)
    assert f"{other.prefix}a.txt" not in desk.bucket
    objects.before = None
    ended = await done(desk, ordered)
    assert ended.command.state is State.SUCCESS
    assert desk.bucket[f"{other.prefix}a.txt"] == b"after!"


async def test_an_object_that_never_ends_is_no_copy(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With HEAD's length gone by, no more is read."""
    objects, other, sent = desk.memory.objects, await elsewhere(desk), 0
    read = type(objects).read

    async def endless(*given: Any, **more: Any) -> Any:
        async def chunks() -> AsyncGenerator[bytes]:
            nonlocal sent
            while sent < 10_000:
                sent += 1
                yield b"a.txt"

        return replace(await read(objects, *given, **more), size=None, chunks=chunks())

    monkeypatch.setattr(objects, "read", endless)
    await clone(desk, target_id=other.dataset_id)
    with pytest.raises(AwsUnavailable, match="another length"):
        await work(desk)
    assert sent < 100
    assert not other.bucket.keys() & {f"{other.prefix}{path}" for path in PATHS}


async def test_a_name_that_gets_too_long_in_its_new_folder_is_told_and_the_others_go(
    desk: Desk,
) -> None:
    long = "x" * 900
    await desk.upload(f"/{long}")
    other = await elsewhere(desk)
    ended = await done(desk, await clone(desk, target_id=other.dataset_id, folder="y" * 200))
    assert (ended.command.state, ended.counts.added) == (State.FAILED, len(PATHS))
    (failure,) = ended.command.error["details"]["failures"]
    assert (failure["filename"], failure["code"]) == (f"/{long}", "invalid_input")


async def test_two_clones_to_one_place_make_each_item_once(desk: Desk) -> None:
    other = await elsewhere(desk)
    ordered = [await clone(desk, target_id=other.dataset_id) for _ in range(2)]
    ended = [await done(desk, each) for each in ordered]
    assert [each.command.state for each in ended] == [State.SUCCESS] * 2
    assert sorted(await items(other)) == PATHS
