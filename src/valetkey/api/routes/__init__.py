"""The routes, a module per resource."""

from typing import Final

from litestar import Router

from valetkey.api.routes import (
    accounts,
    audit,
    credentials,
    drivers,
    health,
    integrations,
    orgs,
    projects,
)

#: Everything under /api/v1.
API: Final = (
    *accounts.HANDLERS,
    *orgs.HANDLERS,
    *projects.HANDLERS,
    *integrations.HANDLERS,
    *drivers.HANDLERS,
    *credentials.HANDLERS,
    *audit.HANDLERS,
)

#: What stands beside it: Dataloop's gate and the health pages.
ROOT: Final = (accounts.token, *health.HANDLERS)


def api_router() -> Router:
    """Return the API's router."""
    return Router(path="/api/v1", route_handlers=API)
