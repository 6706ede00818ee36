"""The records of vended sessions.

Generated: ``python -m valetkey.wire.library``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from valetkey.sdk.resources.base import AsyncResource, Resource
from valetkey.sdk.sending import call
from valetkey.wire import leases


class Leases(Resource):
    """The records of vended sessions."""

    def list(
        self,
        *,
        org_id: str | None = None,
        location_id: str | None = None,
        integration_id: str | None = None,
        principal: str | None = None,
        active: bool = False,
    ) -> Iterator[leases.Lease]:
        """List leases, newest first; whoever is not an owner sees their own.

        - ``org_id``: The organisation that is meant; may be left out by whoever belongs to one
          only.
        - ``location_id``: Only those of this location.
        - ``integration_id``: Only those of this integration.
        - ``principal``: Only those of this person (e-mail address).
        - ``active``: Only those that still open something.

        Raises ApiError.
        """
        return self._client.walk(
            call(
                leases.LIST_LEASES,
                query=leases.LeasesQuery(
                    org_id=org_id,
                    location_id=location_id,
                    integration_id=integration_id,
                    principal=principal,
                    active=active,
                ),
            )
        )

    def get(self, lease_id: str) -> leases.Lease:
        """Show a lease.

        - ``lease_id``: The lease's id.

        Raises ApiError.
        """
        return self._client.send(call(leases.GET_LEASE, {"leaseId": lease_id}))


class AsyncLeases(AsyncResource, like=Leases):
    """The records of vended sessions."""

    def list(
        self,
        *,
        org_id: str | None = None,
        location_id: str | None = None,
        integration_id: str | None = None,
        principal: str | None = None,
        active: bool = False,
    ) -> AsyncIterator[leases.Lease]:
        """List leases, newest first; whoever is not an owner sees their own."""
        return self._client.walk(
            call(
                leases.LIST_LEASES,
                query=leases.LeasesQuery(
                    org_id=org_id,
                    location_id=location_id,
                    integration_id=integration_id,
                    principal=principal,
                    active=active,
                ),
            )
        )

    async def get(self, lease_id: str) -> leases.Lease:
        """Show a lease."""
        return await self._client.send(call(leases.GET_LEASE, {"leaseId": lease_id}))
