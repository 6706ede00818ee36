"""The trust with an account at AWS or with a store.

Generated: ``python -m valetkey.wire.library``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Literal

from msgspec import UNSET, UnsetType

from valetkey.sdk.naming import named
from valetkey.sdk.resources.base import AsyncResource, Resource
from valetkey.sdk.sending import call
from valetkey.wire import integrations, leases, reports


class Integrations(Resource):
    """The trust with an account at AWS or with a store."""

    def list(
        self, *, org_id: str | None = None, name: str | None = None
    ) -> Iterator[integrations.Integration]:
        """List an organisation's integrations by name.

        - ``org_id``: The organisation that is meant; may be left out by whoever belongs to one
          only.
        - ``name``: Only the one of this name.

        Raises ApiError.
        """
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
        """Register an integration, and verify it.

        - ``verify``: Verify it at once, and answer with the report.
        - ``name``: Its name, for people.
        - ``type``: ``aws-sts``: an IAM user's key assumes a role. ``aws-cross``: the server's
          own identity assumes a role that asks for an external id. ``s3``: a key of an
          S3-compatible store. ``key_value``: a named secret.
        - ``org_id``: The organisation that is meant; may be left out by whoever belongs to one
          only.
        - ``access_key_id``: The key's id (``aws-sts``, ``s3``), or the name of a ``key_value``.
        - ``secret_access_key``: The key's secret, or a ``key_value``'s value. It is sealed, and
          never shown.
        - ``role_arn``: The role to assume (``aws-sts``; of ``aws-cross`` once it is made).
        - ``endpoint``: The store's address (``s3``).
        - ``provider``: Whose secret it is (``key_value``).
        - ``ref``: What it is known as there (``key_value``).

        Raises ApiError.
        """
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

    def get(self, integration: str, *, org_id: str | None = None) -> integrations.Integration:
        """Show an integration, by its name or id.

        - ``integration``: Its name or id.
        - ``org_id``: The organisation that is meant; may be left out by whoever belongs to one
          only.

        Raises ApiError.
        """
        return self._client.run(
            named(
                call(
                    integrations.LIST_INTEGRATIONS,
                    query=integrations.IntegrationsQuery(name=integration, org_id=org_id, limit=2),
                ),
                call(integrations.GET_INTEGRATION, {"integrationId": integration}),
                integration,
                "integration",
            )
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
        """Change an integration's name, key or role.

        - ``integration_id``: The integration's id.
        - ``name``: Another name.
        - ``access_key_id``: Another key's id.
        - ``secret_access_key``: Its secret.
        - ``role_arn``: Another role.
        - ``if_version``: Refuse with VersionMismatch if it has another version by now.

        Raises ApiError.
        """
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

    def delete(self, integration_id: str, *, if_version: int | None = None) -> leases.Ending:
        """Forget an integration and its secret.

        - ``integration_id``: The integration's id.
        - ``if_version``: Refuse with VersionMismatch if it has another version by now.

        Raises ApiError.
        """
        return self._client.send(
            call(
                integrations.DELETE_INTEGRATION,
                {"integrationId": integration_id},
                if_version=if_version,
            )
        )

    def verify(self, integration_id: str) -> reports.Report:
        """Try whether an integration works, through each of its locations too.

        - ``integration_id``: The integration's id.

        Raises ApiError.
        """
        return self._client.send(
            call(integrations.VERIFY_INTEGRATION, {"integrationId": integration_id})
        )

    def disable(self, integration_id: str) -> integrations.Integration:
        """Give no credentials through an integration until it is enabled again.

        - ``integration_id``: The integration's id.

        Raises ApiError.
        """
        return self._client.send(
            call(integrations.DISABLE_INTEGRATION, {"integrationId": integration_id})
        )

    def enable(self, integration_id: str) -> integrations.Integration:
        """Give credentials through an integration again; it has to be verified anew.

        - ``integration_id``: The integration's id.

        Raises ApiError.
        """
        return self._client.send(
            call(integrations.ENABLE_INTEGRATION, {"integrationId": integration_id})
        )


class AsyncIntegrations(AsyncResource, like=Integrations):
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

    async def get(self, integration: str, *, org_id: str | None = None) -> integrations.Integration:
        """Show an integration, by its name or id."""
        return await self._client.run(
            named(
                call(
                    integrations.LIST_INTEGRATIONS,
                    query=integrations.IntegrationsQuery(name=integration, org_id=org_id, limit=2),
                ),
                call(integrations.GET_INTEGRATION, {"integrationId": integration}),
                integration,
                "integration",
            )
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

    async def delete(self, integration_id: str, *, if_version: int | None = None) -> leases.Ending:
        """Forget an integration and its secret."""
        return await self._client.send(
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
