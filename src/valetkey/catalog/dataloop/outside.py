"""What Dataloop has and Valetkey has not: each address answers, and says so."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from valetkey.api.error_handlers import DATALOOP, OLD_DATALOOP
from valetkey.api.errors import on_http_error

PREFIX: Final = DATALOOP
OLD_PREFIX: Final = OLD_DATALOOP
GUIDE: Final = "docs/guides/dataloop.md"
_GROUPS: Final = (
    "annotations, recipes, ontologies, tasks, assignments, models, pipelines, services, apps, "
    "triggers, feature sets, collections, bots, merges and compute"
)
_UNKNOWN: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})
_log = structlog.get_logger("valetkey.dataloop")


def on_unknown_address(
    request: Request[Any, Any, Any], error: HTTPException
) -> Response[dict[str, Any]]:
    """Answer for the framework; an address of Dataloop's that is not served is a 404, whatever the
    method, since its SDK has no exception for 405."""
    path = str(request.scope["path"])
    if error.status_code not in _UNKNOWN or not path.startswith((f"{PREFIX}/", f"{OLD_PREFIX}/")):
        return on_http_error(request, error)
    what = f"{request.method} {ascii(path.partition(OLD_PREFIX)[2] or path)[1:-1][:200]}"
    _log.warning("outside of what is served", address=what)
    hint = f"See what works, group by group, in the guide, {GUIDE}."
    problem = f"Valetkey has no {what}: of Dataloop's API, {_GROUPS} are outside of it."
    body = {
        # The SDK shows nothing but the message.
        "message": f"{problem} {hint}",
        "code": "not_found",
        "hint": hint,
        "requestId": str(request.scope.get("state", {}).get("request_id", "")),
    }
    return Response(body, status_code=int(HTTPStatus.NOT_FOUND))
