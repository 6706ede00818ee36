"""Integrations and their sealed secrets in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from valetkey.domain.errors import InUse, NameTaken
from valetkey.domain.integration import Integration
from valetkey.domain.ports.keys import SealedRow
from valetkey.domain.ports.storage import LocationRepository
from valetkey.domain.sealing import SealContext, SealedSecret
from valetkey.testing.versions import save


class MemoryIntegrations:
    """Implements ports.IntegrationRepository."""

    def __init__(self, locations: LocationRepository) -> None:
        self._locations = locations
        self._rows: dict[str, Integration] = {}
        self.secrets: dict[str, SealedSecret] = {}

    async def add(self, integration: Integration, sealed_secret: SealedSecret) -> None:
        self._check_name(integration)
        self._rows[integration.id] = integration
        self.secrets[integration.id] = sealed_secret

    async def get(self, integration_id: str) -> Integration | None:
        return self._rows.get(integration_id)

    async def of_org(self, org_id: str) -> Sequence[Integration]:
        found = [row for row in self._rows.values() if row.org_id == org_id]
        return sorted(found, key=lambda row: row.name)

    async def save(self, integration: Integration) -> Integration:
        self._check_name(integration)
        return save(self._rows, integration)

    async def sealed_secret(self, integration_id: str) -> SealedSecret | None:
        return self.secrets.get(integration_id)

    async def replace_secret(self, integration_id: str, sealed_secret: SealedSecret) -> None:
        self.secrets[integration_id] = sealed_secret

    async def delete(self, integration_id: str) -> bool:
        if await self._locations.of_integration(integration_id):
            raise InUse("Locations use this integration.", hint="Delete its locations first.")
        self.secrets.pop(integration_id, None)
        return self._rows.pop(integration_id, None) is not None

    def _check_name(self, new: Integration) -> None:
        for row in self._rows.values():
            if (row.org_id, row.name) == (new.org_id, new.name) and row.id != new.id:
                raise NameTaken(f"There is an integration {new.name!r} already.", hint="Rename it.")


class MemorySealedRows:
    """Implements ports.SealedRows over the integrations' secrets."""

    def __init__(self, integrations: MemoryIntegrations) -> None:
        self._integrations = integrations

    async def usage(self) -> Mapping[str, int]:
        return Counter(sealed.kek_id for sealed in self._integrations.secrets.values())

    async def wrapped_by(self, kek_ids: Sequence[str], *, limit: int) -> Sequence[SealedRow]:
        found = []
        for integration_id, sealed in sorted(self._integrations.secrets.items()):
            integration = await self._integrations.get(integration_id)
            if sealed.kek_id in kek_ids and integration is not None:
                context = SealContext(integration.org_id, integration.id, "secret")
                found.append(SealedRow("integrations", integration.id, context, sealed))
        return found[:limit]

    async def rewrap(self, row: SealedRow, sealed: SealedSecret) -> bool:
        if self._integrations.secrets.get(row.id) != row.sealed:
            return False
        self._integrations.secrets[row.id] = sealed
        return True
