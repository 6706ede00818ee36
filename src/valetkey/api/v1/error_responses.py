"""Errors of the own API: one shape, the status that the catalog says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import msgspec
import structlog

from valetkey.api.errors import INTERNAL, log_failure
from valetkey.domain.errors import (
    Conflict,
    InvalidInput,
    PartlyDone,
    TooManyRequests,
    Unauthenticated,
    ValetkeyError,
)
from valetkey.domain.idempotency import KeptResponse
from valetkey.wire.credentials import ContainerError
from valetkey.wire.errors import ERROR_CATALOG, Error, ErrorDetail
from valetkey.wire.operation import Contract

#: What the services call a property, and the own API calls it otherwise.
_FIELDS: Final[dict[str | None, str]] = {
    "key": "accessKeyId",
    "secret": "secretAccessKey",
    "value": "secretAccessKey",
    "metadata": "provider",
    "org": "orgId",
    "path": "folder",
}
_RETRY_AFTER: Final = {
    "idempotency_in_progress": "1",
    "locked": "5",
    "being_revoked": "2",
    "aws_unavailable": "2",
    "storage_unavailable": "2",
    "audit_unavailable": "2",
}
_log = structlog.get_logger("valetkey.api")


class NoSuchAddress(ValetkeyError):
    """The API has no such address."""

    code = "no_such_address"


class RangeNotSatisfiable(ValetkeyError):
    """The object has no bytes in the range that was asked for."""

    code = "range_not_satisfiable"


class MethodNotAllowed(ValetkeyError):
    """The address does not take this method. ``details['allow']`` lists those that it takes."""

    code = "method_not_allowed"


def code_of(error: ValetkeyError) -> str:
    """Return an error's code in the catalog: its own, or that of its kind."""
    if error.code in ERROR_CATALOG:
        return error.code
    if isinstance(error, Conflict) and type(error).code not in ERROR_CATALOG:
        return "changed_meanwhile"
    codes = (getattr(kind, "code", "") for kind in type(error).__mro__)
    return next((code for code in codes if code in ERROR_CATALOG), "internal")


def error_response(
    error: Exception,
    request_id: str,
    *,
    contract: Contract = "own",
    names: frozenset[str] = frozenset(),
) -> KeptResponse:
    """Return the answer that tells of an error, in the shape of a contract. A bug is logged, and
    nothing of it is told. ``names`` are the properties and parameters that the request may have."""
    answer = _error_response(error, request_id, names)
    if contract == "container":
        told = msgspec.json.decode(answer.body, type=Error).error
        body = ContainerError(code=told.code, message=f"{told.message} {told.hint or ''}".strip())
        return replace(answer, body=msgspec.json.encode(body))
    return answer


def _error_response(error: Exception, request_id: str, names: frozenset[str]) -> KeptResponse:
    if isinstance(error, RecursionError):
        error = InvalidInput("The body is nested too deeply.", hint="Send a flatter one.")
    if not isinstance(error, ValetkeyError):
        log_failure(error)
        told = detail("internal", INTERNAL["message"], INTERNAL["hint"], {}, request_id)
        return KeptResponse(500, msgspec.json.encode(Error(error=told)))
    code = code_of(error)
    if ERROR_CATALOG[code].status >= 500:  # noqa: PLR2004
        _log.warning("request failed", code=code, reason=error.message)
    told = detail(code, error.message, error.hint, _details(error), request_id, names)
    body = msgspec.json.encode(Error(error=told))
    return KeptResponse(ERROR_CATALOG[code].status, body, tuple(_headers(error, code)))


def _details(error: ValetkeyError) -> Mapping[str, Any]:
    """Return an error's facts. Each failure of many has the code that it would have alone."""
    if not isinstance(error, PartlyDone):
        return error.details
    named = zip(error.details["failures"], error.errors, strict=True)
    failures = [{**failure, "code": code_of(each)} for failure, each in named]
    return {**error.details, "failures": failures}


def _headers(error: ValetkeyError, code: str) -> Iterator[tuple[bytes, bytes]]:
    if isinstance(error, TooManyRequests):
        yield b"retry-after", b"%d" % max(1, error.details.get("retry_after", 1))
    elif code in _RETRY_AFTER:
        yield b"retry-after", _RETRY_AFTER[code].encode()
    if isinstance(error, Unauthenticated):
        yield b"www-authenticate", b"Bearer"
    if isinstance(error, MethodNotAllowed):
        yield b"allow", error.details["allow"].encode()


def detail(
    code: str,
    message: str,
    hint: str,
    details: Any,
    request_id: str,
    names: frozenset[str] = frozenset(),
) -> ErrorDetail:
    """Return an error's shape."""
    facts = {_camel(name): value for name, value in details.items() if name != "field"}
    field: str | None = details.get("field") or None
    return ErrorDetail(
        code=code,
        message=message,
        request_id=request_id,
        hint=hint or None,
        field=field if field in names else _FIELDS.get(field, field),
        details=facts or None,
    )


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
