"""The trust with an account at AWS or with a store.

Generated: ``python -m valetkey.wire.library``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Literal

from msgspec import UNSET, UnsetType

from valetkey.sdk.resources.base import AsyncResource, Resource
from valetkey.sdk.sending import call
from valetkey.wire import integrations, reports


class Integrations(Resource):
    """The trust with an account at AWS or with a store."""

    def list(
        self, *, org_id: str | None = None, name: str | None = None
    ) -> Iterator[integrations.Integration]:
        """List an organisation's integrations by name."""
        return self._client.walk(
            call(
                integrations.LIST_INTEGRATIONS,
                query=integrations.IntegrationsQuery(org_id=org_id, name=name),
            )
        )

    def create(
        self,
        *,
        name: str,
        verify: bool = True,
        type: Literal["aws-sts", "aws-cross", "s3", "key_value"] = "aws-sts",
        org_id: str | None = None,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        role_arn: str | None = None,
        endpoint: str | None = None,
        provider: str | None = None,
        ref: str | None = None,
    ) -> integrations.Integration:
        """Register an integration, and verify it."""
        return self._client.send(
            call(
                integrations.CREATE_INTEGRATION,
                query=integrations.VerifyQuery(verify=verify),
                body=integrations.NewIntegration(
                    name=name,
                    type=type,
                    org_id=org_id,
                    access_key_id=access_key_id,
                    secret_access_key=secret_access_key,
                    role_arn=role_arn,
                    endpoint=endpoint,
                    provider=provider,
                    ref=ref,
                ),
            )
        )

    def get(self, integration_id: str) -> integrations.Integration:
        """Show an integration."""
        return self._client.send(
            call(integrations.GET_INTEGRATION, {"integrationId": integration_id})
        )

    def update(
        self,
        integration_id: str,
        *,
        name: str | UnsetType = UNSET,
        access_key_id: str | UnsetType = UNSET,
        secret_access_key: str | UnsetType = UNSET,
        role_arn: str | UnsetType = UNSET,
        if_version: int | None = None,
    ) -> integrations.Integration:
        """Change an integration's name, key or role."""
        return self._client.send(
            call(
                integrations.UPDATE_INTEGRATION,
                {"integrationId": integration_id},
                body=integrations.IntegrationChange(
                    name=name,
                    access_key_id=access_key_id,
                    secret_access_key=secret_access_key,
                    role_arn=role_arn,
                ),
                if_version=if_version,
            )
        )

    def delete(self, integration_id: str, *, if_version: int | None = None) -> None:
        """Forget an integration and its secret."""
        self._client.send(
            call(
                integrations.DELETE_INTEGRATION,
                {"integrationId": integration_id},
                if_version=if_version,
            )
        )

    def verify(self, integration_id: str) -> reports.Report:
        """Try whether an integration works, through each of its locations too."""
        return self._client.send(
            call(integrations.VERIFY_INTEGRATION, {"integrationId": integration_id})
        )

    def disable(self, integration_id: str) -> integrations.Integration:
        """Give no credentials through an integration until it is enabled again."""
        return self._client.send(
            call(integrations.DISABLE_INTEGRATION, {"integrationId": integration_id})
        )

    def enable(self, integration_id: str) -> integrations.Integration:
        """Give credentials through an integration again; it has to be verified anew."""
        return self._client.send(
            call(integrations.ENABLE_INTEGRATION, {"integrationId": integration_id})
        )


class AsyncIntegrations(AsyncResource):
    """The trust with an account at AWS or with a store."""

    def list(
        self, *, org_id: str | None = None, name: str | None = None
    ) -> AsyncIterator[integrations.Integration]:
        """List an organisation's integrations by name."""
        return self._client.walk(
            call(
                integrations.LIST_INTEGRATIONS,
                query=integrations.IntegrationsQuery(org_id=org_id, name=name),
            )
        )

    async def create(
        self,
        *,
        name: str,
        verify: bool = True,
        type: Literal["aws-sts", "aws-cross", "s3", "key_value"] = "aws-sts",
        org_id: str | None = None,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        role_arn: str | None = None,
        endpoint: str | None = None,
        provider: str | None = None,
        ref: str | None = None,
    ) -> integrations.Integration:
        """Register an integration, and verify it."""
        return await self._client.send(
            call(
                integrations.CREATE_INTEGRATION,
                query=integrations.VerifyQuery(verify=verify),
                body=integrations.NewIntegration(
                    name=name,
                    type=type,
                    org_id=org_id,
                    access_key_id=access_key_id,
                    secret_access_key=secret_access_key,
                    role_arn=role_arn,
                    endpoint=endpoint,
                    provider=provider,
                    ref=ref,
                ),
            )
        )

    async def get(self, integration_id: str) -> integrations.Integration:
        """Show an integration."""
        return await self._client.send(
            call(integrations.GET_INTEGRATION, {"integrationId": integration_id})
        )

    async def update(
        self,
        integration_id: str,
        *,
        name: str | UnsetType = UNSET,
        access_key_id: str | UnsetType = UNSET,
        secret_access_key: str | UnsetType = UNSET,
        role_arn: str | UnsetType = UNSET,
        if_version: int | None = None,
    ) -> integrations.Integration:
        """Change an integration's name, key or role."""
        return await self._client.send(
            call(
                integrations.UPDATE_INTEGRATION,
                {"integrationId": integration_id},
                body=integrations.IntegrationChange(
                    name=name,
                    access_key_id=access_key_id,
                    secret_access_key=secret_access_key,
                    role_arn=role_arn,
                ),
                if_version=if_version,
            )
        )

    async def delete(self, integration_id: str, *, if_version: int | None = None) -> None:
        """Forget an integration and its secret."""
        await self._client.send(
            call(
                integrations.DELETE_INTEGRATION,
                {"integrationId": integration_id},
                if_version=if_version,
            )
        )

    async def verify(self, integration_id: str) -> reports.Report:
        """Try whether an integration works, through each of its locations too."""
        return await self._client.send(
            call(integrations.VERIFY_INTEGRATION, {"integrationId": integration_id})
        )

    async def disable(self, integration_id: str) -> integrations.Integration:
        """Give no credentials through an integration until it is enabled again."""
        return await self._client.send(
            call(integrations.DISABLE_INTEGRATION, {"integrationId": integration_id})
        )

    async def enable(self, integration_id: str) -> integrations.Integration:
        """Give credentials through an integration again; it has to be verified anew."""
        return await self._client.send(
            call(integrations.ENABLE_INTEGRATION, {"integrationId": integration_id})
        )
