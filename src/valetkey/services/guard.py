"""The one place where a service asks whether its caller may go on."""

from __future__ import annotations

from valetkey.domain.access import Action, Allow, Deny, decide, require
from valetkey.domain.errors import NotFound
from valetkey.domain.integration import Integration
from valetkey.domain.location import Location
from valetkey.domain.people import Project
from valetkey.domain.ports import UnitOfWork
from valetkey.services.audit import AuditLog, Caller


class Guard:
    """Asks the domain for a decision; a refusal is audited before it is raised."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit

    async def require(
        self, caller: Caller, action: Action, *, org_id: str, project_id: str = "", subject: str
    ) -> Allow:
        """Return the right by which the caller may act.

        Raises NotFound to somebody outside the organisation, who is not to learn what exists in
        it, and Denied with the reason to everybody else.
        """
        if org_id not in caller.principal.org_roles:
            raise missing(subject)
        decision = decide(caller.principal, action, org_id=org_id, project_id=project_id)
        if isinstance(decision, Deny):
            await self._audit.write(
                self._audit.event(
                    caller,
                    action.value.replace(" ", "."),
                    subject,
                    org_id=org_id,
                    outcome="denied",
                    reason=decision.reason,
                )
            )
        return require(decision)


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
