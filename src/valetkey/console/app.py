"""The console's routes, with the guard, the headers and the error pages that they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from litestar import Request, Router, get
from litestar.di import Provide
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
from valetkey.console.http import HttpRequest, HttpResponse
from valetkey.console.page import open_reader
from valetkey.console.session import require_own_form
from valetkey.console.web import PREFIX

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
_ON_ERROR: Final[dict[int | type[Exception], Any]] = {Exception: errors.on_error}
_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})


async def _refuse_forged(request: HttpRequest) -> None:
    """Stand before every page: what changes something comes from a page of ours."""
    if request.method not in _SAFE_METHODS:
        await require_own_form(request)


@get("/")
async def to_console() -> HttpResponse:
    """Send a browser that comes to the server's address to the console."""
    return Redirect(path=PREFIX)


class Console:
    """The console's pages, for :func:`valetkey.api.create_app`.

    They take the services by the name ``services``, and bring their own sign-in, their own guard
    against forged requests, their own headers and pages for errors.
    """

    def __init__(self) -> None:
        self.routes = _routes()

    def has(self, path: str) -> bool:
        """Tell whether an address is one of the console's."""
        return f"{path}/".startswith(f"{PREFIX}/")

    def on_error(self, request: HttpRequest, error: Exception) -> HttpResponse:
        """Return the page that tells of an error."""
        return errors.on_error(request, error)


def _routes() -> Sequence[Any]:
    pages = Router(
        PREFIX,
        route_handlers=[*_PAGES],
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
