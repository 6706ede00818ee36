"""What the framework hands to a handler of the catalog by name."""

from __future__ import annotations

from litestar.di import NamedDependency

from valetkey.catalog.services import registry

#: A handler's parameter ``catalog: Catalog``.
Catalog = NamedDependency[registry.Catalog]
