"""What a page offers: only what its reader may do. The services refuse all the same."""

from __future__ import annotations

from dataclasses import dataclass

from valetkey.domain.access import Action, Allow, Principal, decide


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody may do in any of the organisations and projects they belong to. To ``vend``,
    a grant suffices."""

    read_integrations: bool
    manage_integrations: bool
    read_locations: bool
    manage_locations: bool
    read_datasets: bool
    manage_datasets: bool
    vend: bool
    read_audit: bool
    manage_org: bool


def rights_of(principal: Principal, projects: dict[str, str]) -> Rights:
    """Work out the rights; ``projects`` maps each visible project's id to its organisation's."""
    places = [(org_id, "") for org_id in principal.org_roles]
    places += [(org_id, project_id) for project_id, org_id in projects.items()]

    def anywhere(action: Action) -> bool:
        return any(
            isinstance(decide(principal, action, org_id=org_id, project_id=project_id), Allow)
            for org_id, project_id in places
        )

    return Rights(
        read_integrations=anywhere(Action.READ_INTEGRATIONS),
        manage_integrations=anywhere(Action.MANAGE_INTEGRATIONS),
        read_locations=anywhere(Action.READ_LOCATIONS),
        manage_locations=anywhere(Action.MANAGE_LOCATIONS),
        read_datasets=anywhere(Action.READ_DATASETS),
        manage_datasets=anywhere(Action.MANAGE_DATASETS),
        vend=anywhere(Action.VEND),
        read_audit=anywhere(Action.READ_AUDIT),
        manage_org=anywhere(Action.MANAGE_ORG),
    )
