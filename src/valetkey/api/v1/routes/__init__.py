"""What answers each operation of the broker: a module a noun, its routes in ``ROUTES``.

Those of the catalog stand in the catalog.
"""

from typing import Final

from valetkey.api.v1.calls import Route
from valetkey.api.v1.routes import (
    accounts,
    audit,
    credentials,
    grants,
    groups,
    integrations,
    leases,
    locations,
    orgs,
    projects,
    rotations,
    service_accounts,
    tokens,
)

ROUTES: Final[tuple[Route, ...]] = (
    *accounts.ROUTES,
    *tokens.ROUTES,
    *orgs.ROUTES,
    *projects.ROUTES,
    *service_accounts.ROUTES,
    *groups.ROUTES,
    *integrations.ROUTES,
    *rotations.ROUTES,
    *locations.ROUTES,
    *grants.ROUTES,
    *credentials.ROUTES,
    *leases.ROUTES,
    *audit.ROUTES,
)
