"""Programs that are nobody's person.

Generated: ``python -m valetkey.wire.library``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Literal

from valetkey.sdk.resources.base import AsyncResource, Resource
from valetkey.sdk.sending import call, unchanged
from valetkey.wire import base, orgs, service_accounts, tokens


class ServiceAccounts(Resource):
    """Programs that are nobody's person."""

    def list(self, *, project_id: str) -> Iterator[service_accounts.ServiceAccount]:
        """List a project's service accounts.

        - ``project_id``: The project that it belongs to.

        Raises ApiError.
        """
        return self._client.walk(
            call(
                service_accounts.LIST_SERVICE_ACCOUNTS,
                query=service_accounts.ServiceAccountsQuery(project_id=project_id),
            )
        )

    def create(
        self,
        *,
        project_id: str,
        name: str,
        role: Literal["owner", "developer", "annotationManager", "annotator"],
    ) -> service_accounts.ServiceAccount:
        """Make a service account with a role in its project.

        - ``project_id``: The project that it belongs to.
        - ``name``: Its name: small letters, digits and hyphens.
        - ``role``: ``owner`` and ``developer`` vend within the project's locations;
          ``annotationManager`` and ``annotator`` have what grants give them.

        Raises ApiError.
        """
        return self._client.send(
            call(
                service_accounts.CREATE_SERVICE_ACCOUNT,
                body=service_accounts.NewServiceAccount(
                    project_id=project_id, name=name, role=role
                ),
            )
        )

    def get(self, service_account_id: str) -> service_accounts.ServiceAccount:
        """Show a service account.

        - ``service_account_id``: The service account's id.

        Raises ApiError.
        """
        return self._client.send(
            call(service_accounts.GET_SERVICE_ACCOUNT, {"serviceAccountId": service_account_id})
        )

    def delete(
        self,
        service_account_id: str,
        *,
        if_unchanged: service_accounts.ServiceAccount | None = None,
    ) -> orgs.Departure:
        """Forget a service account: tokens, roles, grants and AWS sessions end.

        - ``service_account_id``: The service account's id.
        - ``if_unchanged``: What was read of it: refuse with VersionMismatch if it is another by
          now.

        Raises ApiError.
        """
        return self._client.run(
            unchanged(
                call(
                    service_accounts.DELETE_SERVICE_ACCOUNT,
                    {"serviceAccountId": service_account_id},
                ),
                service_accounts.GET_SERVICE_ACCOUNT,
                {"serviceAccountId": service_account_id},
                if_unchanged,
            )
        )

    def list_tokens(self, service_account_id: str) -> Iterator[tokens.Token]:
        """List a service account's API tokens, newest first.

        - ``service_account_id``: The service account's id.

        Raises ApiError.
        """
        return self._client.walk(
            call(
                service_accounts.LIST_SERVICE_ACCOUNT_TOKENS,
                {"serviceAccountId": service_account_id},
                query=base.Paging(),
            )
        )

    def create_token(
        self,
        service_account_id: str,
        *,
        name: str,
        ttl_seconds: int | None = None,
        limits: tokens.TokenLimits | None = None,
        org_id: str | None = None,
    ) -> tokens.Token:
        """Make an API token for a service account; the answer alone holds it.

        - ``service_account_id``: The service account's id.
        - ``name``: What it is for.
        - ``ttl_seconds``: For how long it is good: up to a year; left out: 90 days.
        - ``limits``: What it may not do although its holder may.
        - ``org_id``: The organisation that is meant; may be left out by whoever belongs to one
          only.

        Raises ApiError.
        """
        return self._client.send(
            call(
                service_accounts.CREATE_SERVICE_ACCOUNT_TOKEN,
                {"serviceAccountId": service_account_id},
                body=tokens.NewToken(
                    name=name, ttl_seconds=ttl_seconds, limits=limits, org_id=org_id
                ),
            )
        )


class AsyncServiceAccounts(AsyncResource, like=ServiceAccounts):
    """Programs that are nobody's person."""

    def list(self, *, project_id: str) -> AsyncIterator[service_accounts.ServiceAccount]:
        """List a project's service accounts."""
        return self._client.walk(
            call(
                service_accounts.LIST_SERVICE_ACCOUNTS,
                query=service_accounts.ServiceAccountsQuery(project_id=project_id),
            )
        )

    async def create(
        self,
        *,
        project_id: str,
        name: str,
        role: Literal["owner", "developer", "annotationManager", "annotator"],
    ) -> service_accounts.ServiceAccount:
        """Make a service account with a role in its project."""
        return await self._client.send(
            call(
                service_accounts.CREATE_SERVICE_ACCOUNT,
                body=service_accounts.NewServiceAccount(
                    project_id=project_id, name=name, role=role
                ),
            )
        )

    async def get(self, service_account_id: str) -> service_accounts.ServiceAccount:
        """Show a service account."""
        return await self._client.send(
            call(service_accounts.GET_SERVICE_ACCOUNT, {"serviceAccountId": service_account_id})
        )

    async def delete(
        self,
        service_account_id: str,
        *,
        if_unchanged: service_accounts.ServiceAccount | None = None,
    ) -> orgs.Departure:
        """Forget a service account: tokens, roles, grants and AWS sessions end."""
        return await self._client.run(
            unchanged(
                call(
                    service_accounts.DELETE_SERVICE_ACCOUNT,
                    {"serviceAccountId": service_account_id},
                ),
                service_accounts.GET_SERVICE_ACCOUNT,
                {"serviceAccountId": service_account_id},
                if_unchanged,
            )
        )

    def list_tokens(self, service_account_id: str) -> AsyncIterator[tokens.Token]:
        """List a service account's API tokens, newest first."""
        return self._client.walk(
            call(
                service_accounts.LIST_SERVICE_ACCOUNT_TOKENS,
                {"serviceAccountId": service_account_id},
                query=base.Paging(),
            )
        )

    async def create_token(
        self,
        service_account_id: str,
        *,
        name: str,
        ttl_seconds: int | None = None,
        limits: tokens.TokenLimits | None = None,
        org_id: str | None = None,
    ) -> tokens.Token:
        """Make an API token for a service account; the answer alone holds it."""
        return await self._client.send(
            call(
                service_accounts.CREATE_SERVICE_ACCOUNT_TOKEN,
                {"serviceAccountId": service_account_id},
                body=tokens.NewToken(
                    name=name, ttl_seconds=ttl_seconds, limits=limits, org_id=org_id
                ),
            )
        )
