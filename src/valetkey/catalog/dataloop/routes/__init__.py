"""Dataloop's resources that the catalog serves, a module each."""

from typing import Any, Final

from valetkey.catalog.dataloop.routes import commands, datasets, items

ROUTES: Final[tuple[Any, ...]] = (*datasets.ROUTES, *commands.ROUTES, *items.ROUTES)
