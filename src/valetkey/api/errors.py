"""Errors -> HTTP, mapped once: a status, and message, code, hint and request id as JSON."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from valetkey.api.authentication import request_id_of
from valetkey.domain import errors


class UnsupportedMediaType(errors.InvalidInput):
    """The body is of a kind that this route does not read."""

    code = "unsupported_media_type"


#: A subclass stands before its base.
_STATUS: Final[tuple[tuple[type[errors.ValetkeyError], int], ...]] = (
    (UnsupportedMediaType, 415),
    (errors.InvalidInput, 400),
    (errors.Unauthenticated, 401),
    (errors.Denied, 403),
    (errors.NotFound, 404),
    (errors.InUse, 400),
    # As ever at this door; a 409 says that nothing was done.
    (errors.PartlyDone, 424),
    (errors.Conflict, 409),
    (errors.Locked, 423),
    (errors.TooManyRequests, 429),
    # Not 503 or 504: Dataloop's SDK would send it all over again, five times.
    (errors.TookTooLong, 408),
    # AWS said no: the request was right, and something it depends on refused.
    (errors.AwsRefused, 424),
    (errors.AwsUnavailable, 503),
    (errors.StorageUnavailable, 503),
    (errors.BeingRevoked, 503),
)
_HINTS: Final = {
    400: "See the API's description at /api/v1/openapi.json.",
    404: "See the API's description at /api/v1/openapi.json.",
    405: "See the API's description at /api/v1/openapi.json.",
    413: "Send less in one request.",
    415: "Send JSON.",
}
#: What is told of a bug.
INTERNAL: Final = {
    "message": "Something went wrong inside the server.",
    "code": "internal",
    "hint": "Report it with the request id; the server's log has the rest.",
}
_log = structlog.get_logger("valetkey.api")


def status_of(error: errors.ValetkeyError) -> int:
    """Return the HTTP status of an error."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def body_of(error: errors.ValetkeyError, request_id: str) -> dict[str, Any]:
    """Return an error's JSON. Dataloop's SDK shows its user the message alone, so the hint, which
    says what to do, stands in it too."""
    told = f"{error.message} {error.hint}".strip()
    own = {"message": told, "code": error.code, "hint": error.hint}
    return {**error.details, **own, "requestId": request_id}


def on_valetkey_error(
    request: Request[Any, Any, Any], error: errors.ValetkeyError
) -> Response[dict[str, Any]]:
    """Answer with what happened, why, and what to do."""
    status = status_of(error)
    headers = {}
    if isinstance(error, errors.TooManyRequests):
        headers["Retry-After"] = str(error.details.get("retry_after", 1))
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.warning("request failed", code=error.code, reason=error.message)
    return Response(body_of(error, request_id_of(request)), status_code=status, headers=headers)


def on_http_error(
    request: Request[Any, Any, Any], error: HTTPException
) -> Response[dict[str, Any]]:
    """Answer for the framework: no such path, a body that is not JSON, a wrong type."""
    status = error.status_code
    return Response(
        {
            "message": _sentence(error),
            "code": HTTPStatus(status).phrase.lower().replace(" ", "_"),
            "hint": _HINTS.get(status, ""),
            "requestId": request_id_of(request),
        },
        status_code=status,
        headers=dict(error.headers or {}),
    )


def _sentence(error: HTTPException) -> str:
    extra = error.extra
    if isinstance(extra, list) and extra and isinstance(extra[0], dict):
        first = extra[0]
        return f"{first.get('key', 'the body')}: {first.get('message', '')}".strip()
    return str(error.detail)


def on_any_error(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    """Answer for a bug: nothing of it is told, the log has it under the request's id."""
    if isinstance(error, RecursionError):
        deep = errors.InvalidInput("The body is nested too deeply.", hint="Send a flatter one.")
        return on_valetkey_error(request, deep)
    log_failure(error)
    return Response({**INTERNAL, "requestId": request_id_of(request)}, status_code=500)


def log_failure(error: Exception) -> None:
    """Log a bug, with everything that is not told to the client."""
    _log.error("unexpected error", kind=type(error).__name__, exc_info=error)
