"""The application: routes, one error mapping, authentication, and what stands in front."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from litestar import Litestar, Request, Router
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ASGIApp

from valetkey.api import health
from valetkey.api.authentication import (
    SERVICES,
    provide_caller,
    provide_services,
    require_caller,
)
from valetkey.api.error_handlers import Pages, by_address
from valetkey.api.errors import on_any_error, on_valetkey_error
from valetkey.api.fast import FastPath
from valetkey.api.methods import telling_methods
from valetkey.api.middleware import RequestMiddleware
from valetkey.api.requests import StrictRequest
from valetkey.api.v1 import PREFIX as OWN_PREFIX
from valetkey.api.v1 import ROUTES as OWN_ROUTES
from valetkey.api.v1 import OwnApi
from valetkey.catalog.api import catalog_routes
from valetkey.catalog.dataloop.deprecation import marking_old_addresses
from valetkey.catalog.dataloop.outside import PREFIX as DATALOOP_PREFIX
from valetkey.catalog.dataloop.outside import on_unknown_address
from valetkey.catalog.dataloop.routes import GATE_ROUTES
from valetkey.catalog.dataloop.routes import ROUTES as DATALOOP_ROUTES
from valetkey.catalog.services.registry import Catalog
from valetkey.domain.errors import ValetkeyError
from valetkey.services.registry import Services

PREFIX: Final = "/api/v1"
_CATALOG: Final = "valetkey_catalog"
_DESCRIPTION: Final = (
    "Short-lived, narrowly scoped, audited S3 credentials from one AWS STS integration. "
    "Get a token with `POST /token`, or make an API key, and send it as `Authorization: Bearer`. "
    "Errors are `{message, code, hint, requestId}`."
)


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """``trusted_proxies`` are addresses or networks whose ``X-Forwarded-*`` and ``X-Request-Id``
    headers are believed; a body may have ``max_body_bytes``."""

    version: str = "0"
    max_body_bytes: int = 1 << 20
    trusted_proxies: tuple[str, ...] = ()


def create_app(
    services: Services,
    catalog: Catalog,
    options: ApiOptions | None = None,
    *,
    pages: Pages | None = None,
) -> FastPath:
    """Return the ASGI application, with the console's ``pages`` or without."""
    options = options or ApiOptions()
    return serving(make_framework(options, pages), services, catalog, options, pages)


def make_framework(options: ApiOptions, pages: Pages | None = None) -> Litestar:
    """Return what answers all but the own API. It is nobody's: the services come with each
    request (:func:`serving`)."""
    api = Router(PREFIX, route_handlers=DATALOOP_ROUTES, guards=[require_caller])
    return Litestar(
        [api, _dataloop(), *health.ROUTES, *GATE_ROUTES, *(pages.routes if pages else ())],
        request_class=StrictRequest,
        dependencies={
            "services": Provide(provide_services, sync_to_thread=False),
            "catalog": Provide(_provide_catalog, sync_to_thread=False),
            "caller": Provide(provide_caller, sync_to_thread=False),
        },
        exception_handlers={
            ValetkeyError: by_address(on_valetkey_error, pages),
            HTTPException: by_address(on_unknown_address, pages),
            Exception: by_address(on_any_error, pages),
        },
        request_max_body_size=options.max_body_bytes,
        openapi_config=_described(options.version),
        logging_config=None,
    )


def serving(
    framework: Litestar,
    services: Services,
    catalog: Catalog,
    options: ApiOptions,
    pages: Pages | None = None,
) -> FastPath:
    """Return the ASGI application around a framework, for these services."""
    own = OwnApi(
        services,
        (*OWN_ROUTES, *catalog_routes(catalog)),
        version=options.version,
        max_body=options.max_body_bytes,
    )
    rest = _with_services(marking_old_addresses(telling_methods(framework)), services, catalog)
    together = _side_by_side(own, rest)
    front = RequestMiddleware(together, trusted_proxies=options.trusted_proxies, pages=pages)
    return FastPath(services, front, framework, version=options.version)


def _with_services(app: ASGIApp, services: Services, catalog: Catalog) -> ASGIApp:
    async def served(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == ScopeType.HTTP:
            scope["state"] |= {SERVICES: services, _CATALOG: catalog}
        await app(scope, receive, send)

    return served


def _provide_catalog(request: Request[Any, Any, Any]) -> Catalog:
    catalog: Catalog = request.scope["state"][_CATALOG]
    return catalog


def _described(version: str) -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Valetkey",
        version=version,
        description=_DESCRIPTION,
        # Not the prefix: what the framework serves below it would answer in HTML.
        path=f"{PREFIX}/openapi.json",
        render_plugins=[JsonRenderPlugin(path="/")],
        use_handler_docstrings=True,
        security=[{"bearer": []}],
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")
            }
        ),
    )


def _dataloop() -> Router:
    """Return Dataloop's API at its own prefix: its SDK takes the gate's address and the others'
    apart, and ``/api/v1`` must stand in the latter."""
    api = Router(PREFIX, route_handlers=DATALOOP_ROUTES, guards=[require_caller])
    return Router(DATALOOP_PREFIX, route_handlers=[api, *GATE_ROUTES], include_in_schema=False)


def _side_by_side(own: OwnApi, rest: ASGIApp) -> ASGIApp:
    """Put the own API beside what the framework serves."""

    async def either(scope: Any, receive: Any, send: Any) -> None:
        is_own = scope["type"] == "http" and f"{scope['path']}/".startswith(f"{OWN_PREFIX}/")
        await (own if is_own else rest)(scope, receive, send)

    return either
