"""Errors -> pages: a sentence for what happened, one for what to do, and the request's id."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import structlog
from litestar.exceptions import HTTPException

from valetkey.console.http import HttpRequest, HttpResponse
from valetkey.console.session import end_session, to_sign_in
from valetkey.console.web import html, is_part, sentence
from valetkey.domain import errors

#: A subclass stands before its base.
_STATUS: Final[tuple[tuple[type[errors.ValetkeyError], int, str], ...]] = (
    (errors.InvalidInput, 422, "That can't be right"),
    (errors.Denied, 403, "Not yours to do"),
    (errors.NotFound, 404, "Not found"),
    (errors.Conflict, 409, "Not as things stand"),
    (errors.Locked, 423, "Already under way"),
    (errors.TooManyRequests, 429, "Too fast"),
    (errors.AwsRefused, 424, "AWS refused"),
    (errors.AwsUnavailable, 503, "AWS did not answer"),
    (errors.StorageUnavailable, 503, "The database did not answer"),
)
_log = structlog.get_logger("valetkey.console")


def status_of(error: errors.ValetkeyError) -> tuple[int, str]:
    """Return the HTTP status of an error, and the title of its page."""
    found = next(
        ((status, title) for kind, status, title in _STATUS if isinstance(error, kind)), None
    )
    return found or (500, "Something went wrong")


def on_error(request: HttpRequest, error: Exception) -> HttpResponse:
    """Show what happened; who is not signed in is sent to the form."""
    if isinstance(error, errors.ValetkeyError):
        return _on_valetkey_error(request, error)
    if isinstance(error, HTTPException):
        return _on_http_error(request, error)
    return _on_bug(request, error)


def _on_valetkey_error(request: HttpRequest, error: errors.ValetkeyError) -> HttpResponse:
    if isinstance(error, errors.Unauthenticated):
        response = to_sign_in(request)
        end_session(response)
        return response
    status, title = status_of(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.warning("page failed", code=error.code, reason=error.message)
    return _page(request, status, title, sentence(error))


def _on_http_error(request: HttpRequest, error: HTTPException) -> HttpResponse:
    """Show what the framework refused."""
    phrase = HTTPStatus(error.status_code).phrase
    words = {"message": f"{phrase}.", "hint": "Go back, and try again.", "field": ""}
    if error.status_code == HTTPStatus.NOT_FOUND:
        said = f"There is no page {str(request.scope['path'])[:80]!r}."
        words |= {"message": said, "hint": "Go on from the overview."}
    return _page(request, error.status_code, phrase.capitalize(), words)


def _on_bug(request: HttpRequest, error: Exception) -> HttpResponse:
    """Show that it is a bug: nothing of it is told, the log has it under the request's id."""
    _log.error("unexpected error", kind=type(error).__name__, exc_info=error)
    words = {
        "message": "Something went wrong inside the server.",
        "hint": "Report it with the request's id; the server's log has the rest.",
        "field": "",
    }
    return _page(request, 500, "Something went wrong", words)


def _page(request: HttpRequest, status: int, title: str, error: dict[str, str]) -> HttpResponse:
    request_id = str(request.scope.get("state", {}).get("request_id", ""))
    if not is_part(request):
        return html(
            "error.html", status=status, error=error, title=title, request_id=request_id, csrf=""
        )
    response = html("error_part.html", status=status, error=error, request_id=request_id)
    # Wherever the answer was to go: what went wrong is said in one place.
    response.headers["HX-Retarget"] = "#problem"
    response.headers["HX-Reswap"] = "innerHTML"
    return response
