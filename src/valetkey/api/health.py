"""Is the process up; can it serve."""

from __future__ import annotations

import msgspec
from litestar import Response, get

from valetkey.api.dependencies import Services


class Alive(msgspec.Struct, frozen=True):
    """The process answers."""

    status: str = "ok"


class Ready(msgspec.Struct, frozen=True):
    """For each part, why it is not well (empty: it is)."""

    ready: bool
    parts: dict[str, str]


@get("/healthz", security=[{}], tags=["health"])
async def healthz() -> Alive:
    """Tell that the process is up."""
    return Alive()


@get("/readyz", security=[{}], tags=["health"])
async def readyz(services: Services) -> Response[Ready]:
    """Tell whether requests can be served: 200, or 503 and what is wrong."""
    found = await services.health.readiness()
    body = Ready(ready=found.ready, parts=found.parts)
    return Response(body, status_code=200 if found.ready else 503)


ROUTES = (healthz, readyz)
