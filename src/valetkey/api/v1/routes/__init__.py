"""What answers each operation: a module a noun, its routes in ``ROUTES``."""

from typing import Final

from valetkey.api.v1.asking import Route
from valetkey.api.v1.routes import integrations

ROUTES: Final[tuple[Route, ...]] = (*integrations.ROUTES,)
