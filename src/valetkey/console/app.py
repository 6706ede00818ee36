"""The console's routes, with the guard, the headers and the error pages that they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from litestar import Request, Router, get
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.response import Redirect

from valetkey.catalog.console import datasets, items, syncs
from valetkey.console import (
    assets,
    audit,
    checks,
    credentials,
    errors,
    guide,
    integration_page,
    integrations,
    keys,
    leases,
    location_page,
    locations,
    overview,
    people,
    projects,
    service_accounts,
    signin,
    tokens,
)
from valetkey.console.dependencies import Reader, Segment
from valetkey.console.http import HttpRequest, HttpResponse
from valetkey.console.page import open_reader
from valetkey.console.session import require_own_form
from valetkey.console.web import PREFIX
from valetkey.domain.errors import NotFound, ValetkeyError

#: Pages and parts of pages, one module per group. A new one is added here.
_PAGES: Final[tuple[Any, ...]] = (
    *overview.ROUTES,
    *checks.ROUTES,
    *integrations.ROUTES,
    *integration_page.ROUTES,
    *keys.ROUTES,
    *guide.ROUTES,
    *locations.ROUTES,
    *location_page.ROUTES,
    *leases.ROUTES,
    *credentials.ROUTES,
    *datasets.ROUTES,
    *items.ROUTES,
    *syncs.ROUTES,
    *audit.ROUTES,
    *people.ROUTES,
    *tokens.ROUTES,
    *projects.ROUTES,
    *service_accounts.ROUTES,
)
_ON_ERROR: Final[dict[int | type[Exception], Any]] = {
    ValetkeyError: errors.on_valetkey_error,
    HTTPException: errors.on_http_error,
    Exception: errors.on_any_error,
}
_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})


async def _refuse_forged(request: HttpRequest) -> None:
    """Stand before every page: what changes something comes from a page of ours."""
    if request.method not in _SAFE_METHODS:
        await require_own_form(request)


@get("/")
async def to_console() -> HttpResponse:
    """Send a browser that comes to the server's address to the console."""
    return Redirect(path=PREFIX)


@get("/{unknown:path}")
async def no_such_page(reader: Reader, unknown: Segment) -> HttpResponse:
    """Say that there is no such page, to somebody who is signed in."""
    raise NotFound(
        f"There is no page {unknown[:80]!r} for {reader.caller.principal.email}.",
        hint="Go on from the overview.",
    )


def console_routes() -> Sequence[Any]:
    """Return the route handlers for :func:`valetkey.api.create_app`'s ``more``.

    They take the services by the name ``services``, and bring their own sign-in, their own guard
    against forged requests, their own headers and pages for errors.
    """
    pages = Router(
        PREFIX,
        route_handlers=[*_PAGES, no_such_page],
        dependencies={"reader": Provide(open_reader), "dataset_count": Provide(datasets.count)},
        before_request=_refuse_forged,
        exception_handlers=_ON_ERROR,
        request_class=Request,
        include_in_schema=False,
    )
    open_to_all = Router(
        PREFIX,
        route_handlers=[*assets.ROUTES, *signin.ROUTES],
        exception_handlers=_ON_ERROR,
        request_class=Request,
        include_in_schema=False,
    )
    to_console.include_in_schema = False
    return [open_to_all, pages, to_console]
