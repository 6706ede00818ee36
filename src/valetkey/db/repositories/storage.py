"""Integrations and locations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, delete, select, update

from valetkey.db.errors import conflict, in_use
from valetkey.db.repositories.rows import (
    Repository,
    from_row,
    levels_of,
    levels_text,
    sealed_row,
    to_row,
)
from valetkey.db.tables import storage as t
from valetkey.db.tables.accounts import projects as projects_table
from valetkey.domain.integration import Integration, IntegrationState
from valetkey.domain.integration_types import IntegrationType
from valetkey.domain.location import MAX_DEPTH, MOST_BELOW, Location
from valetkey.domain.people import Project
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.sealing import SealedSecret


class SqlIntegrations(Repository):
    """Implements ports.IntegrationRepository."""

    async def add(self, integration: Integration, sealed_secret: SealedSecret) -> None:
        with conflict(f"There is an integration {integration.name!r} already."):
            row = _integration_row(integration) | sealed_row(sealed_secret)
            await self._insert(t.integrations, row)

    async def get(self, integration_id: str) -> Integration | None:
        row = await self._one(select(t.integrations).where(t.integrations.c.id == integration_id))
        return _integration(row) if row else None

    async def of_org(self, org_id: str) -> Sequence[Integration]:
        table = t.integrations
        query = select(table).where(table.c.org_id == org_id).order_by(table.c.name)
        return [_integration(row) for row in await self._all(query)]

    async def save(self, integration: Integration) -> Integration:
        with conflict(f"There is an integration {integration.name!r} already."):
            version = await self._save(t.integrations, _integration_row(integration))
        return replace(integration, version=version)

    async def sealed_secret(self, integration_id: str) -> SealedSecret | None:
        row = await self._one(select(t.integrations).where(t.integrations.c.id == integration_id))
        return from_row(SealedSecret, row) if row else None

    async def replace_secret(self, integration_id: str, sealed_secret: SealedSecret) -> None:
        match = t.integrations.c.id == integration_id
        await self._change(update(t.integrations).where(match).values(**sealed_row(sealed_secret)))

    async def delete(self, integration_id: str) -> bool:
        with in_use("Locations use this integration.", "Delete its locations first."):
            match = t.integrations.c.id == integration_id
            return await self._change(delete(t.integrations).where(match))


class SqlLocations(Repository):
    """Implements ports.LocationRepository."""

    async def add(self, location: Location) -> None:
        with conflict(f"There is a location {location.name!r} already."):
            await self._insert(t.locations, _location_row(location))

    async def get(self, location_id: str) -> Location | None:
        row = await self._one(select(t.locations).where(t.locations.c.id == location_id))
        return _location(row) if row else None

    async def of_project(self, project_id: str) -> Sequence[Location]:
        query = select(t.locations).where(t.locations.c.project_id == project_id)
        rows = await self._all(query.order_by(t.locations.c.name))
        return [_location(row) for row in rows]

    async def of_org(self, org_id: str, *, name: str = "") -> Sequence[tuple[Project, Location]]:
        projects = select(projects_table).where(projects_table.c.org_id == org_id)
        found = {row.id: from_row(Project, row) for row in await self._all(projects)}
        query = (
            select(t.locations)
            .join(projects_table, projects_table.c.id == t.locations.c.project_id)
            .where(projects_table.c.org_id == org_id)
            .order_by(projects_table.c.id, t.locations.c.name)
        )
        if name:
            query = query.where(t.locations.c.name == name)
        return [(found[row.project_id], _location(row)) for row in await self._all(query)]

    async def of_integration(self, integration_id: str) -> Sequence[Location]:
        query = select(t.locations).where(t.locations.c.integration_id == integration_id)
        rows = await self._all(query.order_by(t.locations.c.name))
        return [_location(row) for row in rows]

    async def save(self, location: Location) -> Location:
        with conflict(f"There is a location {location.name!r} already."):
            version = await self._save(t.locations, _location_row(location))
        return replace(location, version=version)

    async def ancestors(self, location: Location) -> Sequence[Location]:
        found: list[Location] = []
        parent_id = location.parent_id
        while parent_id is not None and len(found) < MAX_DEPTH:
            parent = await self.get(parent_id)
            if parent is None:
                break
            found.append(parent)
            parent_id = parent.parent_id
        return found

    async def below(self, location_id: str) -> Sequence[Location]:
        found, level = list[Location](), [location_id]
        while level and len(found) < MOST_BELOW:
            query = select(t.locations).where(t.locations.c.parent_id.in_(level))
            rows = await self._all(query.order_by(t.locations.c.id).limit(MOST_BELOW))
            children = [_location(row) for row in rows]
            found += children
            level = [child.id for child in children]
        return found

    async def delete(self, location_id: str) -> bool:
        with in_use("Datasets, or locations within it, use this location.", "Delete those first."):
            return await self._change(delete(t.locations).where(t.locations.c.id == location_id))


def _location_row(location: Location) -> dict[str, Any]:
    return to_row(location) | {"access": levels_text(location.access)}


def _location(row: Row[Any]) -> Location:
    return from_row(Location, row, access=levels_of(row.access))


def _integration_row(integration: Integration) -> dict[str, Any]:
    return to_row(integration) | {"role_arn": str(integration.role_arn)}


def _integration(row: Row[Any]) -> Integration:
    return from_row(
        Integration,
        row,
        type=IntegrationType(row.type),
        state=IntegrationState(row.state),
        role_arn=RoleArn.parse_optional(row.role_arn),
    )
