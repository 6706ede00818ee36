"""The credentials that items are read and written with: vended, scoped to the location's folder.

The integration's own key is never used for data, except where a store knows no temporary
credentials at all (an ``s3`` integration).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from valetkey.catalog.domain.ports import CatalogStorage
from valetkey.catalog.services.items.dataset_storage import DatasetStorage, Look
from valetkey.domain.credentials import AwsCredentials, TemporaryCredentials
from valetkey.domain.errors import Unsettled
from valetkey.domain.ports import Clock, Sealer
from valetkey.domain.ports.objects import CredentialSource
from valetkey.domain.scope import AccessLevel, Extra
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.integrations import open_static_key
from valetkey.services.lookup import load_integration
from valetkey.services.vending import Vending, VendRequest, rounds, unsettled

#: With less than this left, credentials are taken anew: a part of a transfer takes minutes.
MARGIN: Final = timedelta(minutes=5)
READ: Final = frozenset({AccessLevel.READ})
#: To learn that there is no object takes the right to list: without it S3 answers 403.
LOOK: Final = READ | {AccessLevel.LIST}
WRITE: Final = LOOK | {AccessLevel.WRITE}
DELETE: Final = LOOK | {AccessLevel.DELETE}
MOVE: Final = WRITE | DELETE
#: What a copy needs to carry an object's tags along.
TAGS: Final = frozenset({Extra.TAGS})
RESTORE: Final = frozenset({Extra.RESTORE})


class Sessions:
    """Gives the credentials for work on a dataset's objects. Each use is in the audit trail."""

    def __init__(
        self,
        storage: CatalogStorage,
        sealer: Sealer,
        vending: Vending,
        audit: AuditLog,
        clock: Clock,
    ) -> None:
        self._storage = storage
        self._sealer = sealer
        self._vending = vending
        self._audit = audit
        self._clock = clock

    async def lasting(
        self,
        look: Look,
        store: DatasetStorage,
        levels: frozenset[AccessLevel],
        purpose: str,
        *,
        extras: frozenset[Extra] = frozenset(),
    ) -> CredentialSource:
        """Return what gives credentials that hold for a while yet, however long the work takes: it
        vends anew when they end, to whom ``look`` gives, and raises what that and :meth:`open`
        do."""

        async def vend() -> AwsCredentials:
            return await self.open(await look(), store, levels, purpose, extras=extras)

        renew = renewed(self._clock, vend)
        await renew()
        return renew

    async def open(
        self,
        caller: Caller,
        store: DatasetStorage,
        levels: frozenset[AccessLevel],
        purpose: str,
        *,
        extras: frozenset[Extra] = frozenset(),
    ) -> AwsCredentials:
        """Return credentials for the location's folder and no more levels than these, with
        the rights of ``extras`` as far as the role has them.

        Raises AwsRefused, AwsUnavailable, Conflict (integration disabled), SealBroken.
        """
        location = store.location
        async with self._storage.read() as work:
            integration = await load_integration(work, location.integration_id)
        if integration.type.rules.opens_by_key:
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
            caller, location.id, VendRequest(("",), levels, purpose=purpose, extras=extras)
        )
        return vended.credentials


def renewed(clock: Clock, make: Callable[[], Awaitable[AwsCredentials]]) -> CredentialSource:
    """Return what gives credentials that hold for a while yet: it makes others when they end, once
    for all who wait. ``make`` decides the right to them each time, and is tried again where that
    changed meanwhile. Raises what making them raises."""
    held: AwsCredentials | None = None
    renewing = asyncio.Lock()

    async def give() -> AwsCredentials:
        nonlocal held
        async with renewing:
            if held is None or is_ending(held, clock.now()):
                held = await _made(clock, make)
            return held

    return give


async def _made(clock: Clock, make: Callable[[], Awaitable[AwsCredentials]]) -> AwsCredentials:
    for _ in rounds(clock):
        with suppress(Unsettled):
            return await make()
    raise unsettled()


def is_ending(credentials: AwsCredentials, now: datetime) -> bool:
    """Tell whether credentials are to be taken anew."""
    if not isinstance(credentials, TemporaryCredentials):
        return False
    return credentials.remaining(now) < MARGIN
