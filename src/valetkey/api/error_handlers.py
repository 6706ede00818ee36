"""Whose shape an error has: Dataloop's below its addresses, and everywhere else the own API's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, Final, Protocol

from litestar import Request, Response
from litestar.exceptions import HTTPException

from valetkey.api.authentication import request_id_of
from valetkey.api.v1.error_responses import MethodNotAllowed, NoSuchAddress, error_response
from valetkey.domain.errors import InvalidInput

DATALOOP: Final = "/dataloop"
#: As it was, and is for one more release.
OLD_DATALOOP: Final = "/api/v1"
_GATE: Final = "/token"
_AppRequest = Request[Any, Any, Any]
_OnError = Callable[[_AppRequest, Any], Response[Any]]


class Pages(Protocol):
    """What is for browsers (``valetkey.console.Console``): route handlers, which bring their own
    authentication, and the addresses where every error is a page of theirs."""

    @property
    def routes(self) -> Sequence[Any]:
        """The route handlers."""
        ...

    def has(self, path: str) -> bool:
        """Tell whether an address is one of theirs."""
        ...

    def on_error(self, request: _AppRequest, error: Exception) -> Response[Any]:
        """Return the page that tells of an error."""
        ...


def is_dataloops(path: str) -> bool:
    """Tell whether an address is one of Dataloop's API."""
    return path == _GATE or path.startswith((f"{DATALOOP}/", f"{OLD_DATALOOP}/"))


def by_address(of_dataloop: _OnError, pages: Pages | None) -> _OnError:
    """Answer for errors below Dataloop's addresses so, for those of pages with a page, and for all
    others as the own API does."""

    def on_error(request: _AppRequest, error: Any) -> Response[Any]:
        path = str(request.scope["path"])
        if is_dataloops(path):
            return of_dataloop(request, error)
        if pages is not None and pages.has(path):
            return pages.on_error(request, error)
        told = error_response(_translated(request.method, path, error), request_id_of(request))
        headers = {name.decode(): value.decode() for name, value in told.headers}
        return Response(
            told.body, status_code=told.status, headers=headers, media_type="application/json"
        )

    return on_error


def _translated(method: str, path: str, error: Exception) -> Exception:
    """Return what is told of the framework's own errors."""
    if not isinstance(error, HTTPException):
        return error
    if error.status_code == HTTPStatus.NOT_FOUND:
        return NoSuchAddress(
            f"There is no address {path[:120]!r}.",
            hint="The API is below /v1, and described at /v1/openapi.json.",
        )
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allow = (error.headers or {}).get("Allow", "GET")
        said = f"This address does not take {method[:20]}."
        return MethodNotAllowed(said, hint="`Allow` names what it takes.", allow=allow)
    if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return InvalidInput(str(error.detail), hint="See the API's description.")
    return error
