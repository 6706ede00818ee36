"""Temporary credentials."""

from __future__ import annotations

from typing import Annotated, Any, Final

from litestar import Request, Response, get, post
from litestar.params import Parameter

from valetkey.api import wire
from valetkey.api.auth import caller_of
from valetkey.api.errors import status_of
from valetkey.domain.credentials import parse_ttl
from valetkey.domain.errors import ValetkeyError
from valetkey.domain.scope import parse_levels
from valetkey.services.audit import Caller
from valetkey.services.registry import Services
from valetkey.services.vending import VendRequest


@post("/drivers/{driver_id:str}/credentials", status_code=200, tags=["credentials"])
async def vend(
    services: Services, caller: Caller, driver_id: str, data: wire.CredentialsRequest
) -> dict[str, Any]:
    """Hand out credentials for folders below the driver's own, once the record is durable."""
    request = VendRequest(
        prefixes=tuple(data.prefixes),
        levels=parse_levels(data.access),
        ttl=parse_ttl(data.ttl_seconds),
        purpose=data.purpose,
    )
    return wire.vended_out(await services.vending.vend(caller, driver_id, request))


@get("/drivers/{driver_id:str}/credentials", tags=["credentials"])
async def container_credentials(
    request: Request[Any, Any, Any],
    services: Services,
    driver_id: str,
    prefix: list[str],
    access: Annotated[str, Parameter(description="Levels, comma-separated.")],
    ttl: int = 3600,
) -> Response[dict[str, Any]]:
    """Hand out credentials in the shape that AWS's SDKs fetch from a container endpoint.

    ``prefix`` may be repeated; errors are ``{"code", "message"}``, as that contract has them.
    """
    try:
        caller = await caller_of(request, services)
        order = VendRequest(tuple(prefix), parse_levels(access.split(",")), parse_ttl(ttl))
        vended = await services.vending.vend(caller, driver_id, order)
    except ValetkeyError as error:
        body = {"code": error.code, "message": str(error)}
        return Response(body, status_code=status_of(error))
    return Response(wire.container_out(vended))


HANDLERS: Final = (vend, container_credentials)
