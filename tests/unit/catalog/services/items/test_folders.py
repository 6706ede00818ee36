"""Folders that merely hold items are listed as made ones are, and trees are complete."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.desk import Desk
from valetkey.catalog.dataloop.wire.items import tree_chunks
from valetkey.catalog.domain.dataset import folder_id
from valetkey.catalog.services.items import folders, reading
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


async def tree(desk: Desk) -> dict[str, Any]:
    """The tree as it is sent: each folder's filename leads to those in it."""
    pages = desk.items.reading.folders(desk.developer, desk.dataset_id)
    text = b"".join([chunk async for chunk in tree_chunks(desk.dataset_id, pages)])
    return nested(json.loads(text))


def nested(node: Any) -> dict[str, Any]:
    inner: dict[str, Any] = {}
    for child in node["children"]:
        assert child["value"]["filename"] not in inner
        inner |= nested(child)
    return {node["value"]["filename"]: inner}


@pytest.mark.parametrize("size", [1, 2, 3, 100])
async def test_a_tree_is_complete_however_many_folders_are_read_at_a_time(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    for path in ("a/b/c/1", "a/2", "a-b/3", "a/b.c/4", "d/e/5", "f/6", "7"):
        await desk.upload(f"/{path}.txt")
    for module in (folders, reading):
        monkeypatch.setattr(module, "PAGE", size)
    assert await tree(desk) == {
        "/": {
            "/a-b": {},
            "/a": {"/a/b.c": {}, "/a/b": {"/a/b/c": {}}},
            "/d": {"/d/e": {}},
            "/f": {},
        }
    }
    by_name = {"filename": "ascending"}
    await desk.items.changing.make_folder(desk.developer, desk.dataset_id, "/a/b")
    await desk.items.changing.make_folder(desk.developer, desk.dataset_id, "/zz")
    listed_names = await names(desk, {}, sort=by_name)
    assert listed_names == sorted(
        ["/a", "/a-b", "/a/b", "/a/b.c", "/a/b/c", "/d", "/d/e", "/f", "/zz"]
    )
    backwards = {"filename": "descending"}
    found = [await names(desk, {}, sort=backwards, page=page, size=2) for page in range(5)]
    assert [name for some in found for name in some] == listed_names[::-1]


async def test_a_tree_of_nothing_is_its_root(desk: Desk) -> None:
    assert await tree(desk) == {"/": {}}


@settings(max_examples=100, deadline=None)
@given(
    st.sets(st.lists(st.sampled_from(["a", "a-", "b", "", "~"]), min_size=1, max_size=4).map(tuple))
)
def test_any_folders_in_order_are_a_tree_in_which_each_stands_once(
    paths: set[tuple[str, ...]],
) -> None:
    found = sorted("/".join(path) + "/" for path in paths)

    async def pages() -> AsyncIterator[list[str]]:
        for at in range(0, len(found), 2):
            yield found[at : at + 2]

    async def text() -> bytes:
        return b"".join([chunk async for chunk in tree_chunks("d", pages())])

    seen: list[str] = []

    def look(node: Any) -> None:
        seen.append(node["value"]["id"])
        for child in node["children"]:
            look(child)

    look(json.loads(asyncio.run(text())))
    holding = {"/".join(path[:depth]) + "/" for path in paths for depth in range(1, len(path) + 1)}
    assert sorted(seen) == sorted(folder_id("d", path) for path in holding | {""})


async def test_a_list_of_more_folders_than_can_be_sorted_is_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        await desk.upload(f"/{name}/1.txt")
    monkeypatch.setattr(folders, "MAX_FOLDERS", 2)
    with pytest.raises(TooLarge):
        await names(desk, {})
    assert len((await tree(desk))["/"]) == 3


class ManyFolders:
    """A dataset's folders that hold items, as the storage reads them; nobody made any."""

    def __init__(self, count: int) -> None:
        self.items = self
        self._paths = [f"d{number:05d}/" for number in range(count)]

    async def folders(self, _: Any, *, after: str, limit: int) -> list[str]:
        return [path for path in self._paths if path > after][:limit]

    async def walk(self, *_: Any, **__: Any) -> list[Any]:
        return []


async def test_looking_among_folders_lets_others_go_after_each_slice(desk: Desk) -> None:
    turns, slices = 0, 8
    looking = True

    async def rival() -> None:
        nonlocal turns
        while looking:
            turns += 1
            await asyncio.sleep(0)

    async with desk.memory.storage.read() as work:
        dataset = await work.datasets.get(desk.dataset_id)
    assert dataset is not None
    other = asyncio.create_task(rival())
    many: Any = ManyFolders(slices * folders.SLICE)
    found, count = await folders.fitting_folders(
        many, dataset, folders.IS_FOLDER, [], offset=0, size=3
    )
    looking = False
    await other
    assert [item.path for item in found] == ["d00000/", "d00001/", "d00002/"]
    assert count == slices * folders.SLICE
    assert turns >= slices
