"""The refusals of the API's description: which an operation may answer, and what each means."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec

from valetkey.wire import OPERATIONS
from valetkey.wire.errors import ERROR_CATALOG
from valetkey.wire.operation import Operation

_ALWAYS: Final = ("internal", "too_many_requests", "storage_unavailable")
_OF_KEYS: Final = tuple(name for name in ERROR_CATALOG if name.startswith("idempotency_"))
_NOT_TAKEN: Final = "idempotency_key_not_taken"
#: The name of each status, as responses are called.
STATUS_NAMES: Final = {
    code.status: "".join(word.capitalize() for word in HTTPStatus(code.status).phrase.split())
    for code in sorted(ERROR_CATALOG.values())
}


def _refusals(status: int) -> dict[str, Any]:
    codes = [name for name, code in ERROR_CATALOG.items() if code.status == status]
    headers = {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}
    if status in {429, 503}:
        headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    meanings = "\n".join(f"- `{name}`: {ERROR_CATALOG[name].meaning}" for name in codes)
    first = ERROR_CATALOG[codes[0]]
    told = {
        "code": codes[0],
        "message": first.meaning,
        "hint": first.remedy,
        "requestId": "5ddf9d20b1c8ea1f0000",
    }
    return {
        "description": meanings,
        "headers": headers,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Error"},
                "example": {"error": told},
            }
        },
    }


_CONTRACT_STATUSES: Final = {
    ERROR_CATALOG[code].status
    for operation in OPERATIONS
    if operation.contract == "container"
    for code in (*operation.errors, *_ALWAYS, "unauthenticated", "denied", "invalid_input")
} | {404}


def _contract_refusals(status: int) -> dict[str, Any]:
    """Return the same in the shape of AWS's container contract."""
    refusals = _refusals(status)
    told = refusals["content"]["application/json"]["example"]["error"]
    example = {"code": told["code"], "message": told["message"]}
    schema = {"$ref": "#/components/schemas/ContainerError"}
    return refusals | {"content": {"application/json": {"schema": schema, "example": example}}}


def refusals_of(paths: Mapping[str, Any]) -> dict[str, Any]:
    """Return the refusals that operations refer to, by their names."""
    described = msgspec.json.encode(paths).decode()
    all_of_them = {name: _refusals(status) for status, name in STATUS_NAMES.items()}
    for status in sorted(_CONTRACT_STATUSES):
        all_of_them[f"{STATUS_NAMES[status]}OfContract"] = _contract_refusals(status)
    return {
        name: response
        for name, response in all_of_them.items()
        if f'"#/components/responses/{name}"' in described
    }


def codes_of(operation: Operation[Any, Any, Any]) -> tuple[str, ...]:
    """Return the codes of all errors that an operation may answer with."""
    codes = ["invalid_input", *_ALWAYS, *operation.errors]
    if not operation.public:
        codes += ["unauthenticated", "denied", "not_found"]
    if operation.has_body:
        codes += ["request_entity_too_large", "unsupported_media_type"]
    if operation.reads_content:
        codes.append("unsupported_media_type")
    if operation.makes:
        codes += [name for name in _OF_KEYS if name != _NOT_TAKEN]
    if operation.refuses_key:
        codes.append(_NOT_TAKEN)
    if operation.versioned:
        codes.append("version_mismatch")
    if operation.method != "GET":
        codes.append("changed_meanwhile")
    return tuple(dict.fromkeys(codes))
