"""Whatever a client sends, the API answers as its own description says, and never with a 5xx."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.fuzzed import Served, serving_doubles
from support.memory import open_memory
from valetkey.api import create_app

EXAMPLES = 8


def _operations() -> dict[str, Any]:
    """What the description lists, by method and path."""
    services = asyncio.run(open_memory()).services
    front: Any = create_app(services, services.catalog)
    schema = schemathesis.openapi.from_dict(front.app.openapi_schema.to_schema())
    found = [cast("Any", result).ok() for result in schema.get_all_operations()]
    return {f"{operation.method.upper()} {operation.path}": operation for operation in found}


OPERATIONS = _operations()


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving_doubles() as found:
        yield found


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_route_answers_as_described(served: Served, name: str) -> None:
    operation = OPERATIONS[name]
    documented = {int(status) for status in operation.responses.status_codes if status.isdigit()}

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def shoot(data: st.DataObject) -> None:
        case = data.draw(operation.as_strategy())
        if operation.method != "delete" and data.draw(st.booleans()):
            known = {
                name: served.known[name] for name in case.path_parameters if name in served.known
            }
            case.path_parameters = case.path_parameters | known
        response = case.call(
            base_url=served.url, headers=served.headers, allow_redirects=False, timeout=90
        )
        said = f"{response.status_code} {response.text[:500]}"
        assert response.status_code < 500, said
        assert response.headers["x-request-id"], said
        if response.status_code < 400:
            assert response.status_code in documented, said
        else:
            assert {"message", "code", "hint", "requestId"} <= response.json().keys(), said

    shoot()


BODIES = {
    "not JSON": (b"{", "application/json"),
    "not UTF-8": (b'{"name": "\xff"}', "application/json"),
    "a number": (b"1", "application/json"),
    "null": (b"null", "application/json"),
    "of another type": (b'{"name": 3}', "application/json"),
    "deep": (b"[" * 5_000, "application/json"),
    "deep and closed": (b'{"name":' * 500 + b"1" + b"}" * 500, "application/json"),
    "large": (b'{"name": "' + b"x" * 2_000_000 + b'"}', "application/json"),
    "text": (b"name=x", "text/plain"),
    "of no type": (b'{"name": "x"}', ""),
    "empty": (b"", "application/json"),
    "with a lone surrogate": (b'{"name": "\\ud800"}', "application/json"),
    "with a null letter": (b'{"name": "a\\u0000b"}', "application/json"),
}


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("path", ["/api/v1/projects", "/api/v1/apiKeys", "/token"])
def test_a_bad_body_is_the_callers_fault(served: Served, path: str, kind: str) -> None:
    body, content_type = BODIES[kind]
    headers = served.headers | {"Content-Type": content_type}
    answer = httpx2.post(served.url + path, content=body, headers=headers)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["hint"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/projects/%00",
        "/api/v1/projects/%ff",
        "/api/v1/projects/..%2f..%2fetc",
        "/api/v1/projects/" + "x" * 5000,
        "/api/v1/drivers?projectId=%00",
        "/api/v1/drivers?projectId=%ff%fe",
        "/api/v1/%2e%2e/healthz",
    ],
)
def test_a_bad_address_is_the_callers_fault(served: Served, path: str) -> None:
    answer = httpx2.get(served.url + path, headers=served.headers)
    assert 400 <= answer.status_code < 500, answer.text


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_nothing_but_the_open_routes_answers_without_a_token(served: Served, name: str) -> None:
    method, path = name.split(" ", 1)
    answer = httpx2.request(method, served.url + path, json={})
    if path in {"/healthz", "/readyz"}:
        assert answer.status_code == 200
    elif path == "/token":
        assert answer.status_code == 400
    else:
        assert answer.status_code == 401, answer.text
