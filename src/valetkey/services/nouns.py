"""The broker's nouns, as :mod:`valetkey.services.access` opens them."""

from __future__ import annotations

from typing import Any, Final

from valetkey.domain.grants import Group
from valetkey.domain.integration import Integration
from valetkey.domain.lease import Lease
from valetkey.domain.location import Location
from valetkey.domain.people import Organization, Project
from valetkey.domain.ports import UnitOfWork
from valetkey.domain.tags import integration_tag, location_tag
from valetkey.services.access import Home, Noun
from valetkey.services.lookup import load_project


async def _org_home(_: UnitOfWork, org: Organization) -> Home:
    return Home(org.id)


async def _project_home(_: UnitOfWork, project: Project) -> Home:
    return Home(project.org_id, project.id)


async def _location_home(work: UnitOfWork, location: Location) -> Home:
    return await _project_home(work, await load_project(work, location.project_id))


async def _owned_home(_: UnitOfWork, owned: Integration | Group | Lease) -> Home:
    return Home(owned.org_id)


def integration_facts(integration: Integration) -> dict[str, Any]:
    """Return what the audit trail tells of an integration whenever it is made or changed."""
    return {
        "name": integration.name,
        "access_key_id": integration.access_key_id,
        "role_arn": str(integration.role_arn),
    }


def location_facts(location: Location) -> dict[str, Any]:
    """Return what the audit trail tells of a location whenever it is made or changed."""
    return {
        "name": location.name,
        "bucket": location.bucket,
        "prefix": location.prefix,
        "integration_id": location.integration_id,
        "access": sorted(location.access),
        "ends_at": location.ends_at.isoformat() if location.ends_at else "",
        "parent_id": location.parent_id or "",
    }


ORGANIZATION: Final[Noun[Organization]] = Noun(
    "organisation",
    load=lambda work, org_id: work.organizations.get(org_id),
    save=lambda work, org: work.organizations.save(org),
    home=_org_home,
    facts=lambda org: {"name": org.name},
)
PROJECT: Final[Noun[Project]] = Noun(
    "project",
    load=lambda work, project_id: work.projects.get(project_id),
    save=lambda work, project: work.projects.save(project),
    home=_project_home,
    facts=lambda project: {"name": project.name},
)
INTEGRATION: Final[Noun[Integration]] = Noun(
    "integration",
    load=lambda work, integration_id: work.integrations.get(integration_id),
    save=lambda work, integration: work.integrations.save(integration),
    home=_owned_home,
    tags=lambda integration: (integration_tag(integration.id),),
    facts=integration_facts,
)
LOCATION: Final[Noun[Location]] = Noun(
    "location",
    load=lambda work, location_id: work.locations.get(location_id),
    save=lambda work, location: work.locations.save(location),
    home=_location_home,
    tags=lambda location: (location_tag(location.id),),
    facts=location_facts,
)
GROUP: Final[Noun[Group]] = Noun(
    "group",
    load=lambda work, group_id: work.groups.get(group_id),
    save=lambda work, group: work.groups.save(group),
    home=_owned_home,
    facts=lambda group: {"name": group.name},
)
#: What was vended is never changed; revocations claim it by themselves.
LEASE: Final[Noun[Lease]] = Noun(
    "lease",
    load=lambda work, lease_id: work.leases.get(lease_id),
    home=_owned_home,
)
