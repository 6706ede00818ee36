"""The first page: how much there is, whether it is well, and what needs somebody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from litestar import Response, get

from valetkey.console.given import Reader, Services
from valetkey.domain.integration import Integration, IntegrationState

HERE: Final = ""


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that needs somebody: what it is, why, and the page where it is mended."""

    text: str
    why: str
    path: str


@get("/")
async def overview(services: Services, reader: Reader) -> Response[str]:
    """Show what the reader may see."""
    integrations: Sequence[Integration] = ()
    if reader.rights.read_integrations:
        integrations = await services.integrations.of_org(reader.caller, reader.org.id)
    drivers = 0
    if reader.rights.read_drivers:
        for project in reader.projects:
            if reader.may_in(project).read_drivers:
                drivers += len(await services.drivers.of_project(reader.caller, project.id))
    readiness = await services.health.readiness()
    return reader.page(
        "overview.html",
        here=HERE,
        integrations=integrations,
        drivers=drivers,
        health=readiness.parts,
        concerns=concerns_of(integrations),
    )


def concerns_of(integrations: Sequence[Integration]) -> list[Concern]:
    """Return what needs somebody, the worst first."""
    found = [
        Concern(
            f"The integration {integration.name} fails.",
            integration.state_reason,
            f"/integrations/{integration.id}",
        )
        for integration in integrations
        if integration.state is IntegrationState.FAILING
    ]
    found += [
        Concern(
            f"The integration {integration.name} was never verified.",
            "Nobody knows yet whether AWS takes its key and role.",
            f"/integrations/{integration.id}",
        )
        for integration in integrations
        if integration.state is IntegrationState.CREATED
    ]
    return found


ROUTES = (overview,)
