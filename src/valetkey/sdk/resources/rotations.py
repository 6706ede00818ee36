"""Replacing an integration's access key, proven before it is used.

Generated: ``python -m valetkey.wire.library``.
"""

from __future__ import annotations

from valetkey.sdk.resources.base import AsyncResource, Resource
from valetkey.sdk.sending import call, unchanged
from valetkey.wire import administrators, rotations


class Rotations(Resource):
    """Replacing an integration's access key, proven before it is used."""

    def create(
        self,
        integration_id: str,
        *,
        delete_unknown_key: str | None = None,
        grace_seconds: int | None = None,
        administrator: administrators.Administrator | None = None,
    ) -> rotations.Rotation:
        """Start to replace an integration's access key, or go on with the rotation under way.

        - ``integration_id``: The integration's id.
        - ``delete_unknown_key``: The id of another key that may go to make room.
        - ``grace_seconds``: For how long the old key stays, switched off, before it is deleted.
        - ``administrator``: AWS credentials for this one request, where Valetkey's own may not
          do it.

        Raises ApiError.
        """
        return self._client.send(
            call(
                rotations.CREATE_ROTATION,
                {"integrationId": integration_id},
                body=rotations.NewRotation(
                    delete_unknown_key=delete_unknown_key,
                    grace_seconds=grace_seconds,
                    administrator=administrator,
                ),
            )
        )

    def get_latest(self, integration_id: str) -> rotations.Rotation:
        """Show the latest rotation of an integration's access key.

        - ``integration_id``: The integration's id.

        Raises ApiError.
        """
        return self._client.send(
            call(rotations.GET_LATEST_ROTATION, {"integrationId": integration_id})
        )

    def cancel(self, integration_id: str) -> rotations.Rotation:
        """End the rotation under way; the integration keeps the key that it holds.

        - ``integration_id``: The integration's id.

        Raises ApiError.
        """
        return self._client.send(call(rotations.CANCEL_ROTATION, {"integrationId": integration_id}))

    def get_schedule(self, integration_id: str) -> rotations.RotationSchedule:
        """Show how often an integration's access key is rotated.

        - ``integration_id``: The integration's id.

        Raises ApiError.
        """
        return self._client.send(
            call(rotations.GET_ROTATION_SCHEDULE, {"integrationId": integration_id})
        )

    def put_schedule(
        self,
        integration_id: str,
        *,
        every_seconds: int,
        if_unchanged: rotations.RotationSchedule | None = None,
    ) -> rotations.RotationSchedule:
        """Rotate an integration's access key regularly from now on.

        - ``integration_id``: The integration's id.
        - ``every_seconds``: A day to a year.
        - ``if_unchanged``: What was read of it: refuse with VersionMismatch if it is another by
          now.

        Raises ApiError.
        """
        return self._client.run(
            unchanged(
                call(
                    rotations.PUT_ROTATION_SCHEDULE,
                    {"integrationId": integration_id},
                    body=rotations.NewRotationSchedule(every_seconds=every_seconds),
                ),
                rotations.GET_ROTATION_SCHEDULE,
                {"integrationId": integration_id},
                if_unchanged,
            )
        )

    def delete_schedule(
        self, integration_id: str, *, if_unchanged: rotations.RotationSchedule | None = None
    ) -> None:
        """Rotate no longer by itself.

        - ``integration_id``: The integration's id.
        - ``if_unchanged``: What was read of it: refuse with VersionMismatch if it is another by
          now.

        Raises ApiError.
        """
        self._client.run(
            unchanged(
                call(rotations.DELETE_ROTATION_SCHEDULE, {"integrationId": integration_id}),
                rotations.GET_ROTATION_SCHEDULE,
                {"integrationId": integration_id},
                if_unchanged,
            )
        )


class AsyncRotations(AsyncResource, like=Rotations):
    """Replacing an integration's access key, proven before it is used."""

    async def create(
        self,
        integration_id: str,
        *,
        delete_unknown_key: str | None = None,
        grace_seconds: int | None = None,
        administrator: administrators.Administrator | None = None,
    ) -> rotations.Rotation:
        """Start to replace an integration's access key, or go on with the rotation under way."""
        return await self._client.send(
            call(
                rotations.CREATE_ROTATION,
                {"integrationId": integration_id},
                body=rotations.NewRotation(
                    delete_unknown_key=delete_unknown_key,
                    grace_seconds=grace_seconds,
                    administrator=administrator,
                ),
            )
        )

    async def get_latest(self, integration_id: str) -> rotations.Rotation:
        """Show the latest rotation of an integration's access key."""
        return await self._client.send(
            call(rotations.GET_LATEST_ROTATION, {"integrationId": integration_id})
        )

    async def cancel(self, integration_id: str) -> rotations.Rotation:
        """End the rotation under way; the integration keeps the key that it holds."""
        return await self._client.send(
            call(rotations.CANCEL_ROTATION, {"integrationId": integration_id})
        )

    async def get_schedule(self, integration_id: str) -> rotations.RotationSchedule:
        """Show how often an integration's access key is rotated."""
        return await self._client.send(
            call(rotations.GET_ROTATION_SCHEDULE, {"integrationId": integration_id})
        )

    async def put_schedule(
        self,
        integration_id: str,
        *,
        every_seconds: int,
        if_unchanged: rotations.RotationSchedule | None = None,
    ) -> rotations.RotationSchedule:
        """Rotate an integration's access key regularly from now on."""
        return await self._client.run(
            unchanged(
                call(
                    rotations.PUT_ROTATION_SCHEDULE,
                    {"integrationId": integration_id},
                    body=rotations.NewRotationSchedule(every_seconds=every_seconds),
                ),
                rotations.GET_ROTATION_SCHEDULE,
                {"integrationId": integration_id},
                if_unchanged,
            )
        )

    async def delete_schedule(
        self, integration_id: str, *, if_unchanged: rotations.RotationSchedule | None = None
    ) -> None:
        """Rotate no longer by itself."""
        await self._client.run(
            unchanged(
                call(rotations.DELETE_ROTATION_SCHEDULE, {"integrationId": integration_id}),
                rotations.GET_ROTATION_SCHEDULE,
                {"integrationId": integration_id},
                if_unchanged,
            )
        )
