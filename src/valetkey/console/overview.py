"""The first page: how much there is, whether it is well, and what needs somebody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from litestar import Response, get
from litestar.di import NamedDependency

from valetkey.console.audit import RECENT
from valetkey.console.chart import VEND
from valetkey.console.dependencies import Reader, Services
from valetkey.console.locations import readable_locations
from valetkey.counting import counted
from valetkey.domain.audit import AuditEvent
from valetkey.domain.integration import Integration, IntegrationState

HERE: Final = ""
#: AWS's own advice for access keys.
OLD_KEY: Final = timedelta(days=90)
#: Of so many integrations the rotations are looked at; the list of them has every key's age.
_LOOKED_AT: Final = 100


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that needs somebody: what it is, why, and the page where it is fixed."""

    text: str
    why: str
    path: str


@dataclass(frozen=True, slots=True)
class Savings:
    """What was vended lately, and the AWS sessions that sufficed for it: the cache did the rest."""

    vended: int = 0
    sessions: int = 0

    @property
    def saved(self) -> int:
        """Calls to STS that were not needed."""
        return self.vended - self.sessions


@get("/")
async def overview(
    services: Services, reader: Reader, dataset_count: NamedDependency[int]
) -> Response[str]:
    """Show what the reader may see."""
    integrations: Sequence[Integration] = ()
    savings, concerns = None, []
    if reader.rights.read_integrations:
        integrations = await services.integrations.of_org(reader.caller, reader.org.id)
        concerns = concerns_of(integrations) + await _about_keys(services, reader, integrations)
    if reader.rights.read_audit:
        savings = await _savings(services, reader)
    readiness = await services.health.readiness()
    return reader.page(
        "overview.html",
        here=HERE,
        integrations=integrations,
        locations=len(await readable_locations(services, reader)),
        datasets=dataset_count,
        savings=savings,
        health=readiness.parts,
        concerns=concerns,
    )


async def _savings(services: Services, reader: Reader) -> Savings:
    """Count in the audit trail: a vend names its lease, and many may name the same."""
    vended, sessions = 0, set()
    async for record in services.audit.recent(reader.caller, reader.org.id, among=RECENT):
        event = record.event
        if event.action == VEND and event.outcome == "allowed" and not _for_one_item(event):
            vended += 1
            sessions.add(event.details.get("lease_id"))
    return Savings(vended, len(sessions))


def _for_one_item(event: AuditEvent) -> bool:
    """Tell whether the vend only opened an item: looking at pictures saves nobody a call."""
    return str(event.details.get("purpose", "")).startswith("stream item ")


async def _about_keys(
    services: Services, reader: Reader, integrations: Sequence[Integration]
) -> list[Concern]:
    """Return the keys that are old, and the rotations that don't get on."""
    now, found = services.clock.now(), []
    with_keys = [each for each in integrations if each.type.rules.has_iam_key]
    for integration in with_keys[:_LOOKED_AT]:
        rotation = (await services.rotations.status(reader.caller, integration.id)).rotation
        path = f"/integrations/{integration.id}"
        if rotation is not None and rotation.problem and not rotation.is_over:
            text = f"The rotation of {integration.name}'s key does not get on."
            found.append(Concern(text, rotation.problem, path))
        age = now - integration.key_since
        if age >= OLD_KEY:
            text = f"The key of {integration.name} is {counted(age.days, 'day')} old."
            found.append(Concern(text, "Rotate it, or let it be rotated by itself.", path))
    return found


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
