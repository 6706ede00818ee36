"""The ASGI application: routes, errors, limits."""

from __future__ import annotations

from typing import Final

from litestar import Litestar
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ControllerRouterHandler

from valetkey.api.auth import caller_of
from valetkey.api.errors import on_any_error, on_http_error, on_valetkey_error
from valetkey.api.middleware import RequestLog
from valetkey.api.routes import ROOT, api_router
from valetkey.domain.errors import ValetkeyError
from valetkey.services.registry import Services

#: Requests are small; what is large (uploads) is streamed by routes of its own.
MAX_BODY_BYTES: Final = 1 << 20


def _openapi() -> OpenAPIConfig:
    bearer = SecurityScheme(
        type="http", scheme="bearer", bearer_format="JWT", description="A login's or an API key."
    )
    return OpenAPIConfig(
        title="Valetkey",
        version="1",
        path="/api/v1",
        render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        components=[Components(security_schemes={"bearer": bearer})],
        security=[{"bearer": []}],
    )


def create_app(services: Services, *more: ControllerRouterHandler) -> Litestar:
    """Return the application over some services; ``more`` are further routes (the console's)."""

    async def provide_services() -> Services:
        return services

    return Litestar(
        route_handlers=[*ROOT, api_router(), *more],
        dependencies={"services": Provide(provide_services), "caller": Provide(caller_of)},
        exception_handlers={
            ValetkeyError: on_valetkey_error,
            HTTPException: on_http_error,
            Exception: on_any_error,
        },
        middleware=[RequestLog],
        openapi_config=_openapi(),
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
    )
