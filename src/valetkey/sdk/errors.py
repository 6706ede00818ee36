"""What can go wrong for a client: one tree, so that ``except ApiError`` catches all of it.

No error holds a token, a password or a credential; none is chained to the HTTP library's own,
whose request object does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec


class ApiError(Exception):
    """What was asked for did not come about; every error of the library is one of these."""

    code = "error"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        code: str = "",
        request_id: str = "",
        status: int = 0,
        field: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Each of these is an attribute of the error.

        - ``message``: What happened.
        - ``hint``: What to do.
        - ``code``: Its kind, for programs.
        - ``request_id``: What finds the request in the server's log; empty without an answer.
        - ``status``: The HTTP status; 0 without an answer.
        - ``field``: The property of the request that is wrong, if it is one.
        - ``details``: The server's further facts.
        """
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or type(self).code
        self.request_id = request_id
        self.status = status
        self.field = field
        self.details: Mapping[str, Any] = dict(details or {})

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InvalidRequest(ApiError):
    """The request can't be right as it stands."""

    code = "invalid_input"


class Unauthenticated(ApiError):
    """No token, or one that no longer holds."""

    code = "unauthenticated"


class Denied(ApiError):
    """The caller is known and has no right to this."""

    code = "denied"


class NotFound(ApiError):
    """No such thing, or none that the caller may know of."""

    code = "not_found"


class Conflict(ApiError):
    """The request does not fit the present state: a name is taken, work is under way."""

    code = "conflict"


class VersionMismatch(Conflict):
    """It was changed since it was read: nothing was changed by this request."""

    code = "version_mismatch"


class AwsRefused(ApiError):
    """AWS answered the server, and said no."""

    code = "aws_refused"


class Unavailable(ApiError):
    """Nobody answered, or asked to come back later: the same request may go through soon."""

    code = "unavailable"

    def __init__(self, message: str, *, retry_after: float = 0.0, **more: Any) -> None:
        """It has what every ApiError has, and one attribute more.

        - ``message``: What happened.
        - ``retry_after``: In how many seconds to try again; 0 when the server named no time.
        """
        super().__init__(message, **more)
        self.retry_after = retry_after


class ServerFailed(ApiError):
    """The server failed, or answered something that is not Valetkey's."""

    code = "server_failed"


class MissingPackage(ApiError):
    """An adapter needs a library that is not installed."""

    code = "missing_package"


class ClientClosed(ApiError):
    """The client was closed before: nothing was sent."""

    code = "client_closed"


def client_closed() -> ClientClosed:
    """Return the error of a call on a client that was closed."""
    return ClientClosed(
        "The client is closed: nothing was sent.",
        hint="Call it before close(), or within its 'with' block, or make another client.",
    )


_BY_STATUS: Final[Mapping[int, type[ApiError]]] = {
    400: InvalidRequest,
    401: Unauthenticated,
    403: Denied,
    404: NotFound,
    405: InvalidRequest,
    409: Conflict,
    412: VersionMismatch,
    413: InvalidRequest,
    408: InvalidRequest,
    415: InvalidRequest,
    423: Conflict,
    424: AwsRefused,
    429: Unavailable,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}
_OWN: Final = frozenset({"message", "code", "hint", "requestId", "field"})


def error_from(status: int, body: bytes, headers: Mapping[str, str]) -> ApiError:
    """Return the error that an answer means."""
    told = _object(body)
    if isinstance(told.get("error"), dict):  # the own API's shape
        told = told["error"]
        told |= told.pop("details", None) or {}
    message = str(told.get("message") or f"The server answered {status} without saying why.")
    facts: dict[str, Any] = {
        "hint": str(told.get("hint") or ""),
        "code": str(told.get("code") or ""),
        "request_id": str(told.get("requestId") or headers.get("x-request-id", "")),
        "status": status,
        "field": str(told.get("field") or ""),
        "details": {name: value for name, value in told.items() if name not in _OWN},
    }
    kind = _BY_STATUS.get(status, ServerFailed)
    if kind is Unavailable:
        return Unavailable(message, retry_after=_seconds(headers.get("retry-after", "")), **facts)
    return kind(message, **facts)


def _object(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}


def _seconds(text: str) -> float:
    return float(text) if text.isdecimal() else 0.0
