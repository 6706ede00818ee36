"""Finding what a verb is about: the entity, or the error for what is not there."""

from __future__ import annotations

from valetkey.domain.errors import NotFound
from valetkey.domain.integration import Integration
from valetkey.domain.location import Location
from valetkey.domain.people import Project
from valetkey.domain.ports import UnitOfWork


def missing(subject: str) -> NotFound:
    """Return the error for something that is not there, or not for this caller to know of."""
    kind, _, name = subject.partition(":")
    return NotFound(f"There is no {kind} {name!r}.", hint=f"List the {kind}s to see what there is.")


async def load_project(work: UnitOfWork, project_id: str) -> Project:
    """Return a project, or raise NotFound."""
    project = await work.projects.get(project_id)
    if project is None:
        raise missing(f"project:{project_id}")
    return project


async def load_location(work: UnitOfWork, location_id: str) -> Location:
    """Return a location, or raise NotFound."""
    location = await work.locations.get(location_id)
    if location is None:
        raise missing(f"location:{location_id}")
    return location


async def load_integration(work: UnitOfWork, integration_id: str) -> Integration:
    """Return an integration, or raise NotFound."""
    integration = await work.integrations.get(integration_id)
    if integration is None:
        raise missing(f"integration:{integration_id}")
    return integration
