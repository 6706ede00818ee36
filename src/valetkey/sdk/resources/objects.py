"""The entries of datasets.

Generated: ``python -m valetkey.wire.library``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal

from msgspec import UNSET, UnsetType

from valetkey.sdk.resources.base import AsyncResource, Resource
from valetkey.sdk.sending import call, lines
from valetkey.wire import catalog


class Objects(Resource):
    """The entries of datasets."""

    def list(
        self,
        dataset_id: str,
        *,
        kind: Literal["file", "dir"] | None = None,
        glob: str | None = None,
    ) -> Iterator[catalog.Object]:
        """List a dataset's entries by path.

        - ``dataset_id``: The dataset's id.
        - ``kind``: Only objects, or only folders.
        - ``glob``: Only those whose path, with a leading /, fits it.

        Raises ApiError.
        """
        return self._client.walk(
            call(
                catalog.LIST_OBJECTS,
                {"datasetId": dataset_id},
                query=catalog.ObjectsQuery(kind=kind, glob=glob),
            )
        )

    def export(self, dataset_id: str, *, glob: str | None = None) -> Iterator[catalog.Object]:
        """Stream a dataset's objects by path, a JSON object a line, however many they are.

        - ``dataset_id``: The dataset's id.
        - ``glob``: Only those whose path, with a leading /, fits it.

        Raises ApiError.
        """
        return self._client.stream(
            lines(
                catalog.EXPORT_OBJECTS,
                {"datasetId": dataset_id},
                query=catalog.ExportedQuery(glob=glob),
            )
        )

    def get(self, object_id: str) -> catalog.Object:
        """Show an entry of a dataset.

        - ``object_id``: The object's id.

        Raises ApiError.
        """
        return self._client.send(call(catalog.GET_OBJECT, {"objectId": object_id}))

    def update(
        self,
        object_id: str,
        *,
        metadata: dict[str, Any] | UnsetType = UNSET,
        description: str | UnsetType | None = UNSET,
    ) -> catalog.Object:
        """Change an entry's metadata or description.

        - ``object_id``: The object's id.
        - ``metadata``: Merged into its metadata; a null takes a key away.
        - ``description``: Another description; null: none.

        Raises ApiError.
        """
        return self._client.send(
            call(
                catalog.UPDATE_OBJECT,
                {"objectId": object_id},
                body=catalog.ObjectChange(metadata=metadata, description=description),
            )
        )

    def delete(self, object_id: str) -> None:
        """Delete an entry; its object goes too only if the location allows it.

        - ``object_id``: The object's id.

        Raises ApiError.
        """
        self._client.send(call(catalog.DELETE_OBJECT, {"objectId": object_id}))

    def restore(self, object_id: str, *, days: int = 7) -> catalog.Restoring:
        """Ask for an archived object to be readable for some days.

        - ``object_id``: The object's id.
        - ``days``: For how many days it can be read once it is restored.

        Raises ApiError.
        """
        return self._client.send(
            call(
                catalog.RESTORE_OBJECT, {"objectId": object_id}, body=catalog.NewRestore(days=days)
            )
        )


class AsyncObjects(AsyncResource, like=Objects):
    """The entries of datasets."""

    def list(
        self,
        dataset_id: str,
        *,
        kind: Literal["file", "dir"] | None = None,
        glob: str | None = None,
    ) -> AsyncIterator[catalog.Object]:
        """List a dataset's entries by path."""
        return self._client.walk(
            call(
                catalog.LIST_OBJECTS,
                {"datasetId": dataset_id},
                query=catalog.ObjectsQuery(kind=kind, glob=glob),
            )
        )

    def export(self, dataset_id: str, *, glob: str | None = None) -> AsyncIterator[catalog.Object]:
        """Stream a dataset's objects by path, a JSON object a line, however many they are."""
        return self._client.stream(
            lines(
                catalog.EXPORT_OBJECTS,
                {"datasetId": dataset_id},
                query=catalog.ExportedQuery(glob=glob),
            )
        )

    async def get(self, object_id: str) -> catalog.Object:
        """Show an entry of a dataset."""
        return await self._client.send(call(catalog.GET_OBJECT, {"objectId": object_id}))

    async def update(
        self,
        object_id: str,
        *,
        metadata: dict[str, Any] | UnsetType = UNSET,
        description: str | UnsetType | None = UNSET,
    ) -> catalog.Object:
        """Change an entry's metadata or description."""
        return await self._client.send(
            call(
                catalog.UPDATE_OBJECT,
                {"objectId": object_id},
                body=catalog.ObjectChange(metadata=metadata, description=description),
            )
        )

    async def delete(self, object_id: str) -> None:
        """Delete an entry; its object goes too only if the location allows it."""
        await self._client.send(call(catalog.DELETE_OBJECT, {"objectId": object_id}))

    async def restore(self, object_id: str, *, days: int = 7) -> catalog.Restoring:
        """Ask for an archived object to be readable for some days."""
        return await self._client.send(
            call(
                catalog.RESTORE_OBJECT, {"objectId": object_id}, body=catalog.NewRestore(days=days)
            )
        )
