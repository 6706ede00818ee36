"""Whatever a client sends, the own API answers as its description says, body and headers too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, cast

import httpx2
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    use_after_free,
)

from support.fuzzed import Served, serving_doubles
from valetkey.api.v1.openapi import describe
from valetkey.domain.ids import is_id

EXAMPLES = 12
#: Sequences of requests.
STATEFUL = 30
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
        response = case.call(
            base_url=served.url, headers=headers, allow_redirects=False, timeout=90
        )
        said = f"{response.status_code} {response.text[:500]}"
        assert response.status_code < 500, said
        assert response.headers["x-request-id"], said
        case.validate_response(response, checks=CHECKS)

    shoot()


def test_what_is_made_is_shown_changed_and_deleted_as_described() -> None:
    """The stateful phase: what an answer tells is used in the next requests, along its links.

    Each sequence has a server of its own: the same requests then meet the same answers.
    """
    described: Any = SCHEMA.exclude(operation_id=sorted(ENDS))

    class Machine(described.as_state_machine()):  # type: ignore[misc]  # a class that is made
        def setup(self) -> None:
            self._open = ExitStack()
            self._served = self._open.enter_context(serving_doubles())

        def teardown(self) -> None:
            self._open.close()

        def before_call(self, case: Any) -> None:
            """Ask about what there is, where no earlier answer says about what."""
            case.headers.pop("Authorization", None)
            for name, value in case.path_parameters.items():
                if not is_id(value):
                    case.path_parameters[name] = self._served.known.get(name, value)
            for name in case.body if isinstance(case.body, dict) else ():
                case.body[name] = self._served.known.get(name, case.body[name])

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:  # noqa: ARG002
            found = self._served
            return {
                "base_url": found.url,
                "headers": found.headers,
                "allow_redirects": False,
                "timeout": 90,
            }

        def validate_response(self, response: Any, case: Any, **_: Any) -> None:
            said = f"{response.status_code} {response.text[:500]}"
            assert response.status_code < 500, said
            case.validate_response(response, checks=[*CHECKS, use_after_free])

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=STATEFUL,
            stateful_step_count=8,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("operation_id", sorted(OPERATIONS))
def test_an_address_tells_which_methods_it_takes(
    served: Served, headers: dict[str, str], operation_id: str
) -> None:
    path = OPERATIONS[operation_id].path
    allowed = {method.upper() for method in DOCUMENT["paths"][path]} | {"OPTIONS"}
    allowed |= {"HEAD"} if "GET" in allowed else set()
    address = served.url + path.replace("{", "").replace("}", "")
    told = httpx2.options(address).headers["allow"]
    assert set(told.split(", ")) == allowed
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - allowed:
        answer = httpx2.request(method, address, headers=headers)
        assert (answer.status_code, answer.headers["allow"]) == (405, told)
