"""Work that takes time.

Generated: ``python -m valetkey.wire.library``.
"""

from __future__ import annotations

from valetkey.sdk.resources.base import AsyncResource, Resource
from valetkey.sdk.sending import call
from valetkey.wire import work


class Operations(Resource):
    """Work that takes time."""

    def get(self, operation_id: str, *, wait_seconds: int = 0) -> work.Work:
        """Show how far work is; with `waitSeconds`, once it is over.

        - ``operation_id``: The operation's id.
        - ``wait_seconds``: Answer when it is over, or after so many seconds.

        Raises ApiError.
        """
        return self._client.send(
            call(
                work.GET_OPERATION,
                {"operationId": operation_id},
                query=work.WaitQuery(wait_seconds=wait_seconds),
            )
        )

    def cancel(self, operation_id: str) -> work.Work:
        """Stop work; what it has done stays.

        - ``operation_id``: The operation's id.

        Raises ApiError.
        """
        return self._client.send(call(work.CANCEL_OPERATION, {"operationId": operation_id}))


class AsyncOperations(AsyncResource, like=Operations):
    """Work that takes time."""

    async def get(self, operation_id: str, *, wait_seconds: int = 0) -> work.Work:
        """Show how far work is; with `waitSeconds`, once it is over."""
        return await self._client.send(
            call(
                work.GET_OPERATION,
                {"operationId": operation_id},
                query=work.WaitQuery(wait_seconds=wait_seconds),
            )
        )

    async def cancel(self, operation_id: str) -> work.Work:
        """Stop work; what it has done stays."""
        return await self._client.send(call(work.CANCEL_OPERATION, {"operationId": operation_id}))
