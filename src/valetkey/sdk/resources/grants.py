"""What people and groups may have of a location, whatever their role.

Generated: ``python -m valetkey.wire.library``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from typing import Literal

from valetkey.sdk.resources.base import AsyncResource, Resource
from valetkey.sdk.sending import call, unchanged
from valetkey.wire import base, grants, leases
from valetkey.wire.base import checked_list


class Grants(Resource):
    """What people and groups may have of a location, whatever their role."""

    def list(self, location_id: str) -> Iterator[grants.Grant]:
        """List a location's grants, oldest first.

        - ``location_id``: The location's id.

        Raises ApiError.
        """
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
        """Grant folders of a location to a person or a group.

        - ``location_id``: The location's id.
        - ``prefixes``: Folders below the location's own, each ending in "/"; "" is all of it.
        - ``access``: What may be done: list, read, write, delete.
        - ``user``: The e-mail address of whom it is for.
        - ``group``: Or the name or the id of the group.
        - ``max_ttl_seconds``: The longest life of a credential.
        - ``ends_at``: When it ends; left out: never.
        - ``reason``: Why it is given.

        Raises ApiError.
        """
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
        """Show a grant.

        - ``location_id``: The location's id.
        - ``grant_id``: The grant's id.

        Raises ApiError.
        """
        return self._client.send(
            call(grants.GET_GRANT, {"locationId": location_id, "grantId": grant_id})
        )

    def delete(
        self, location_id: str, grant_id: str, *, if_unchanged: grants.Grant | None = None
    ) -> leases.Ending:
        """Take a grant back; what was cached for it is forgotten at once.

        - ``location_id``: The location's id.
        - ``grant_id``: The grant's id.
        - ``if_unchanged``: What was read of it: refuse with VersionMismatch if it is another by
          now.

        Raises ApiError.
        """
        return self._client.run(
            unchanged(
                call(grants.DELETE_GRANT, {"locationId": location_id, "grantId": grant_id}),
                grants.GET_GRANT,
                {"locationId": location_id, "grantId": grant_id},
                if_unchanged,
            )
        )


class AsyncGrants(AsyncResource, like=Grants):
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
        self, location_id: str, grant_id: str, *, if_unchanged: grants.Grant | None = None
    ) -> leases.Ending:
        """Take a grant back; what was cached for it is forgotten at once."""
        return await self._client.run(
            unchanged(
                call(grants.DELETE_GRANT, {"locationId": location_id, "grantId": grant_id}),
                grants.GET_GRANT,
                {"locationId": location_id, "grantId": grant_id},
                if_unchanged,
            )
        )
