"""Objects over the own API: their bytes, where they are, and many of them at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from support.every_caller import World, at, open_owners_world

CONTENT = {"content-type": "application/octet-stream"}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    found = await open_owners_world()
    yield found
    await found.http.aclose()


async def put(world: World, path: str, content: bytes, **query: str) -> httpx2.Response:
    return await world.http.put(
        at(world, "content"), params={"path": path} | query, content=content, headers=CONTENT
    )


def code(answer: httpx2.Response) -> tuple[int, str, str | None]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error.get("field")


async def test_what_is_put_is_read_as_a_whole_in_part_and_by_its_headers(world: World) -> None:
    made = await put(world, "b/cat.jpg", b"0123456789")
    assert made.status_code == 200, made.text
    entry = made.json()
    assert (entry["path"], entry["size"], entry["mediaType"]) == ("b/cat.jpg", 10, "image/jpeg")
    address = f"/v1/objects/{entry['id']}/content"
    led = await world.http.get(address)
    assert (led.status_code, led.content) == (302, b"")
    assert "cat.jpg" in led.headers["location"]
    whole = await world.http.get(address, params={"redirect": "false"})
    assert (whole.status_code, whole.content) == (200, b"0123456789")
    assert whole.headers["content-type"] == "application/octet-stream"
    assert whole.headers["content-disposition"] == "attachment"
    some = {"redirect": "false"}
    part = await world.http.get(address, params=some, headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, b"234")
    beyond = await world.http.get(address, params=some, headers={"Range": "bytes=99-"})
    assert code(beyond)[:2] == (416, "range_not_satisfiable")
    told = await world.http.head(address)
    assert (told.status_code, told.headers["content-length"], told.content) == (200, "10", b"")


async def test_a_put_replaces_what_it_says_and_nothing_else(world: World) -> None:
    first = (await put(world, "b/a.txt", b"one")).json()
    again = await put(world, "b/a.txt", b"one")
    assert (again.status_code, again.json()["id"]) == (200, first["id"])
    for other in (b"two!", b"two"):
        assert code(await put(world, "b/a.txt", other))[:2] == (409, "object_exists")
    stale = await put(world, "b/a.txt", b"two!", replaces="another")
    assert code(stale)[:2] == (412, "version_mismatch")
    second = await put(world, "b/a.txt", b"two!", replaces=first["etag"])
    assert (second.status_code, second.json()["size"]) == (200, 4)
    assert (await put(world, "b/a.txt", b"three", replaces="*")).json()["size"] == 5
    absent = await put(world, "b/none.txt", b"x", replaces=first["etag"])
    assert code(absent)[:2] == (412, "version_mismatch")


async def test_a_body_that_breaks_off_leaves_nothing(world: World) -> None:
    sent: list[Any] = []
    messages = iter([{"type": "http.request", "body": b"half", "more_body": True}])

    async def receive() -> Any:
        return next(messages, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        sent.append(message)

    app: Any = world.http._transport.app  # type: ignore[attr-defined]
    token = world.headers("orgOwner")["Authorization"].encode()
    scope = {
        "type": "http",
        "method": "PUT",
        "path": at(world, "content"),
        "raw_path": at(world, "content").encode(),
        "query_string": b"path=b/half.txt",
        "headers": [(b"authorization", token)],
        "http_version": "1.1",
        "scheme": "http",
        "client": ("192.0.2.7", 1),
        "state": {},
    }
    await app(scope, receive, send)
    assert sent[0]["status"] == 400
    listed = await world.http.get(at(world, "objects"), params={"path": "b/half.txt"})
    assert listed.json()["items"] == []
    assert not any("half" in key for key in world.memory.objects.buckets["acme"])


async def test_a_refusal_names_the_parameter_as_the_request_does(world: World) -> None:
    assert code(await put(world, "a/../b", b"x")) == (400, "invalid_input", "path")
    moved = await world.http.patch(f"/v1/objects/{world.known['objectId']}", json={"path": "a//b"})
    assert code(moved) == (400, "invalid_input", "path")


async def test_an_object_is_moved_by_its_path(world: World) -> None:
    made = (await put(world, "b/a.txt", b"one")).json()
    address = f"/v1/objects/{made['id']}"
    etag = (await world.http.get(address)).headers["etag"]
    change = {"path": "c/a.txt", "description": "moved"}
    moved = await world.http.patch(address, json=change, headers={"If-Match": etag})
    assert moved.status_code == 200, moved.text
    assert (moved.json()["path"], moved.json()["description"]) == ("c/a.txt", "moved")
    stale = await world.http.patch(address, json={"path": "d"}, headers={"If-Match": etag})
    assert code(stale)[:2] == (412, "version_mismatch")
    other = (await put(world, "b/b.txt", b"two")).json()
    into = {"objectIds": [made["id"], other["id"]], "folder": "e/f"}
    assert (await world.http.post(at(world, "moves"), json=into)).json() == {"count": 2}
    listed = await world.http.get(at(world, "objects"), params={"glob": "/e/**"})
    assert [each["path"] for each in listed.json()["items"]] == ["e/f/a.txt", "e/f/b.txt"]


async def test_what_is_in_the_bucket_is_indexed_by_its_path(world: World) -> None:
    made = await world.http.post(at(world, "objects"), json={"paths": ["cold.jpg"]})
    assert made.status_code == 201, made.text
    assert [each["path"] for each in made.json()["items"]] == ["cold.jpg"]
    none = await world.http.post(at(world, "objects"), json={"paths": ["none.jpg"]})
    assert code(none)[:2] == (404, "not_found")


async def test_folders_are_walked_by_path(world: World) -> None:
    for path in ("b/x/1.txt", "b/y/2.txt", "c/3.txt"):
        assert (await put(world, path, b"x")).is_success
    made = await world.http.post(at(world, "folders"), json={"path": "b/made"})
    assert (made.status_code, made.json()["path"]) == (201, "b/made/")
    found: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = (await world.http.get(at(world, "folders"), params=query)).json()
        found += [each["path"] for each in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
        if len(found) == 2:  # a new one before the cursor moves nothing
            await world.http.post(at(world, "folders"), json={"path": "a"})
    assert found == ["b/", "b/made/", "b/x/", "b/y/", "c/"]
    within = await world.http.get(at(world, "folders"), params={"within": "b"})
    assert [each["path"] for each in within.json()["items"]] == ["b/made/", "b/x/", "b/y/"]
    dirs = await world.http.get(at(world, "objects"), params={"kind": "dir", "limit": 3})
    rest = await world.http.get(
        at(world, "objects"), params={"kind": "dir", "cursor": dirs.json()["next"]}
    )
    every = [*dirs.json()["items"], *rest.json()["items"]]
    assert [each["path"] for each in every] == ["a/", *found]


async def test_many_are_changed_and_deleted_by_what_fits(world: World) -> None:
    for number in range(3):
        assert (await put(world, f"b/{number}.txt", b"x")).is_success
    change = {"glob": "/b/*", "metadata": {"user": {"tag": 1}}}
    dry = await world.http.post(at(world, "changes"), json=change | {"dryRun": True})
    assert dry.json() == {"count": 3}
    changed = await world.http.post(at(world, "changes"), json=change | {"expectedCount": 3})
    assert changed.json() == {"count": 3}
    other = {"having": {"user.tag": 1}, "expectedCount": 2}
    assert code(await world.http.post(at(world, "deletions"), json=other))[1] == "not_as_expected"
    assert code(await world.http.post(at(world, "deletions"), json={}))[0] == 400
    gone = await world.http.post(at(world, "deletions"), json=other | {"expectedCount": 3})
    assert gone.json() == {"count": 3}
    listed = await world.http.get(at(world, "objects"), params={"glob": "/b/**"})
    assert listed.json()["items"] == []


@pytest.mark.parametrize(
    ("glob", "found"), [("b/*", 2), ("/b/*", 2), ("b/a?.txt", 1), ("*.txt", 2)]
)
async def test_a_glob_begins_as_paths_do_or_as_file_names(
    world: World, glob: str, found: int
) -> None:
    for path in ("b/a?.txt", "b/ab.txt"):
        await put(world, path, b"x")
    listed = (await world.http.get(at(world, "objects"), params={"glob": glob})).json()["items"]
    meant = await world.http.post(at(world, "deletions"), json={"glob": glob, "dryRun": True})
    assert (len(listed), meant.json()["count"]) == (found, found)
