"""Credentials and URLs through the own API: by a location's id, and by its name in one request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx2
import msgspec
import pytest

from support.memory import Memory
from support.own_api import open_own_api
from valetkey.domain import errors
from valetkey.domain.access import OrgRole, ProjectRole
from valetkey.domain.grants import SubjectKind
from valetkey.domain.location import Location, LocationChange, NewLocation
from valetkey.domain.scope import parse_levels
from valetkey.services.grants import NewGrant
from valetkey.wire.credentials import ContainerCredentials, Credentials, PresignedUrl, PresignedUrls
from valetkey.wire.errors import ERROR_CATALOG

BODY: dict[str, Any] = {"prefixes": ["a"], "access": ["list", "read"]}
QUERY = {"prefix": "a", "access": "read"}
BOB = "bob@example.com"


@pytest.fixture
async def location(memory: Memory) -> Location:
    return await memory.location()


@pytest.fixture
async def http(memory: Memory) -> AsyncIterator[httpx2.AsyncClient]:
    await memory.member(BOB, ProjectRole.DEVELOPER)
    async with open_own_api(memory, BOB) as client:
        yield client


def code(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_one_request_leads_from_a_name_to_its_credential(
    http: httpx2.AsyncClient, location: Location
) -> None:
    by_name = await http.post("/credentials", json=BODY | {"location": location.name})
    by_id = await http.post(f"/locations/{location.id}/credentials", json=BODY)
    found = msgspec.json.decode(by_name.content, type=Credentials)
    assert found == msgspec.json.decode(by_id.content, type=Credentials)
    assert (found.location_id, found.prefixes) == (location.id, ["train/a/"])
    for answer in (by_name, by_id):
        assert answer.headers["valetkey-version"] == "0"
        assert answer.headers["x-request-id"]
        assert answer.headers["cache-control"] == "no-store"


async def test_the_container_contract_takes_names_too(
    http: httpx2.AsyncClient, location: Location
) -> None:
    for address, query in (
        ("/container-credentials", QUERY | {"location": location.name}),
        ("/container-credentials", QUERY | {"location": location.id}),
        (f"/locations/{location.id}/credentials", QUERY),
    ):
        answer = await http.get(address, params=query)
        assert msgspec.json.decode(answer.content, type=ContainerCredentials).token
        head = await http.head(address, params=query)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(answer.content))


@pytest.mark.parametrize("by_name", [True, False])
async def test_urls_are_signed_by_id_and_by_name(
    http: httpx2.AsyncClient, location: Location, by_name: bool
) -> None:
    address = "/presigned-urls" if by_name else f"/locations/{location.id}/presigned-urls"
    named = {"location": location.name} if by_name else {}
    keys = ["train/b.jpg", 'train/"ä".jpg']
    plain = await http.post(address, json=named | {"keys": keys})
    accept = {"accept": "application/x-ndjson"}
    answer = await http.post(address, json=named | {"keys": keys}, headers=accept)
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [msgspec.json.decode(line, type=PresignedUrl) for line in answer.text.splitlines()]
    assert [line.key for line in lines] == keys
    assert msgspec.json.decode(plain.content, type=PresignedUrls).items == lines
    assert all(line.url.startswith("https://") for line in lines)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"prefixes": ["a"], "access": ["read"], "ttlSecond": 900}, "ttlSecond"),
        ({"prefixes": "a", "access": ["read"]}, "prefixes"),
        ({"prefixes": [], "access": ["read"]}, None),
        ({"prefixes": ["a"], "access": ["raed"]}, "access[0]"),
        ({"prefixes": ["a"], "access": ["read"], "ttlSeconds": 899}, "ttlSeconds"),
        ({**BODY, "ttlSeconds": 900, "minTtlSeconds": 901}, "minTtlSeconds"),
        ({**BODY, "minTtlSeconds": -1}, "minTtlSeconds"),
    ],
)
async def test_what_can_not_be_right_is_refused(
    http: httpx2.AsyncClient, location: Location, body: dict[str, Any], field: str | None
) -> None:
    answer = await http.post("/credentials", json=body | {"location": location.name})
    assert code(answer) == (400, "invalid_input")
    assert field is None or answer.json()["error"]["field"] == field or field in answer.text


async def test_without_a_time_to_live_every_door_gives_the_longest_that_a_grant_allows(
    memory: Memory, location: Location
) -> None:
    await memory.member("eve@example.com", None)
    short = timedelta(minutes=15)
    new = NewGrant(SubjectKind.USER, "eve@example.com", ("",), parse_levels(["read"]), short)
    await memory.services.grants.create(await memory.caller(), location.id, new)
    by_id, named = f"/locations/{location.id}", {"location": location.name}
    body: dict[str, Any] = {"prefixes": ["a"], "access": ["read"]}
    end = memory.clock.now() + short
    async with open_own_api(memory, "eve@example.com") as eve:
        # The second of each comes from the shortcut.
        for address, more in [(f"{by_id}/credentials", {}), ("/credentials", named)] * 2:
            answer = await eve.post(address, json=body | more)
            assert msgspec.json.decode(answer.content, type=Credentials).expires_at == end
            nothing = await eve.post(address, json=body | more | {"ttlSeconds": None})
            assert nothing.status_code == 200
            hour = await eve.post(address, json=body | more | {"ttlSeconds": 3600})
            assert code(hour) == (403, "denied")
        for address, more in [(f"{by_id}/credentials", {}), ("/container-credentials", named)] * 2:
            answer = await eve.get(address, params=QUERY | more)
            found = msgspec.json.decode(answer.content, type=ContainerCredentials)
            assert datetime.fromisoformat(found.expiration) == end
            hour = await eve.get(address, params=QUERY | more | {"ttl": "3600"})
            assert hour.status_code == 403
        for address, more in [(f"{by_id}/presigned-urls", {}), ("/presigned-urls", named)]:
            answer = await eve.post(address, json={"keys": ["train/a"]} | more)
            signed = msgspec.json.decode(answer.content, type=PresignedUrls)
            assert signed.items[0].expires_at == end


async def test_unknown_parameters_and_other_bodies_are_refused(
    http: httpx2.AsyncClient, location: Location
) -> None:
    body = BODY | {"location": location.name}
    for address in ("/credentials", f"/locations/{location.id}/credentials"):
        assert code(await http.post(address, params={"dry": "1"}, json=body))[0] == 400
    text = await http.post("/credentials", content=b"{}", headers={"content-type": "text/plain"})
    assert code(text) == (415, "unsupported_media_type")
    large = await http.post("/credentials", json=body | {"purpose": "x" * 70_000})
    assert code(large) == (413, "request_entity_too_large")
    wrong = await http.get("/container-credentials", params=QUERY | {"locaton": "data"})
    assert wrong.status_code == 400
    assert set(wrong.json()) == {"code", "message"}


async def test_a_name_means_what_it_means_now(
    memory: Memory, http: httpx2.AsyncClient, location: Location
) -> None:
    async def asked() -> tuple[int, str]:
        answer = await http.post("/credentials", json=BODY | {"location": "data"})
        told = answer.json()
        return answer.status_code, told.get("locationId") or told["error"]["code"]

    owner, services = await memory.caller(), memory.services
    assert [await asked() for _ in range(2)] == [(200, location.id)] * 2
    await services.locations.update(owner, location.id, LocationChange(name="old"))
    assert await asked() == (404, "not_found")
    new = NewLocation("data", "acme", integration_id=location.integration_id, folder="x")
    second = await services.locations.create(owner, memory.project.id, new)
    assert [await asked() for _ in range(2)] == [(200, second.id)] * 2
    other = await services.people.create_project(owner, memory.org_id, "other")
    await services.people.put_project_member(owner, other.id, BOB, ProjectRole.DEVELOPER)
    assert [await asked() for _ in range(2)] == [(200, second.id)] * 2
    third = await services.locations.create(owner, other.id, new)
    assert await asked() == (409, "name_ambiguous")
    await services.locations.delete(owner, second.id)
    assert await asked() == (200, third.id)


async def test_a_name_that_nobody_may_know_is_not_found(memory: Memory, location: Location) -> None:
    await memory.member("eve@example.com", None, org_role=OrgRole.MEMBER)
    async with open_own_api(memory, "eve@example.com") as eve:
        for name in (location.name, "nothing"):
            asked = await eve.post("/credentials", json=BODY | {"location": name})
            assert code(asked) == (404, "not_found")


async def test_credentials_say_what_may_surprise(
    memory: Memory, http: httpx2.AsyncClient, location: Location
) -> None:
    asked = BODY | {"location": location.name}
    first = (await http.post("/credentials", json=asked)).json()
    assert "warnings" not in first
    pattern = (await http.post("/credentials", json=asked | {"prefixes": ["train/*"]})).json()
    assert "'train/*/'" in pattern["warnings"][0]
    name = (await http.post("/credentials", json=asked | {"prefixes": ["a/cat.jpg"]})).json()
    assert "'a/cat.jpg/'" in name["warnings"][0]
    memory.clock.advance(1200)
    shared = (await http.post("/credentials", json=asked)).json()
    assert shared["leaseId"] == first["leaseId"]
    assert f"{shared['expiresAt'][:19]}Z" in shared["warnings"][0]
    full = (await http.post("/credentials", json=asked | {"minTtlSeconds": 3600})).json()
    left = datetime.fromisoformat(full["expiresAt"]) - memory.clock.now()
    assert left == timedelta(hours=1)
    assert "warnings" not in full


def test_every_error_has_a_code_of_the_catalog() -> None:
    found: list[Any] = [each for each in vars(errors).values() if isinstance(each, type)]
    kinds = [each for each in found if issubclass(each, errors.ValetkeyError)]
    codes = {each.code for each in kinds} - {"error", "configuration", "conflict"}
    assert codes <= ERROR_CATALOG.keys()


async def test_a_session_that_is_being_revoked_is_asked_for_again_later(
    http: httpx2.AsyncClient, location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def held(*_: object, **__: object) -> None:
        raise errors.BeingRevoked("Sessions like this one are being revoked.", hint="Ask again.")

    monkeypatch.setattr("valetkey.services.vending.vending.Vending.prepare", held)
    answer = await http.post(f"/locations/{location.id}/credentials", json=BODY)
    assert code(answer) == (503, "being_revoked")
    assert int(answer.headers["retry-after"]) > 0
