"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response, get

from valetkey.services.registry import Services


@get("/healthz", tags=["health"])
async def alive() -> dict[str, str]:
    """Answer, which is all that is asked."""
    return {"status": "ok"}


@get("/readyz", tags=["health"])
async def ready(services: Services) -> Response[dict[str, Any]]:
    """Say whether requests can be answered, and what is missing if not (then 503)."""
    readiness = await services.health.readiness()
    body = {"ready": readiness.ready, "parts": readiness.parts}
    return Response(body, status_code=200 if readiness.ready else 503)


HANDLERS: Final = (alive, ready)
