"""API tokens: what programs show.

Generated: ``python -m valetkey.wire.library``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from valetkey.sdk.resources.base import AsyncResource, Resource
from valetkey.sdk.sending import call, unchanged
from valetkey.wire import leases, tokens


class Tokens(Resource):
    """API tokens: what programs show."""

    def list(self, *, org_id: str | None = None) -> Iterator[tokens.Token]:
        """List one's API tokens, or an organisation's, newest first.

        - ``org_id``: Those of everybody in this organisation, for its owners; left out: one's
          own.

        Raises ApiError.
        """
        return self._client.walk(call(tokens.LIST_TOKENS, query=tokens.TokensQuery(org_id=org_id)))

    def create(
        self,
        *,
        name: str,
        ttl_seconds: int | None = None,
        limits: tokens.TokenLimits | None = None,
        org_id: str | None = None,
    ) -> tokens.Token:
        """Make an API token; the answer alone holds it.

        - ``name``: What it is for.
        - ``ttl_seconds``: For how long it is good: up to a year; left out: 90 days.
        - ``limits``: What it may not do although its holder may.
        - ``org_id``: The organisation that is meant; may be left out by whoever belongs to one
          only.

        Raises ApiError.
        """
        return self._client.send(
            call(
                tokens.CREATE_TOKEN,
                body=tokens.NewToken(
                    name=name, ttl_seconds=ttl_seconds, limits=limits, org_id=org_id
                ),
            )
        )

    def get(self, token_id: str) -> tokens.Token:
        """Show an API token.

        - ``token_id``: The token's id.

        Raises ApiError.
        """
        return self._client.send(call(tokens.GET_TOKEN, {"tokenId": token_id}))

    def revoke(self, token_id: str, *, if_unchanged: tokens.Token | None = None) -> leases.Ending:
        """End an API token at once.

        - ``token_id``: The token's id.
        - ``if_unchanged``: What was read of it: refuse with VersionMismatch if it is another by
          now.

        Raises ApiError.
        """
        return self._client.run(
            unchanged(
                call(tokens.REVOKE_TOKEN, {"tokenId": token_id}),
                tokens.GET_TOKEN,
                {"tokenId": token_id},
                if_unchanged,
            )
        )


class AsyncTokens(AsyncResource, like=Tokens):
    """API tokens: what programs show."""

    def list(self, *, org_id: str | None = None) -> AsyncIterator[tokens.Token]:
        """List one's API tokens, or an organisation's, newest first."""
        return self._client.walk(call(tokens.LIST_TOKENS, query=tokens.TokensQuery(org_id=org_id)))

    async def create(
        self,
        *,
        name: str,
        ttl_seconds: int | None = None,
        limits: tokens.TokenLimits | None = None,
        org_id: str | None = None,
    ) -> tokens.Token:
        """Make an API token; the answer alone holds it."""
        return await self._client.send(
            call(
                tokens.CREATE_TOKEN,
                body=tokens.NewToken(
                    name=name, ttl_seconds=ttl_seconds, limits=limits, org_id=org_id
                ),
            )
        )

    async def get(self, token_id: str) -> tokens.Token:
        """Show an API token."""
        return await self._client.send(call(tokens.GET_TOKEN, {"tokenId": token_id}))

    async def revoke(
        self, token_id: str, *, if_unchanged: tokens.Token | None = None
    ) -> leases.Ending:
        """End an API token at once."""
        return await self._client.run(
            unchanged(
                call(tokens.REVOKE_TOKEN, {"tokenId": token_id}),
                tokens.GET_TOKEN,
                {"tokenId": token_id},
                if_unchanged,
            )
        )
