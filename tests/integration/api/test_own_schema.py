"""Whatever a client sends, the own API answers as its description says, body and headers too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import httpx
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from support.fuzzed import Served, serving_doubles
from valetkey.api.v1.openapi import describe

EXAMPLES = 12
load_all_checks()
CHECKS: Any = [
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
DOCUMENT = msgspec.json.decode(msgspec.json.encode(describe("0")))
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = {
    operation.definition.raw["operationId"]: operation
    for operation in (cast("Any", result).ok() for result in SCHEMA.get_all_operations())
}
#: They end the caller's own sign-in, or the caller.
ENDS = {"changePassword", "signOutEverywhere", "removeOrgMember", "updateOrgMember"}


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving_doubles() as found:
        yield found


@pytest.fixture(scope="module")
def headers(served: Served) -> dict[str, str]:
    return served.headers


@pytest.mark.parametrize("operation_id", sorted(OPERATIONS.keys() - ENDS))
def test_every_operation_answers_as_described(
    served: Served, headers: dict[str, str], operation_id: str
) -> None:
    operation = OPERATIONS[operation_id]

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
        response = case.call(base_url=served.url, headers=headers, allow_redirects=False)
        said = f"{response.status_code} {response.text[:500]}"
        assert response.status_code < 500, said
        assert response.headers["x-request-id"], said
        case.validate_response(response, checks=CHECKS)

    shoot()


@pytest.mark.parametrize("operation_id", sorted(OPERATIONS))
def test_an_address_tells_which_methods_it_takes(
    served: Served, headers: dict[str, str], operation_id: str
) -> None:
    path = OPERATIONS[operation_id].path
    allowed = {method.upper() for method in DOCUMENT["paths"][path]} | {"OPTIONS"}
    allowed |= {"HEAD"} if "GET" in allowed else set()
    address = served.url + path.replace("{", "").replace("}", "")
    told = httpx.options(address).headers["allow"]
    assert set(told.split(", ")) == allowed
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - allowed:
        answer = httpx.request(method, address, headers=headers)
        assert (answer.status_code, answer.headers["allow"]) == (405, told)
