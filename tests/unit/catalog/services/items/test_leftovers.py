"""What is cut in the middle is ended by housekeeping, and who was taken for dead finds it out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest

from support.desk import Desk, sent
from valetkey.catalog.services.datasets import worker as worker_module
from valetkey.catalog.services.datasets.datasets import NewDataset
from valetkey.catalog.services.items.intents import LEASE, PEACE
from valetkey.catalog.services.items.streaming import Bytes, Elsewhere
from valetkey.catalog.services.items.uploading import Mode, NewItem
from valetkey.domain.errors import AwsUnavailable, Conflict, Locked, NotFound


class Killed(BaseException):
    """What kill -9 does to whatever is awaited."""


async def cut() -> AsyncIterator[bytes]:
    """A body that ends with the process."""
    yield b"half"
    raise Killed


async def upload(desk: Desk, path: str, body: AsyncIterator[bytes]) -> None:
    uploading = desk.items.uploading
    await uploading.upload(
        desk.developer, desk.dataset_id, NewItem(path), body, mode=Mode.OVERWRITE
    )


async def test_an_upload_that_was_cut_is_ended_by_housekeeping(desk: Desk) -> None:
    objects, worker = desk.memory.objects, desk.memory.services.catalog.sync_worker
    objects.in_parts = True
    with pytest.raises(Killed):
        await upload(desk, "a.bin", cut())
    assert len(objects.uploads["acme"]) == 1
    assert await desk.intents() == ["a.bin"]
    await worker.clean()
    assert objects.uploads["acme"] == []
    assert await desk.intents() == []


async def test_an_upload_that_can_t_be_ended_is_kept_in_mind_for_a_week(desk: Desk) -> None:
    objects, worker = desk.memory.objects, desk.memory.services.catalog.sync_worker
    objects.in_parts = True
    with pytest.raises(Killed):
        await upload(desk, "a.bin", cut())
    objects.refuse.add("abort")
    await worker.clean()
    assert await desk.intents() == ["a.bin"]
    objects.refuse.clear()
    await worker.clean()
    assert await desk.intents() == []


async def test_a_write_goes_before_what_housekeeping_looks_after(desk: Desk) -> None:
    objects = desk.memory.objects
    with pytest.raises(Killed):
        await upload(desk, "a.bin", cut())

    async def write(operation: str, _: str) -> None:
        if operation == "head":
            objects.before = None
            await upload(desk, "a.bin", sent(b"whole"))

    objects.before = write
    await desk.memory.services.catalog.sync_worker.clean()
    assert objects.before is None
    assert desk.bucket[f"{desk.prefix}a.bin"] == b"whole"
    assert await desk.names() == ["/a.bin"]
    await desk.memory.services.catalog.sync_worker.clean()
    assert await desk.intents() == []


async def test_housekeeping_writes_no_row_of_an_object_that_came_and_went_meanwhile(
    desk: Desk,
) -> None:
    objects = desk.memory.objects
    with pytest.raises(Killed):
        await upload(desk, "a.bin", cut())
    objects.place("acme", f"{desk.prefix}a.bin", b"what the dead writer wrote")

    async def come_and_go(operation: str, _: str) -> None:
        if operation == "head":
            objects.after = None
            item, _operation = await desk.upload("a.bin", b"whole")
            await desk.items.removal.delete(desk.developer, item.id)

    objects.after = come_and_go
    await desk.memory.services.catalog.sync_worker.clean()
    assert objects.after is None
    assert await desk.names() == []
    assert not desk.bucket
    await desk.memory.services.catalog.sync_worker.clean()
    assert await desk.intents() == []


async def test_the_path_of_a_dead_writer_is_free_at_once_where_it_could_say_so(desk: Desk) -> None:
    with pytest.raises(Killed):
        await upload(desk, "a.bin", cut())
    await upload(desk, "a.bin", sent(b"whole"))
    assert desk.bucket[f"{desk.prefix}a.bin"] == b"whole"


async def test_who_comes_second_to_a_path_is_refused_and_changes_nothing(desk: Desk) -> None:
    refused: list[str] = []

    async def slow() -> AsyncIterator[bytes]:
        yield b"first"
        with pytest.raises(Locked) as told:
            await upload(desk, "a.bin", sent(b"second"))
        refused.append(told.value.message)

    await upload(desk, "a.bin", slow())
    assert desk.bucket[f"{desk.prefix}a.bin"] == b"first"
    assert "at this moment" in refused[0]


async def test_a_writer_that_slept_past_its_lease_is_told_that_the_path_is_another_s(
    desk: Desk,
) -> None:
    async def asleep() -> AsyncIterator[bytes]:
        yield b"first"
        desk.memory.clock.advance(600)
        await upload(desk, "a.bin", sent(b"second"))

    with pytest.raises(Conflict, match="Nothing was heard"):
        await upload(desk, "a.bin", asleep())
    assert desk.bucket[f"{desk.prefix}a.bin"] == b"second"
    await desk.memory.services.catalog.sync_worker.clean()
    assert await desk.intents() == []


async def keep_house(desk: Desk) -> None:
    await desk.memory.services.catalog.sync_worker.clean()


async def sync(desk: Desk) -> None:
    catalog = desk.memory.services.catalog
    ordered = await catalog.syncs.start(desk.developer, desk.dataset_id)
    await catalog.sync_worker.run_open()
    done = await catalog.syncs.get(desk.developer, ordered.command.id)
    assert done.command.state == "success", done.command.error


@pytest.mark.parametrize("look", [keep_house, sync])
@pytest.mark.parametrize(
    ("asleep_for", "is_kept"),
    [(LEASE + PEACE / 2, True), (LEASE + 2 * PEACE, False)],
)
async def test_a_writer_whom_nobody_hinders_may_stand_still_for_a_while_longer_than_its_lease(
    desk: Desk, look: Callable[[Desk], Awaitable[None]], asleep_for: timedelta, is_kept: bool
) -> None:
    async def asleep() -> AsyncIterator[bytes]:
        yield b"whole"
        desk.memory.clock.advance(asleep_for.total_seconds())
        await look(desk)

    if is_kept:
        await upload(desk, "a.bin", asleep())
        assert await desk.names() == ["/a.bin"]
    else:
        with pytest.raises(Conflict, match="Nothing was heard"):
            await upload(desk, "a.bin", asleep())


async def test_an_object_that_is_empty_in_the_index_is_asked_of_the_bucket(desk: Desk) -> None:
    item, _ = await desk.upload("log.txt", b"")
    open_item = desk.items.streaming.open
    empty = await open_item(desk.developer, item.id)
    assert isinstance(empty, Bytes)
    assert empty.size == 0
    desk.memory.objects.place("acme", f"{desk.prefix}log.txt", b"grown")
    assert isinstance(await open_item(desk.developer, item.id), Elsewhere)
    del desk.bucket[f"{desk.prefix}log.txt"]
    with pytest.raises(NotFound, match="not in the bucket any more"):
        await open_item(desk.developer, item.id)


async def test_a_store_that_is_away_leaves_an_intent_for_the_next_look(desk: Desk) -> None:
    async def away(operation: str, _: str) -> None:
        if operation == "write":
            raise AwsUnavailable("Away.", hint="Wait.")

    desk.memory.objects.before = away
    with pytest.raises(AwsUnavailable):
        await upload(desk, "a.bin", sent(b"x"))
    assert await desk.intents() == ["a.bin"]
    desk.memory.objects.before = None
    await desk.memory.services.catalog.sync_worker.clean()
    assert await desk.intents() == []


async def test_a_copy_in_parts_that_was_cut_is_ended_by_housekeeping(desk: Desk) -> None:
    item, _ = await desk.upload("/big.bin", b"big")
    objects, worker = desk.memory.objects, desk.memory.services.catalog.sync_worker
    objects.in_parts = True

    async def killed(operation: str, _: str) -> None:
        if operation == "copy in parts":
            raise Killed

    objects.after = killed
    with pytest.raises(Killed):
        await desk.items.moving.rename(desk.developer, item.id, "/moved.bin")
    assert [upload.key for upload in objects.uploads["acme"]] == [f"{desk.prefix}moved.bin"]
    objects.after = None
    await worker.clean()
    assert objects.uploads["acme"] == []
    assert await desk.intents() == []
    assert await desk.names() == ["/big.bin"]


async def test_what_is_ordered_does_not_wait_for_housekeeping(desk: Desk) -> None:
    objects, catalog = desk.memory.objects, desk.memory.services.catalog
    other = await catalog.datasets.create(
        desk.developer, desk.memory.project.id, NewDataset("other", desk.location_id)
    )
    objects.in_parts = True
    with pytest.raises(Killed):
        await upload(desk, "a.bin", cut())
    waiting, answer = asyncio.Event(), asyncio.Event()

    async def silent(operation: str, _: str) -> None:
        if operation == "abort":
            waiting.set()
            await answer.wait()

    objects.before = silent
    async with asyncio.timeout(20), catalog.sync_worker.running():
        await waiting.wait()
        ordered = await catalog.syncs.start(desk.developer, other.dataset.id)
        while not ordered.command.state.over:
            await asyncio.sleep(0.01)
            ordered = await catalog.syncs.get(desk.developer, ordered.command.id)
        assert ordered.command.state == "success"
        assert len(objects.uploads["acme"]) == 1
        answer.set()
        await until(desk.intents, [])
    assert objects.uploads["acme"] == []


async def test_housekeeping_that_failed_is_told_and_tried_again_soon(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_RETRY_SECONDS", "_POLL_SECONDS"):
        monkeypatch.setattr(worker_module, name, 0.01)
    worker, storage = desk.memory.services.catalog.sync_worker, desk.memory.storage
    with pytest.raises(Killed):
        await upload(desk, "a.bin", cut())

    async def trouble() -> str:
        return worker.trouble

    storage.unavailable = True
    async with asyncio.timeout(20), worker.running():
        await until(trouble, "The database is gone.")
        storage.unavailable = False
        await until(desk.intents, [])
        await until(trouble, "")


async def until(look: Callable[[], Awaitable[object]], wanted: object) -> None:
    """Look until it is as wanted."""
    for _ in range(1000):
        if await look() == wanted:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(wanted)
