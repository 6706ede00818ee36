"""Folders that merely hold items are listed as made ones are, and trees are complete or refused."""

from __future__ import annotations

from typing import Any

import pytest

from support.desk import Desk
from valetkey.catalog.services.items import folders
from valetkey.catalog.services.items.reading import ItemsPage, PageRequest
from valetkey.domain.errors import TooLarge


async def listed(desk: Desk, where: Any, **more: Any) -> ItemsPage:
    wanted = PageRequest({"$and": [{"type": "dir"}, where]}, **more)
    return await desk.items.reading.page(desk.developer, desk.dataset_id, wanted)


async def names(desk: Desk, where: Any, **more: Any) -> list[str]:
    return [item.filename for item in (await listed(desk, where, **more)).items]


async def test_folders_that_items_imply_are_listed_with_made_ones(desk: Desk) -> None:
    await desk.upload("/a/b/c/1.txt")
    await desk.upload("/d/2.txt")
    made = await desk.items.changing.make_folder(desk.developer, desk.dataset_id, "/a/made")
    by_name = {"filename": "ascending"}
    everything = ["/a", "/a/b", "/a/b/c", "/a/made", "/d"]
    assert await names(desk, {}, sort=by_name) == everything
    assert await names(desk, {"dir": "/a"}, sort=by_name) == ["/a/b", "/a/made"]
    assert await names(desk, {"name": "*b*"}) == ["/a/b"]
    assert await names(desk, {}, sort=by_name, page=1, size=2) == everything[2:4]
    page = await listed(desk, {"filename": "/a/made"})
    assert [item.id for item in page.items] == [made.id]
    assert (await listed(desk, {}, size=2)).total == len(everything)
    assert (await listed(desk, {}, size=2)).has_next


async def test_a_tree_is_complete_or_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b", "c"):
        await desk.upload(f"/{name}/1.txt")
    monkeypatch.setattr(folders, "MAX_FOLDERS", 3)
    reading = desk.items.reading
    assert list(await reading.folders(desk.developer, desk.dataset_id)) == ["a/", "b/", "c/"]
    await desk.upload("/d/1.txt")
    with pytest.raises(TooLarge):
        await reading.folders(desk.developer, desk.dataset_id)
