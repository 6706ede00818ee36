"""What people and groups may have of a location, whatever their role.

Generated: ``python -m valetkey.wire.library``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from typing import Literal

from valetkey.sdk.resources.base import AsyncResource, Resource
from valetkey.sdk.sending import call
from valetkey.wire import base, grants
from valetkey.wire.base import checked_list


class Grants(Resource):
    """What people and groups may have of a location, whatever their role."""

    def list(self, location_id: str) -> Iterator[grants.Grant]:
        """List a location's grants, oldest first."""
        return self._client.walk(
            call(grants.LIST_GRANTS, {"locationId": location_id}, query=base.Paging())
        )

    def create(
        self,
        location_id: str,
        *,
        prefixes: Sequence[str],
        access: Sequence[Literal["list", "read", "write", "delete"]],
        user: str | None = None,
        group: str | None = None,
        max_ttl_seconds: int = 43200,
        ends_at: datetime | None = None,
        reason: str | None = None,
    ) -> grants.Grant:
        """Grant folders of a location to a person or a group."""
        return self._client.send(
            call(
                grants.CREATE_GRANT,
                {"locationId": location_id},
                body=grants.NewGrant(
                    prefixes=checked_list(prefixes, "prefixes"),
                    access=checked_list(access, "access"),
                    user=user,
                    group=group,
                    max_ttl_seconds=max_ttl_seconds,
                    ends_at=ends_at,
                    reason=reason,
                ),
            )
        )

    def get(self, location_id: str, grant_id: str) -> grants.Grant:
        """Show a grant."""
        return self._client.send(
            call(grants.GET_GRANT, {"locationId": location_id, "grantId": grant_id})
        )

    def delete(self, location_id: str, grant_id: str, *, if_version: int | None = None) -> None:
        """Take a grant back; what was cached for it is forgotten at once."""
        self._client.send(
            call(
                grants.DELETE_GRANT,
                {"locationId": location_id, "grantId": grant_id},
                if_version=if_version,
            )
        )


class AsyncGrants(AsyncResource):
    """What people and groups may have of a location, whatever their role."""

    def list(self, location_id: str) -> AsyncIterator[grants.Grant]:
        """List a location's grants, oldest first."""
        return self._client.walk(
            call(grants.LIST_GRANTS, {"locationId": location_id}, query=base.Paging())
        )

    async def create(
        self,
        location_id: str,
        *,
        prefixes: Sequence[str],
        access: Sequence[Literal["list", "read", "write", "delete"]],
        user: str | None = None,
        group: str | None = None,
        max_ttl_seconds: int = 43200,
        ends_at: datetime | None = None,
        reason: str | None = None,
    ) -> grants.Grant:
        """Grant folders of a location to a person or a group."""
        return await self._client.send(
            call(
                grants.CREATE_GRANT,
                {"locationId": location_id},
                body=grants.NewGrant(
                    prefixes=checked_list(prefixes, "prefixes"),
                    access=checked_list(access, "access"),
                    user=user,
                    group=group,
                    max_ttl_seconds=max_ttl_seconds,
                    ends_at=ends_at,
                    reason=reason,
                ),
            )
        )

    async def get(self, location_id: str, grant_id: str) -> grants.Grant:
        """Show a grant."""
        return await self._client.send(
            call(grants.GET_GRANT, {"locationId": location_id, "grantId": grant_id})
        )

    async def delete(
        self, location_id: str, grant_id: str, *, if_version: int | None = None
    ) -> None:
        """Take a grant back; what was cached for it is forgotten at once."""
        await self._client.send(
            call(
                grants.DELETE_GRANT,
                {"locationId": location_id, "grantId": grant_id},
                if_version=if_version,
            )
        )
