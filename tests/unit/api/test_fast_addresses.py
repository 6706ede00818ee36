"""Addresses and headers that are almost right: answered, never with a bug."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from support.apps import app_of
from support.memory import Memory
from valetkey.domain.location import Location

BODY = {"prefixes": ["a"], "access": ["read"]}


@pytest.fixture
async def location(memory: Memory) -> Location:
    return await memory.location()


@pytest.fixture
async def http(memory: Memory) -> AsyncIterator[httpx2.AsyncClient]:
    app = app_of(memory)
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://valetkey") as client:
        yield client


@pytest.mark.parametrize(
    "path",
    [
        "/v1/locations/{id}/credentials/",
        "/v1/locations//{id}/credentials",
        "/v1//locations/{id}/credentials",
        "/v1/locations/{id}//credentials",
        "/v1/locations/{id}/presigned-urls/",
        "/v1/locations//credentials",
        "/v1/credentials/",
        "/v1/container-credentials/",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_slash_too_many_is_not_found(
    memory: Memory, http: httpx2.AsyncClient, location: Location, method: str, path: str
) -> None:
    _, token = await memory.token(await memory.caller())
    headers = {"authorization": f"Bearer {token}"}
    body = {"keys": ["a"]} if "presign" in path else BODY
    url = path.format(id=location.id)
    if method == "POST":
        answer = await http.post(url, headers=headers, json=body)
    else:
        query = {"prefix": "a", "access": "read"}
        answer = await http.get(url, headers=headers, params=query)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "no_such_address"


@pytest.mark.parametrize("path", ["credentials", "presigned-urls", "", "grants"])
async def test_two_authorization_headers_are_refused(
    memory: Memory, http: httpx2.AsyncClient, location: Location, path: str
) -> None:
    _, token = await memory.token(await memory.caller())
    url = f"/v1/locations/{location.id}/{path}".rstrip("/")
    for second in (f"Bearer {token}", "Bearer nonsense", token):
        twice = [("Authorization", f"Bearer {token}"), ("Authorization", second)]
        for method in ("GET", "POST"):
            answer = await http.request(method, url, headers=twice, json=BODY)
            assert answer.status_code in {400, 401}
    assert ("credentials.vend", "allowed") not in memory.actions()
