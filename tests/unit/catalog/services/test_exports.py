"""An export has every item once, whoever writes it and whoever dies at it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.desk import Desk, make_desk
from support.memory import Memory
from valetkey.catalog.domain.export import KEPT, ExportOptions, FileKind
from valetkey.catalog.domain.export import pack as pack_part
from valetkey.catalog.domain.sync import State
from valetkey.catalog.services.datasets import SyncView
from valetkey.catalog.services.exports import ExportGone, exports, writing
from valetkey.domain.access import ProjectRole
from valetkey.domain.errors import (
    Conflict,
    Denied,
    InvalidInput,
    NotFound,
    TooLarge,
    TooManyRequests,
)
from valetkey.services.audit import Caller


class Killed(BaseException):
    """What kill -9 does to whatever is awaited."""


@pytest.fixture
async def desk(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A dataset with ten items, of which three make a page and a part."""
    monkeypatch.setattr(writing, "_PAGE", 3)
    monkeypatch.setattr(writing, "PART_ITEMS", 3)
    desk = await make_desk(memory)
    for number in range(10):
        await desk.upload(f"/d{number % 3}/{number}.jpg")
    return desk


async def order(desk: Desk, by: Caller | None = None, **options: Any) -> SyncView:
    wanted = ExportOptions(**({"where": {"type": "file"}, "form": "dataloop"} | options))
    catalog = desk.memory.services.catalog
    return await catalog.exports.start(by or desk.developer, desk.dataset_id, wanted)


async def work(desk: Desk) -> None:
    await desk.memory.services.catalog.sync_worker.run_open()


async def look(desk: Desk, ordered: SyncView) -> SyncView:
    return await desk.memory.services.catalog.syncs.get(desk.developer, ordered.command.id)


async def names(desk: Desk, ordered: SyncView, by: Caller | None = None) -> list[str]:
    found = desk.memory.services.catalog.exports
    file = await found.file(by or desk.developer, ordered.command.id)
    text = b"".join([piece async for piece in found.read(file)])
    assert len(text) == file.size
    return [item["filename"] for item in json.loads(text)]


def all_names() -> list[str]:
    return sorted(f"/d{number % 3}/{number}.jpg" for number in range(10))


async def test_an_export_has_every_item_that_the_filter_fits(desk: Desk) -> None:
    whole, some = await order(desk), await order(desk, where={"dir": "/d1"})
    await work(desk)
    assert sorted(await names(desk, whole)) == all_names()
    assert sorted(await names(desk, some)) == ["/d1/1.jpg", "/d1/4.jpg", "/d1/7.jpg"]
    done = await look(desk, whole)
    assert (done.command.state, done.percent, done.counts.seen) == (State.SUCCESS, 100, 10)


async def test_an_export_of_nothing_is_an_empty_list(desk: Desk) -> None:
    ordered = await order(desk, where={"name": "nothing"})
    await work(desk)
    assert await names(desk, ordered) == []


async def test_an_export_is_read_on_from_where_it_broke_off(desk: Desk) -> None:
    ordered = await order(desk, kind=FileKind.ZIP)
    await work(desk)
    found = desk.memory.services.catalog.exports
    file = await found.file(desk.developer, ordered.command.id)
    whole = b"".join([piece async for piece in found.read(file)])
    for skip in (1, 40, len(whole) - 1):
        assert b"".join([piece async for piece in found.read(file, skip=skip)]) == whole[skip:]


