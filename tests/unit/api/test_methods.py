"""OPTIONS, HEAD and Allow under every prefix; addresses that are not there."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from support.apps import app_of
from support.memory import OWNER, PASSWORD, Memory

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")


@pytest.fixture
async def http(memory: Memory) -> AsyncIterator[httpx2.AsyncClient]:
    app = app_of(memory)
    login = await memory.services.accounts.login(OWNER, PASSWORD)
    headers = {"Authorization": f"Bearer {login.token.reveal()}"}
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://valetkey", headers=headers
    ) as client:
        yield client


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/v1",
            "/v1/",
            "/v1/x",
            "/v2",
            "/v2/projects",
            "/x",
            "//v1/projects",
            "/v1x",
            "/healthz/x",
        ),
        *("/dataloop", "/dataloop/api/v1/x", "/api/v1/x", "/api/v2/x", "/console/x"),
    ],
)
async def test_an_unknown_address_is_a_404_in_json_whatever_the_method(
    http: httpx2.AsyncClient, path: str
) -> None:
    for method in METHODS:
        answer = await http.request(method, path)
        assert answer.status_code == 404, method
        assert answer.headers["content-type"] == "application/json"
        if method != "HEAD":
            told = answer.json()
            is_dataloops = "/api/v1/" in path
            assert ("error" in told) is not is_dataloops, told
            told = told if is_dataloops else told["error"]
            assert told["code"] == ("not_found" if is_dataloops else "no_such_address")
            assert told["requestId"] == answer.headers["x-request-id"]
            assert told["message"]
            assert told["hint"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_a_wrong_method_is_told_in_the_own_shape_outside_of_the_api_too(
    http: httpx2.AsyncClient, path: str
) -> None:
    answer = await http.post(path)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/dataloop/api/v1/projects", "GET, HEAD, OPTIONS, POST"),
        ("/dataloop/api/v1/drivers/x", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("/dataloop/token", "OPTIONS, POST"),
        ("/token", "OPTIONS, POST"),
        ("/healthz", "GET, HEAD, OPTIONS"),
        ("/v1/openapi.json", "GET, HEAD, OPTIONS"),
    ],
)
async def test_an_address_tells_all_of_its_methods(
    http: httpx2.AsyncClient, path: str, allow: str
) -> None:
    told = await http.request("OPTIONS", path)
    assert (told.status_code, told.headers["allow"]) == (204, allow)
    for method in METHODS:
        answer = await http.request(method, path)
        if answer.status_code == 405:
            assert answer.headers["allow"] == allow
        assert method not in allow or answer.status_code != 405


async def test_head_is_get_without_a_body(http: httpx2.AsyncClient) -> None:
    for path in ("/healthz", "/dataloop/api/v1/projects", "/v1/openapi.json"):
        got, head = await http.get(path), await http.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(got.content))


async def test_the_description_takes_no_parameters(http: httpx2.AsyncClient) -> None:
    assert (await http.get("/v1/openapi.json?version=2")).status_code == 400
