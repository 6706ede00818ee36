"""One module per resource. A new one is added here."""

from typing import Any, Final

from valetkey.api.routes import audit, credentials, grants, health, leases, rotation

#: Under /api/v1, behind a token.
ROUTES: Final[tuple[Any, ...]] = (
    *rotation.ROUTES,
    *leases.ROUTES,
    *credentials.ROUTES,
    *grants.ROUTES,
    *audit.ROUTES,
)
#: At the root, open to everybody.
PUBLIC_ROUTES: Final[tuple[Any, ...]] = (*health.ROUTES,)