@pytest.mark.parametrize("after", [0, 1, 2, 3])
async def test_who_takes_a_killed_export_up_goes_on_where_it_was(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    ordered, packs = await order(desk), 0
    real = pack_part

    def pack(*given: Any) -> Any:
        nonlocal packs
        packs += 1
        if packs > after:
            raise Killed
        return real(*given)

    monkeypatch.setattr(writing, "pack", pack)
    with pytest.raises(Killed):
        await work(desk)
    assert not (await look(desk, ordered)).command.state.over
    monkeypatch.setattr(writing, "pack", real)
    desk.memory.clock.advance(16)
    await work(desk)
    assert sorted(await names(desk, ordered)) == all_names()


async def test_an_export_that_died_before_its_end_was_stored_ends(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordered = await order(desk)

    async def killed(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("valetkey.catalog.services.datasets.outcomes.CommandOutcomes.succeed", killed)
        with pytest.raises(Killed):
            await work(desk)
    desk.memory.clock.advance(16)
    await work(desk)
    assert (await look(desk, ordered)).command.state is State.SUCCESS
    assert sorted(await names(desk, ordered)) == all_names()


async def test_whoever_loses_the_right_while_an_export_waits_gets_none(desk: Desk) -> None:
    annotator = await desk.memory.member("lin@example.com", ProjectRole.ANNOTATOR)
    ordered = await order(desk, annotator)
    people, owner = desk.memory.services.people, await desk.memory.caller()
    await people.remove_project_member(owner, desk.memory.project.id, "lin@example.com")
    await work(desk)
    ended = (await look(desk, ordered)).command
    assert ended.state is State.FAILED
    assert ended.error["code"] == "denied"


async def test_a_file_is_for_those_who_may_list(desk: Desk) -> None:
    annotator = await desk.memory.member("lin@example.com", ProjectRole.ANNOTATOR)
    outsider = await desk.memory.member("out@example.com", None)
    ordered = await order(desk)
    await work(desk)
    assert sorted(await names(desk, ordered, annotator)) == all_names()
    with pytest.raises(Denied):
        await names(desk, ordered, outsider)
    with pytest.raises(Denied):
        await order(desk, outsider)


async def test_a_file_goes_after_a_day_and_with_its_command(desk: Desk) -> None:
    ordered = await order(desk)
    with pytest.raises(ExportGone):
        await names(desk, ordered)
    await work(desk)
    desk.memory.clock.advance(KEPT.total_seconds() + 1)
    with pytest.raises(ExportGone):
        await names(desk, ordered)
    await desk.memory.services.catalog.sync_worker.clean()
    with pytest.raises(NotFound):
        await look(desk, ordered)


async def test_whoever_ordered_an_export_may_cancel_it_and_nothing_is_kept(desk: Desk) -> None:
    annotator = await desk.memory.member("lin@example.com", ProjectRole.ANNOTATOR)
    syncs = desk.memory.services.catalog.syncs
    own, another = await order(desk, annotator), await order(desk)
    await syncs.cancel(annotator, own.command.id)
    with pytest.raises(Denied):
        await syncs.cancel(annotator, another.command.id)
    await work(desk)
    assert (await look(desk, own)).command.state is State.CANCELED
    with pytest.raises(ExportGone):
        await names(desk, own)
    with pytest.raises(Conflict):
        await syncs.cancel(annotator, own.command.id)


async def test_an_export_shows_what_changed_since_a_moment(desk: Desk) -> None:
    desk.memory.clock.advance(3600)
    since_ms = round(desk.memory.clock.now().timestamp() * 1000)
    await desk.upload("/later.jpg")
    ordered = await order(desk, since_ms=since_ms)
    await work(desk)
    assert await names(desk, ordered) == ["/later.jpg"]


async def test_an_export_hinders_no_sync_and_goes_with_its_dataset(desk: Desk) -> None:
    ordered = await order(desk)
    catalog = desk.memory.services.catalog
    await catalog.syncs.start(desk.developer, desk.dataset_id)
    await catalog.datasets.delete(desk.developer, desk.dataset_id)
    await work(desk)
    with pytest.raises(NotFound):
        await look(desk, ordered)


async def test_what_is_no_filter_is_refused_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for where in ({"$what": 1}, {"type": "dir"}):
        with pytest.raises(InvalidInput):
            await order(desk, where=where)
    monkeypatch.setattr(exports, "MOST_OPEN", 1)
    await order(desk)
    with pytest.raises(TooManyRequests):
        await order(desk)


async def test_a_filter_that_workers_would_read_for_long_is_refused(desk: Desk) -> None:
    where = {"name": {"$in": [f"{number:040}" for number in range(4000)]}}
    with pytest.raises(TooLarge):
        await order(desk, where=where)
