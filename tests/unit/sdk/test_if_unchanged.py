"""Every change that takes If-Match, from the library: on the condition that the thing is still what
was read, by its version where it shows one, or else by what it was read as."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import typing
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import httpx2
import msgspec
import pytest

from support.every_caller import World, bodies, open_world
from valetkey.sdk import AsyncClient, Client, VersionMismatch
from valetkey.sdk.errors import Conflict
from valetkey.sdk.sending import same
from valetkey.wire import OPERATIONS, library
from valetkey.wire.base import Page

VERSIONED: Final = {each.id: each for each in OPERATIONS if each.versioned}
WITHOUT_VERSION: Final = sorted(
    each.id for each in VERSIONED.values() if not library.shows_version(each)
)
BODIES: Final[dict[str, Any]] = {
    "updateOrgMember": {"role": "owner"},
    "updateDataset": {"name": "renamed"},
    "putProjectMember": {"role": "owner"},
    "putBlock": {"reason": "mine"},
}


def shown_by(operation: Any) -> Any:
    return next(each for each in OPERATIONS if (each.method, each.path) == ("GET", operation.path))


class Desk:
    """One installation, a client of the library, and the requests that it sends."""

    def __init__(self, world: World) -> None:
        self.world, self.saved = world, world.memory.storage.snapshot()
        self.sent: list[httpx2.Request] = []
        self.etags: list[str] = []
        token = world.tokens["orgOwner"]
        hooks: Any = {"request": [self._asked], "response": [self._answered]}
        self.http = httpx2.AsyncClient(transport=world.http._transport, event_hooks=hooks)
        self.client: Any = AsyncClient("http://127.0.0.1", token, http=self.http)

    async def _asked(self, request: httpx2.Request) -> None:
        self.sent.append(request)

    async def _answered(self, response: httpx2.Response) -> None:
        self.etags.append(response.headers.get("etag", ""))

    def as_it_was(self) -> None:
        self.world.memory.storage.restore(self.saved)
        self.sent.clear()
        self.etags.clear()

    def stored(self) -> dict[str, str]:
        work = self.world.memory.storage._committed
        without = {"audit", "kept_requests", "invalidations", "sign_in_tries", "known_sources"}
        return {name: repr(vars(it)) for name, it in vars(work).items() if name not in without}

    def _path(self, operation: Any) -> list[str]:
        known = dict(self.world.known)
        if "project" in operation.id.lower() and "Member" in operation.id:
            known["userId"] = known["projectUserId"]
        return [known[name] for name in operation.parameters]

    def _method(self, operation: Any) -> Any:
        noun = getattr(self.client, library.attribute(operation.tag))
        return getattr(noun, library.method_name(operation))

    async def read(self, operation: Any) -> Any:
        shown = shown_by(operation)
        return await self._method(shown)(*self._path(shown))

    def list(self, operation: Any) -> AsyncIterator[Any]:
        query = {"project_id": self.world.known["projectId"]}
        takes = inspect.signature(self._method(operation)).parameters.keys()
        words = {} if operation.parameters else {name: query[name] for name in query.keys() & takes}
        found: AsyncIterator[Any] = self._method(operation)(*self._path(operation), **words)
        return found

    async def change(self, operation: Any, known: Any) -> Any:
        body = BODIES.get(operation.id) or bodies(self.world.known).get(operation.id, {})
        words = {library.snake(name): value for name, value in body.items()}
        method = self._method(operation)
        return await method(*self._path(operation), **words, if_unchanged=known)


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    loop = asyncio.new_event_loop()
    found = Desk(loop.run_until_complete(open_world()))
    yield found
    loop.run_until_complete(found.http.aclose())
    loop.run_until_complete(found.world.http.aclose())
    loop.close()


@pytest.mark.parametrize("operation", VERSIONED.values(), ids=lambda each: each.id)
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_what_takes_if_match_can_be_told_what_was_read(operation: Any, kind: Any) -> None:
    client = kind("http://127.0.0.1", "vkt_x")
    method = getattr(
        getattr(client, library.attribute(operation.tag)), library.method_name(operation)
    )
    takes = inspect.signature(method).parameters
    assert ("if_version" in takes) == library.shows_version(operation)
    assert ("if_unchanged" in takes) != ("if_version" in takes)
    if "if_unchanged" in takes:
        kind_of = typing.get_type_hints(method)["if_unchanged"]
        assert kind_of == shown_by(operation).result | None


@pytest.mark.parametrize("operation_id", WITHOUT_VERSION)
async def test_a_change_of_what_was_read_carries_its_etag(desk: Desk, operation_id: str) -> None:
    desk.as_it_was()
    operation = VERSIONED[operation_id]
    known = await desk.read(operation)
    etag = desk.etags[-1]
    assert etag
    with contextlib.suppress(Conflict):  # a role may be in use; the condition held
        await desk.change(operation, known)
    assert desk.sent[-1].method == operation.method
    assert desk.sent[-1].headers["if-match"] == etag


@pytest.mark.parametrize("operation_id", WITHOUT_VERSION)
async def test_a_change_of_what_is_another_by_now_is_refused_and_changes_nothing(
    desk: Desk, operation_id: str
) -> None:
    desk.as_it_was()
    operation = VERSIONED[operation_id]
    known = await desk.read(operation)
    name = next(
        each
        for each in type(known).__struct_fields__
        if isinstance(getattr(known, each), str | int) and each not in {"id", *known.observed}
    )
    other = "another" if isinstance(getattr(known, name), str) else getattr(known, name) + 1
    before = desk.stored()
    with pytest.raises(VersionMismatch) as refused:
        await desk.change(operation, msgspec.structs.replace(known, **{name: other}))
    assert refused.value.hint
    assert desk.stored() == before
    assert [each.method for each in desk.sent] == ["GET", "GET"]


@pytest.mark.parametrize("operation_id", WITHOUT_VERSION)
async def test_what_a_list_shows_will_do(desk: Desk, operation_id: str) -> None:
    desk.as_it_was()
    operation = VERSIONED[operation_id]
    read = await desk.read(operation)
    above = operation.path.rpartition("/")[0]
    lists = (each for each in OPERATIONS if (each.method, each.path) == ("GET", above))
    listing = next((each for each in lists if typing.get_origin(each.result) is Page), None)
    if listing is None:
        assert operation.tag in {"objects", "revocations", "rotations"}, "it is listed nowhere"
        return
    entries = [each async for each in desk.list(listing)]
    assert same(next(each for each in entries if each.id == read.id), read)
