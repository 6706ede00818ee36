"""Temporary credentials."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import JSONBody, QueryParameter

from valetkey.api.authentication import BARE_TOKEN, PUBLIC, authenticate
from valetkey.api.errors import status_of
from valetkey.api.given import Caller, Services
from valetkey.api.wire.credentials import (
    ContainerErrorOut,
    ContainerOut,
    CredentialsIn,
    CredentialsOut,
)
from valetkey.domain.credentials import parse_ttl
from valetkey.domain.errors import ValetkeyError
from valetkey.domain.scope import parse_levels
from valetkey.services.vending import VendRequest


@post("/drivers/{driver_id:str}/credentials", status_code=200, tags=["credentials"])
async def vend(
    services: Services, caller: Caller, driver_id: str, data: JSONBody[CredentialsIn]
) -> CredentialsOut:
    """Hand out credentials for folders below the driver's own, once the record is durable."""
    return CredentialsOut.of(await services.vending.vend(caller, driver_id, data.wanted))


@get(
    "/drivers/{driver_id:str}/credentials",
    tags=["credentials"],
    # The handler authenticates by itself, so that its refusals have that contract's shape too.
    opt={PUBLIC: True, BARE_TOKEN: True},
)
async def container_credentials(
    request: Request[Any, Any, Any],
    services: Services,
    driver_id: str,
    prefix: list[str],
    access: Annotated[str, QueryParameter(description="Levels, comma-separated.")],
    ttl: int = 3600,
) -> Response[ContainerOut | ContainerErrorOut]:
    """Hand out credentials in the shape that AWS's SDKs fetch from a container endpoint.

    ``prefix`` may be repeated; errors are ``{"code", "message"}``, as that contract has them.
    """
    try:
        caller = await authenticate(request, request.route_handler)
        order = VendRequest(tuple(prefix), parse_levels(access.split(",")), parse_ttl(ttl))
        vended = await services.vending.vend(caller, driver_id, order)
    except ValetkeyError as error:
        refusal = ContainerErrorOut(code=error.code, message=str(error))
        return Response(refusal, status_code=status_of(error))
    return Response(ContainerOut.of(vended))


ROUTES = (vend, container_credentials)
