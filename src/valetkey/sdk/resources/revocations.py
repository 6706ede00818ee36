"""Ending leases, and refusing new ones.

Generated: ``python -m valetkey.wire.library``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Literal

from valetkey.sdk.resources.base import AsyncResource, Resource
from valetkey.sdk.sending import call, unchanged
from valetkey.wire import administrators, leases


class Revocations(Resource):
    """Ending leases, and refusing new ones."""

    def list(self, *, org_id: str | None = None) -> Iterator[leases.Revocation]:
        """List what was revoked, newest first.

        - ``org_id``: The organisation that is meant; may be left out by whoever belongs to one
          only.

        Raises ApiError.
        """
        return self._client.walk(
            call(leases.LIST_REVOCATIONS, query=leases.RevocationsQuery(org_id=org_id))
        )

    def create(
        self,
        *,
        kind: Literal["lease", "principal", "location", "integration", "token", "serviceAccount"],
        target: str,
        reason: str,
        org_id: str | None = None,
        refuse_new: bool = False,
        administrator: administrators.Administrator | None = None,
    ) -> leases.Revoked:
        """End leases: AWS refuses their credentials, and the URLs presigned with them.

        - ``kind``: What is meant.
        - ``target``: Which: an id, or a person's e-mail address.
        - ``reason``: Why, in one line: it is audited.
        - ``org_id``: The organisation that is meant; may be left out by whoever belongs to one
          only.
        - ``refuse_new``: Block it too: vend no new ones until it is unblocked.
        - ``administrator``: AWS credentials for this one request, where Valetkey's own may not
          do it.

        Raises ApiError.
        """
        return self._client.send(
            call(
                leases.CREATE_REVOCATION,
                body=leases.NewRevocation(
                    kind=kind,
                    target=target,
                    reason=reason,
                    org_id=org_id,
                    refuse_new=refuse_new,
                    administrator=administrator,
                ),
            )
        )

    def get(self, revocation_id: str, *, org_id: str | None = None) -> leases.Revocation:
        """Show a revocation.

        - ``revocation_id``: The revocation's id.
        - ``org_id``: The organisation that is meant; may be left out by whoever belongs to one
          only.

        Raises ApiError.
        """
        return self._client.send(
            call(
                leases.GET_REVOCATION,
                {"revocationId": revocation_id},
                query=leases.InOrg(org_id=org_id),
            )
        )

    def list_blocks(self, *, org_id: str | None = None) -> Iterator[leases.Block]:
        """List whom, or through what, no new credentials are vended.

        - ``org_id``: The organisation that is meant; may be left out by whoever belongs to one
          only.

        Raises ApiError.
        """
        return self._client.walk(call(leases.LIST_BLOCKS, query=leases.BlocksQuery(org_id=org_id)))

    def get_block(self, kind: str, target: str, *, org_id: str | None = None) -> leases.Block:
        """Show a block.

        - ``kind``: The kind.
        - ``target``: The target.
        - ``org_id``: The organisation that is meant; may be left out by whoever belongs to one
          only.

        Raises ApiError.
        """
        return self._client.send(
            call(
                leases.GET_BLOCK,
                {"kind": kind, "target": target},
                query=leases.InOrg(org_id=org_id),
            )
        )

    def put_block(
        self,
        kind: str,
        target: str,
        *,
        reason: str,
        org_id: str | None = None,
        if_unchanged: leases.Block | None = None,
    ) -> leases.Block:
        """Block: vend no new credentials, from now on.

        - ``kind``: The kind.
        - ``target``: The target.
        - ``org_id``: The organisation that is meant; may be left out by whoever belongs to one
          only.
        - ``reason``: Why, in one line: it is audited.
        - ``if_unchanged``: What was read of it: refuse with VersionMismatch if it is another by
          now.

        Raises ApiError.
        """
        return self._client.run(
            unchanged(
                call(
                    leases.PUT_BLOCK,
                    {"kind": kind, "target": target},
                    query=leases.InOrg(org_id=org_id),
                    body=leases.NewBlock(reason=reason),
                ),
                leases.GET_BLOCK,
                {"kind": kind, "target": target},
                if_unchanged,
            )
        )

    def delete_block(
        self,
        kind: str,
        target: str,
        *,
        org_id: str | None = None,
        if_unchanged: leases.Block | None = None,
    ) -> None:
        """Unblock: vend new credentials again.

        - ``kind``: The kind.
        - ``target``: The target.
        - ``org_id``: The organisation that is meant; may be left out by whoever belongs to one
          only.
        - ``if_unchanged``: What was read of it: refuse with VersionMismatch if it is another by
          now.

        Raises ApiError.
        """
        self._client.run(
            unchanged(
                call(
                    leases.DELETE_BLOCK,
                    {"kind": kind, "target": target},
                    query=leases.InOrg(org_id=org_id),
                ),
                leases.GET_BLOCK,
                {"kind": kind, "target": target},
                if_unchanged,
            )
        )


class AsyncRevocations(AsyncResource, like=Revocations):
    """Ending leases, and refusing new ones."""

    def list(self, *, org_id: str | None = None) -> AsyncIterator[leases.Revocation]:
        """List what was revoked, newest first."""
        return self._client.walk(
            call(leases.LIST_REVOCATIONS, query=leases.RevocationsQuery(org_id=org_id))
        )

    async def create(
        self,
        *,
        kind: Literal["lease", "principal", "location", "integration", "token", "serviceAccount"],
        target: str,
        reason: str,
        org_id: str | None = None,
        refuse_new: bool = False,
        administrator: administrators.Administrator | None = None,
    ) -> leases.Revoked:
        """End leases: AWS refuses their credentials, and the URLs presigned with them."""
        return await self._client.send(
            call(
                leases.CREATE_REVOCATION,
                body=leases.NewRevocation(
                    kind=kind,
                    target=target,
                    reason=reason,
                    org_id=org_id,
                    refuse_new=refuse_new,
                    administrator=administrator,
                ),
            )
        )

    async def get(self, revocation_id: str, *, org_id: str | None = None) -> leases.Revocation:
        """Show a revocation."""
        return await self._client.send(
            call(
                leases.GET_REVOCATION,
                {"revocationId": revocation_id},
                query=leases.InOrg(org_id=org_id),
            )
        )

    def list_blocks(self, *, org_id: str | None = None) -> AsyncIterator[leases.Block]:
        """List whom, or through what, no new credentials are vended."""
        return self._client.walk(call(leases.LIST_BLOCKS, query=leases.BlocksQuery(org_id=org_id)))

    async def get_block(self, kind: str, target: str, *, org_id: str | None = None) -> leases.Block:
        """Show a block."""
        return await self._client.send(
            call(
                leases.GET_BLOCK,
                {"kind": kind, "target": target},
                query=leases.InOrg(org_id=org_id),
            )
        )

    async def put_block(
        self,
        kind: str,
        target: str,
        *,
        reason: str,
        org_id: str | None = None,
        if_unchanged: leases.Block | None = None,
    ) -> leases.Block:
        """Block: vend no new credentials, from now on."""
        return await self._client.run(
            unchanged(
                call(
                    leases.PUT_BLOCK,
                    {"kind": kind, "target": target},
                    query=leases.InOrg(org_id=org_id),
                    body=leases.NewBlock(reason=reason),
                ),
                leases.GET_BLOCK,
                {"kind": kind, "target": target},
                if_unchanged,
            )
        )

    async def delete_block(
        self,
        kind: str,
        target: str,
        *,
        org_id: str | None = None,
        if_unchanged: leases.Block | None = None,
    ) -> None:
        """Unblock: vend new credentials again."""
        await self._client.run(
            unchanged(
                call(
                    leases.DELETE_BLOCK,
                    {"kind": kind, "target": target},
                    query=leases.InOrg(org_id=org_id),
                ),
                leases.GET_BLOCK,
                {"kind": kind, "target": target},
                if_unchanged,
            )
        )
