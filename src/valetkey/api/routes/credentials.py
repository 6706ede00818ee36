"""Temporary credentials and presigned URLs, described for OpenAPI.

These routes go the fast path: ``valetkey.api.fast`` answers them before the framework sees them.
What stands here are their shapes; ``tests/integration/api`` holds the answers to them.
"""

from __future__ import annotations

from typing import Annotated, Final, NoReturn

from litestar import get, post
from litestar.datastructures import ResponseHeader
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody, QueryParameter

from valetkey.api.wire.credentials import (
    ContainerErrorOut,
    ContainerOut,
    CredentialsIn,
    CredentialsOut,
)
from valetkey.api.wire.presign import PresignedOut, PresignIn
from valetkey.domain.errors import NotFound

_NDJSON: Final = "application/x-ndjson"
_LINES: Final = ResponseSpec(
    PresignedOut,
    generate_examples=False,
    media_type=_NDJSON,
    description="A line of JSON for each key, in order.",
)


@post("/drivers/{location_id:str}/credentials", status_code=200, tags=["credentials"])
async def vend(location_id: str, data: JSONBody[CredentialsIn]) -> CredentialsOut:  # noqa: ARG001
    """Hand out credentials for folders below the driver's own, once the record is durable."""
    _described_only()


@get("/drivers/{location_id:str}/credentials", tags=["credentials"])
async def container_credentials(
    location_id: str,  # noqa: ARG001
    prefix: list[str],  # noqa: ARG001
    access: Annotated[str, QueryParameter(description="Levels, comma-separated.")],  # noqa: ARG001
    ttl: int = 3600,  # noqa: ARG001
    purpose: str = "",  # noqa: ARG001
) -> ContainerOut | ContainerErrorOut:
    """Hand out credentials in the shape that AWS's SDKs fetch from a container endpoint.

    The token may stand alone in ``Authorization``; ``prefix`` may be repeated; errors are
    ``{"code", "message"}``, as that contract has them.
    """
    _described_only()


@post(
    "/drivers/{location_id:str}/presign",
    status_code=200,
    tags=["credentials"],
    response_headers=[ResponseHeader(name="X-Request-Id", documentation_only=True)],
    responses={200: _LINES},
)
async def presign(location_id: str, data: JSONBody[PresignIn]) -> None:  # noqa: ARG001
    """Sign URLs for up to 100,000 keys of the bucket; the answer is streamed, a line for each.

    No URL outlives the session that signed it: each line tells its real expiry.
    """
    _described_only()


def _described_only() -> NoReturn:
    # Its plain address is answered by valetkey.api.fast; the framework finds it by others, too.
    raise NotFound(
        "There is nothing at this address.",
        hint="Leave out doubled slashes, and the one at the end.",
    )


ROUTES = (vend, container_credentials, presign)
