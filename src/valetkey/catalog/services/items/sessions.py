"""The credentials that items are read and written with: vended, scoped to the location's folder.

The integration's own key is never used for data, except where a store knows no temporary
credentials at all (an ``s3`` integration).
"""

from __future__ import annotations

from typing import Final

from valetkey.catalog.domain.ports import CatalogStorage
from valetkey.catalog.services.items.dataset_storage import DatasetStorage
from valetkey.domain.integration import IntegrationType
from valetkey.domain.ports import Sealer
from valetkey.domain.ports.objects import Credentials
from valetkey.domain.scope import AccessLevel
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.guard import load_integration
from valetkey.services.integrations import open_static_key
from valetkey.services.vending import Vending, VendRequest

READ: Final = frozenset({AccessLevel.READ})
#: To learn that there is no object takes the right to list: without it S3 answers 403.
LOOK: Final = READ | {AccessLevel.LIST}
WRITE: Final = LOOK | {AccessLevel.WRITE}
DELETE: Final = LOOK | {AccessLevel.DELETE}
MOVE: Final = WRITE | DELETE


class Sessions:
    """Gives the credentials for work on a dataset's objects. Each use is in the audit trail."""

    def __init__(
        self, storage: CatalogStorage, sealer: Sealer, vending: Vending, audit: AuditLog
    ) -> None:
        self._storage = storage
        self._sealer = sealer
        self._vending = vending
        self._audit = audit

    async def open(
        self, caller: Caller, store: DatasetStorage, levels: frozenset[AccessLevel], purpose: str
    ) -> Credentials:
        """Return credentials for the location's folder and no more levels than these.

        Raises AwsRefused, AwsUnavailable, Conflict (integration disabled), SealBroken.
        """
        location = store.location
        async with self._storage.read() as work:
            integration = await load_integration(work, location.integration_id)
        if integration.type is IntegrationType.S3:
            await self._audit.write(
                self._audit.event(
                    caller,
                    "key.use",
                    f"location:{location.id}",
                    org_id=store.project.org_id,
                    purpose=purpose,
                    access=sorted(levels),
                )
            )
            return await open_static_key(self._storage, self._sealer, integration.id)
        vended = await self._vending.vend_for_service(
            caller, location.id, VendRequest(("",), levels, purpose=purpose)
        )
        return vended.credentials
