"""Dataloop's resources, a module each."""

from typing import Any, Final

from valetkey.catalog.dataloop.routes import (
    api_keys,
    clones,
    commands,
    datasets,
    drivers,
    exports,
    integrations,
    items,
    orgs,
    projects,
    subsets,
    tokens,
    users,
)

#: Behind a token.
ROUTES: Final[tuple[Any, ...]] = (
    *users.ROUTES,
    *api_keys.ROUTES,
    *orgs.ROUTES,
    *projects.ROUTES,
    *integrations.ROUTES,
    *drivers.ROUTES,
    *datasets.ROUTES,
    *commands.ROUTES,
    *clones.ROUTES,
    *exports.ROUTES,
    *items.ROUTES,
    *subsets.ROUTES,
)
#: At the gate, which is above the prefix of the others.
GATE_ROUTES: Final[tuple[Any, ...]] = tokens.ROUTES
