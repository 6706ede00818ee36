"""Switching an integration off and on: while it is off, nothing is vended through it."""

from __future__ import annotations

from dataclasses import replace

from valetkey.domain.access import Action
from valetkey.domain.integration import Integration, IntegrationState
from valetkey.domain.ports import Clock, Storage
from valetkey.domain.tags import integration_tag
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.guard import Guard, load_integration


class Switches:
    """Disable and enable integrations. They are the owner's."""

    def __init__(self, storage: Storage, audit: AuditLog, clock: Clock) -> None:
        self._storage = storage
        self._audit = audit
        self._guard = Guard(audit)
        self._clock = clock

    async def disable(self, caller: Caller, integration_id: str) -> Integration:
        """Vend nothing through an integration any more; sessions that were handed out live on
        until they end or are revoked. Raises NotFound, Denied."""
        return await self._switch(caller, integration_id, IntegrationState.DISABLED)

    async def enable(self, caller: Caller, integration_id: str) -> Integration:
        """Vend again; what AWS thinks of it must be found out anew. Raises NotFound, Denied."""
        return await self._switch(caller, integration_id, IntegrationState.CREATED)

    async def _switch(
        self, caller: Caller, integration_id: str, state: IntegrationState
    ) -> Integration:
        async with self._storage.read() as work:
            integration = await load_integration(work, integration_id)
        await self._guard.require(
            caller,
            Action.MANAGE_INTEGRATIONS,
            org_id=integration.org_id,
            subject=f"integration:{integration_id}",
        )
        disables = state is IntegrationState.DISABLED
        async with self._storage.begin() as work:
            current = await load_integration(work, integration_id)
            if (current.state is IntegrationState.DISABLED) == disables:
                return current
            changed = replace(
                current,
                state=state,
                state_reason=f"switched off by {caller.principal.email}" if disables else "",
                updated_at=self._clock.now(),
            )
            await work.integrations.save(changed)
            await work.invalidations.publish({integration_tag(integration_id)})
            event = self._audit.event(
                caller,
                "integration.disable" if disables else "integration.enable",
                f"integration:{integration_id}",
                org_id=integration.org_id,
            )
            await work.audit.append([event])
        return changed
