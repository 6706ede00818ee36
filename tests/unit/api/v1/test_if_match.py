"""Every PATCH, PUT and DELETE: a decision on an older version answers 412 and changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import httpx2
import pytest

from support.every_caller import World, bodies, open_world
from support.memory import OWNER
from valetkey.api.v1.preconditions import require_match
from valetkey.domain.access import OrgRole, ProjectRole
from valetkey.wire import OPERATIONS

#: A password is told by nothing that has an ETag; an upload names the etag of the object itself.
WITHOUT: Final = {"changePassword", "putObject"}
CHANGING: Final = {
    op.id: op
    for op in OPERATIONS
    if op.method in {"PATCH", "PUT", "DELETE"} and op.id not in WITHOUT
}
#: What a second person does to the thing between the look at its ETag and the change. What is not
#: here does not change once it is made: it can only go, which is a 404.
MEANWHILE: Final[dict[str, str]] = {
    "updateOrgMember": "org role",
    "removeOrgMember": "org role",
    "removeProjectMember": "project role",
    "updateOrg": "org name",
    "updateProject": "project name",
    "deleteProject": "project name",
    "updateGroup": "group name",
    "deleteGroup": "group name",
    "updateIntegration": "integration",
    "deleteIntegration": "integration",
    "updateLocation": "location name",
    "deleteLocation": "location name",
    "updateDataset": "dataset name",
    "deleteDataset": "dataset name",
    "updateObject": "object",
    "deleteObject": "object",
    "putProjectMember": "project role",
    "putBlock": "block",
    "putRotationSchedule": "schedule",
    "deleteBlock": "block",
    "deleteRotationSchedule": "schedule",
}
NEVER_CHANGES: Final = {
    "endSession": "a session",
    "revokeToken": "a token",
    "deleteServiceAccount": "a service account",
    "putGroupMember": "who somebody is",
    "removeGroupMember": "who somebody is",
    "deleteGrant": "a grant",
}


class Desk:
    def __init__(self, world: World) -> None:
        self.world, self.saved = world, world.memory.storage.snapshot()

    def as_it_was(self) -> None:
        self.world.memory.storage.restore(self.saved)

    def known(self, operation_id: str) -> dict[str, str]:
        known = dict(self.world.known)
        if "project" in operation_id.lower() and "Member" in operation_id:
            known["userId"] = known["projectUserId"]
        return known

    async def ask(self, operation_id: str, **headers: str) -> httpx2.Response:
        operation, known = CHANGING[operation_id], self.known(operation_id)
        return await self.world.http.request(
            operation.method,
            operation.path.format(**known),
            headers=self.world.headers("orgOwner") | headers,
            json=bodies(known).get(operation_id, BODIES.get(operation_id)),
        )

    async def etag(self, operation_id: str) -> str:
        path = CHANGING[operation_id].path.format(**self.known(operation_id))
        shown = await self.world.http.get(path, headers=self.world.headers("orgOwner"))
        assert shown.status_code == 200, shown.text
        return str(shown.headers["etag"])

    def stored(self) -> dict[str, str]:
        """What there is, but for records."""
        work = self.world.memory.storage._committed
        without = {"audit", "kept_requests", "invalidations", "sign_in_tries", "known_sources"}
        return {name: repr(vars(it)) for name, it in vars(work).items() if name not in without}


BODIES: Final[dict[str, Any]] = {
    "updateOrgMember": {"role": "owner"},
    "updateOrg": {"name": "renamed"},
    "updateProject": {"name": "renamed"},
    "updateGroup": {"name": "renamed"},
    "updateDataset": {"name": "renamed"},
    "putProjectMember": {"role": "owner"},
    "putBlock": {"reason": "mine"},
}


async def change(desk: Desk, what: str) -> None:
    """What somebody else does meanwhile."""
    memory, known = desk.world.memory, desk.world.known
    services, owner = memory.services, await memory.caller(OWNER)
    async with memory.storage.begin() as work:
        users = {
            each.user_id: each.email for each in await work.organizations.members(memory.org_id)
        }
    target = users[known["userId"]]
    match what:
        case "org role":
            await services.people.put_org_member(owner, memory.org_id, target, OrgRole.OWNER)
        case "project role":
            email, role = users[known["projectUserId"]], ProjectRole.DEVELOPER
            await services.people.put_project_member(owner, memory.project.id, email, role)
        case "schedule" | "block":
            path = {
                "schedule": f"/v1/integrations/{known['integrationId']}/rotation-schedule",
                "block": f"/v1/blocks/{known['kind']}/{known['target']}",
            }[what]
            body = {"everySeconds": 864000} if what == "schedule" else {"reason": "other"}
            await _sent(desk, "PUT", path, body)
        case _:
            noun = what.split(maxsplit=1)[0]
            collections = {
                "group": f"/v1/orgs/{memory.org_id}/groups",
                "object": "/v1/objects",
            }
            collection = collections.get(noun, f"/v1/{noun}s")
            body = {"description": "other"} if noun == "object" else {"name": "other"}
            await _sent(desk, "PATCH", f"{collection}/{known[f'{noun}Id']}", body)


async def _sent(desk: Desk, method: str, path: str, body: Any) -> None:
    answer = await desk.world.http.request(
        method, path, json=body, headers=desk.world.headers("orgOwner")
    )
    assert answer.is_success, answer.text


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    loop = asyncio.new_event_loop()
    found = Desk(loop.run_until_complete(open_world()))
    yield found
    loop.run_until_complete(found.world.http.aclose())
    loop.close()


def test_every_change_takes_if_match_and_has_a_row() -> None:
    assert {op.id for op in CHANGING.values() if not op.versioned} == set()
    assert MEANWHILE.keys() | NEVER_CHANGES.keys() == CHANGING.keys()
    shown = {op.path for op in OPERATIONS if op.method == "GET" and op.has_etag}
    assert {op.path for op in CHANGING.values()} <= shown


@pytest.mark.parametrize("operation_id", sorted(CHANGING))
async def test_a_stale_change_answers_412_and_changes_nothing(
    desk: Desk, operation_id: str
) -> None:
    desk.as_it_was()
    before = desk.stored()
    answer = await desk.ask(operation_id, **{"If-Match": '"stale"'})
    assert (answer.status_code, answer.json()["error"]["code"]) == (412, "version_mismatch")
    assert desk.stored() == before
    assert await desk.etag(operation_id) == await desk.etag(operation_id)


@pytest.mark.parametrize("operation_id", sorted(MEANWHILE))
async def test_who_comes_second_is_told_even_between_the_look_and_the_change(
    desk: Desk, operation_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.as_it_was()
    etag = await desk.etag(operation_id)
    meanwhile: list[str] = []

    def look(header: str, found: str) -> None:
        require_match(header, found)
        if not meanwhile:
            meanwhile.append(MEANWHILE[operation_id])

    begin, storage = desk.world.memory.storage.begin, desk.world.memory.storage
    pending = iter([None])

    def overtaken() -> Any:
        if meanwhile and next(pending, "done") is None:
            return _after(change(desk, MEANWHILE[operation_id]), begin)
        return begin()

    monkeypatch.setattr("valetkey.api.v1.app.require_match", look)
    monkeypatch.setattr(storage, "begin", overtaken)
    answer = await desk.ask(operation_id, **{"If-Match": etag})
    assert meanwhile
    assert (answer.status_code, answer.json()["error"]["code"]) == (412, "version_mismatch")


@pytest.mark.parametrize("what", ["delete", "move"])
async def test_of_a_change_and_a_removal_of_an_object_one_is_told_whenever_they_meet(
    desk: Desk, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, object_id = desk.world.memory, desk.world.known["objectId"]
    storage, address = memory.storage, f"/v1/objects/{desk.world.known['objectId']}"
    owner = desk.world.headers("orgOwner")
    begin, met = storage.begin, 0
    for number in range(20):
        await _deletable(desk)
        etag, count = await desk.etag("deleteObject"), 0
        rival: list[httpx2.Response] = []

        async def describe(told: list[httpx2.Response] = rival) -> None:
            body = {"description": "other"}
            told.append(await desk.world.http.patch(address, json=body, headers=owner))

        def overtaken(at: int = number, run: Any = describe) -> Any:
            nonlocal count
            count += 1
            return _after(run(), begin) if count == at + 1 else begin()

        with monkeypatch.context() as patched:
            patched.setattr(storage, "begin", overtaken)
            headers = owner | {"If-Match": etag}
            send = desk.world.http.request
            method, body = ("DELETE", None) if what == "delete" else ("PATCH", {"path": "b.jpg"})
            mine = await send(method, address, json=body, headers=headers)
        if not rival:
            break
        met += 1
        there: Any = storage._committed.items
        if mine.is_success and what == "delete":
            assert rival[0].status_code == 404, number
        elif mine.is_success:
            assert rival[0].json()["path"] == "b.jpg", number
        else:
            assert (mine.status_code, rival[0].status_code) == (412, 200), (number, mine.text)
            stayed = await there.get(object_id)
            assert (stayed.path, stayed.description) == ("a.jpg", "other")
            assert "b.jpg" not in {key.rpartition("/")[2] for key in memory.objects.buckets["acme"]}
    assert met > 2


async def _deletable(desk: Desk) -> None:
    """An installation as it was, with an object that is there and may be deleted."""
    desk.as_it_was()
    memory = desk.world.memory
    async with memory.storage.begin() as work:
        location = await work.locations.get(desk.world.known["locationId"])
        assert location is not None
        await work.locations.save(replace(location, allow_external_delete=True))
    for key in [key for key in memory.objects.buckets["acme"] if key.endswith("b.jpg")]:
        del memory.objects.buckets["acme"][key]
    memory.objects.place("acme", f"{location.prefix}a.jpg", b"x")


@pytest.mark.parametrize("operation_id", sorted(CHANGING))
async def test_a_change_of_what_was_read_is_made(desk: Desk, operation_id: str) -> None:
    desk.as_it_was()
    answer = await desk.ask(operation_id, **{"If-Match": await desk.etag(operation_id)})
    assert answer.is_success or answer.json()["error"]["code"] == "in_use", answer.text


class _after:  # noqa: N801  # reads as a word
    """A transaction that begins after something else has happened."""

    def __init__(self, first: Any, begin: Any) -> None:
        self._first, self._begin = first, begin

    async def __aenter__(self) -> Any:
        await self._first
        self._inner = self._begin()
        return await self._inner.__aenter__()

    async def __aexit__(self, *what: object) -> Any:
        return await self._inner.__aexit__(*what)
