"""A list of any length is walked to its end, each part found as quickly as the first."""

from __future__ import annotations

import pytest

from support.desk import Desk
from valetkey.catalog.services.items import reading
from valetkey.catalog.services.items.reading import PageRequest
from valetkey.domain.access import ProjectRole
from valetkey.domain.errors import Denied


async def filled(desk: Desk, count: int) -> list[str]:
    paths = sorted(f"d{number % 3}/{number:03}.jpg" for number in range(count))
    for path in paths:
        await desk.upload(f"/{path}")
    return paths


async def test_a_walk_meets_each_item_once_in_the_order_of_paths(desk: Desk) -> None:
    paths = await filled(desk, 10)
    seen: list[str] = []
    more = True
    while more:
        page = await desk.items.reading.walk(
            desk.developer,
            desk.dataset_id,
            {"type": "file"},
            after=seen[-1] if seen else "",
            size=3,
        )
        seen += [item.path for item in page.items]
        more = page.has_next
    assert seen == paths


async def test_an_export_has_every_item_though_some_are_deleted_meanwhile(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_PAGE", 4)
    paths = await filled(desk, 10)
    seen: list[str] = []
    async for item in desk.items.reading.every(desk.developer, desk.dataset_id, {"type": "file"}):
        seen.append(item.path)
        await desk.items.removal.delete(desk.developer, item.id)
    assert seen == paths


async def test_an_export_is_for_those_who_may_read(desk: Desk) -> None:
    await filled(desk, 1)
    annotator = await desk.memory.member("lin@example.com", ProjectRole.ANNOTATOR)
    found = desk.items.reading.every(annotator, desk.dataset_id, {"filename": "/d0/*"})
    assert [item.path async for item in found] == ["d0/000.jpg"]
    outsider = await desk.memory.member("out@example.com", None)
    with pytest.raises(Denied):
        await anext(desk.items.reading.every(outsider, desk.dataset_id, {}))


async def test_a_range_of_ids_is_counted_and_the_rest_of_a_walk_is_not(desk: Desk) -> None:
    await filled(desk, 5)
    reading_ = desk.items.reading

    async def total(*bounds: dict[str, object]) -> int | None:
        where = {"$and": [{"type": "file"}, *({"id": bound} for bound in bounds)]}
        wanted = PageRequest(where, {"id": "ascending"}, size=1)
        return (await reading_.page(desk.developer, desk.dataset_id, wanted)).total

    assert await total({"$gt": "0" * 24}) is None
    assert await total({"$gt": "0" * 24}, {"$lte": "f" * 24}) == 5
    assert await total({"$gte": "0" * 24}, {"$lte": "f" * 24}) == 5
