"""One module per resource. A new one is added here."""

from typing import Any, Final

from valetkey.api.routes import (
    api_keys,
    audit,
    credentials,
    drivers,
    grants,
    health,
    integrations,
    leases,
    orgs,
    projects,
    rotation,
    tokens,
    users,
)

#: Under /api/v1, behind a token.
ROUTES: Final[tuple[Any, ...]] = (
    *users.ROUTES,
    *api_keys.ROUTES,
    *orgs.ROUTES,
    *projects.ROUTES,
    *integrations.ROUTES,
    *rotation.ROUTES,
    *leases.ROUTES,
    *drivers.ROUTES,
    *credentials.ROUTES,
    *grants.ROUTES,
    *audit.ROUTES,
)
#: At the root, open to everybody.
PUBLIC_ROUTES: Final[tuple[Any, ...]] = (*tokens.ROUTES, *health.ROUTES)
