"""The entries of datasets.

Generated: ``python -m valetkey.wire.library``.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sequence
from typing import Any, Literal

from msgspec import UNSET, UnsetType

from valetkey.sdk.resources.base import AsyncResource, Resource
from valetkey.sdk.sending import call, downloading, lines, unchanged, uploading
from valetkey.wire import contents, matching, objects
from valetkey.wire.base import checked_list


class Objects(Resource):
    """The entries of datasets."""

    def list(
        self,
        dataset_id: str,
        *,
        path: str | None = None,
        kind: Literal["file", "dir"] | None = None,
        glob: str | None = None,
    ) -> Iterator[objects.Object]:
        """List a dataset's entries by path.

        - ``dataset_id``: The dataset's id.
        - ``path``: Only the one of just this path.
        - ``kind``: Only objects, or only folders.
        - ``glob``: Only those whose path, with or without a leading /, fits it.

        Raises ApiError.
        """
        return self._client.walk(
            call(
                objects.LIST_OBJECTS,
                {"datasetId": dataset_id},
                query=objects.ObjectsQuery(path=path, kind=kind, glob=glob),
            )
        )

    def export(self, dataset_id: str, *, glob: str | None = None) -> Iterator[objects.Object]:
        """Stream a dataset's objects by path, a JSON object a line, however many they are.

        - ``dataset_id``: The dataset's id.
        - ``glob``: Only those whose path, with or without a leading /, fits it.

        Raises ApiError.
        """
        return self._client.stream(
            lines(
                objects.EXPORT_OBJECTS,
                {"datasetId": dataset_id},
                query=objects.ExportedQuery(glob=glob),
            )
        )

    def get(self, object_id: str) -> objects.Object:
        """Show an entry of a dataset.

        - ``object_id``: The object's id.

        Raises ApiError.
        """
        return self._client.send(call(objects.GET_OBJECT, {"objectId": object_id}))

    def update(
        self,
        object_id: str,
        *,
        path: str | UnsetType = UNSET,
        metadata: dict[str, Any] | UnsetType = UNSET,
        description: str | UnsetType | None = UNSET,
        if_unchanged: objects.Object | None = None,
    ) -> objects.Object:
        """Change an entry's metadata or description, or move its object.

        - ``object_id``: The object's id.
        - ``path``: Another path: the object is copied there and deleted here.
        - ``metadata``: Merged into its metadata; a null takes a key away.
        - ``description``: Another description; null: none.
        - ``if_unchanged``: What was read of it: refuse with VersionMismatch if it is another by
          now.

        Raises ApiError.
        """
        return self._client.run(
            unchanged(
                call(
                    objects.UPDATE_OBJECT,
                    {"objectId": object_id},
                    body=objects.ObjectChange(
                        path=path, metadata=metadata, description=description
                    ),
                ),
                objects.GET_OBJECT,
                {"objectId": object_id},
                if_unchanged,
            )
        )

    def delete(self, object_id: str, *, if_unchanged: objects.Object | None = None) -> None:
        """Delete an entry; its object goes too only if the location allows it.

        - ``object_id``: The object's id.
        - ``if_unchanged``: What was read of it: refuse with VersionMismatch if it is another by
          now.

        Raises ApiError.
        """
        self._client.run(
            unchanged(
                call(objects.DELETE_OBJECT, {"objectId": object_id}),
                objects.GET_OBJECT,
                {"objectId": object_id},
                if_unchanged,
            )
        )

    def restore(self, object_id: str, *, days: int = 7) -> objects.Restoring:
        """Ask for an archived object to be readable for some days.

        - ``object_id``: The object's id.
        - ``days``: For how many days it can be read once it is restored.

        Raises ApiError.
        """
        return self._client.send(
            call(
                objects.RESTORE_OBJECT, {"objectId": object_id}, body=objects.NewRestore(days=days)
            )
        )

    def list_folders(
        self, dataset_id: str, *, within: str | None = None
    ) -> Iterator[objects.Folder]:
        """List a dataset's folders by path: made ones, and those that merely hold objects.

        - ``dataset_id``: The dataset's id.
        - ``within``: Only those in this folder, however deep; not itself.

        Raises ApiError.
        """
        return self._client.walk(
            call(
                objects.LIST_FOLDERS,
                {"datasetId": dataset_id},
                query=objects.FoldersQuery(within=within),
            )
        )

    def create_folder(self, dataset_id: str, *, path: str) -> objects.Object:
        """Make a folder, in the index alone; the one that is there is answered as it is.

        - ``dataset_id``: The dataset's id.
        - ``path``: Its path; it need not end in "/".

        Raises ApiError.
        """
        return self._client.send(
            call(
                objects.CREATE_FOLDER, {"datasetId": dataset_id}, body=objects.NewFolder(path=path)
            )
        )

    def read(
        self, object_id: str, *, redirect: bool = True, byte_range: str = ""
    ) -> Iterator[bytes]:
        """Lead to an object's bytes, or send them.

        - ``object_id``: The object's id.
        - ``redirect``: Whether to be led to a URL at the store that opens just this object for
          a quarter of an hour. Without it, and where there is no such URL, the bytes come from
          here.
        - ``byte_range``: Which bytes: an HTTP range, such as ``bytes=0-1023``.

        Raises ApiError.
        """
        return self._client.chunks(
            downloading(
                contents.READ_OBJECT,
                {"objectId": object_id},
                byte_range,
                query=contents.ContentQuery(redirect=redirect),
            )
        )

    def put(
        self,
        dataset_id: str,
        *,
        path: str,
        content: bytes | Iterable[bytes],
        replaces: str | None = None,
        media_type: str = "",
    ) -> objects.Object:
        """Write an object as its bytes come, and its entry.

        - ``dataset_id``: The dataset's id.
        - ``path``: The object's path below the location's folder.
        - ``replaces``: What may be there already: absent, nothing but these very bytes; ``*``,
          whatever it is; or the ``etag`` of the object that is to be replaced.
        - ``content``: The bytes, or what yields them; only bytes may be sent again.
        - ``media_type``: What kind of content it is; left out: that of the name.

        Raises ApiError.
        """
        return self._client.send(
            uploading(
                contents.PUT_OBJECT,
                {"datasetId": dataset_id},
                content,
                media_type=media_type,
                query=contents.UploadQuery(path=path, replaces=replaces),
            )
        )

    def index(self, dataset_id: str, *, paths: Sequence[str]) -> contents.IndexedObjects:
        """Make entries of objects that are in the bucket already, without a sync.

        - ``dataset_id``: The dataset's id.
        - ``paths``: Up to 1,000 of their paths.

        Raises ApiError.
        """
        return self._client.send(
            call(
                contents.INDEX_OBJECTS,
                {"datasetId": dataset_id},
                body=contents.ObjectPaths(paths=checked_list(paths, "paths")),
            )
        )

    def move(
        self, dataset_id: str, *, object_ids: Sequence[str], folder: str
    ) -> matching.ObjectCount:
        """Move objects into a folder: each is copied there and deleted where it was.

        - ``dataset_id``: The dataset's id.
        - ``object_ids``: Up to 1,000 ids.
        - ``folder``: The folder's path; it need not be there. "" is the topmost.

        Raises ApiError.
        """
        return self._client.send(
            call(
                matching.MOVE_OBJECTS,
                {"datasetId": dataset_id},
                body=matching.ObjectMove(
                    object_ids=checked_list(object_ids, "object_ids"), folder=folder
                ),
            )
        )

    def change_matching(
        self,
        dataset_id: str,
        *,
        metadata: dict[str, Any],
        kind: Literal["file", "dir"] | None = None,
        glob: str | None = None,
        object_ids: Sequence[str] | None = None,
        having: dict[str, str | int | float | bool | None] | None = None,
        expected_count: int | None = None,
        dry_run: bool = False,
    ) -> matching.ObjectCount:
        """Change the metadata of all entries that a filter fits.

        - ``dataset_id``: The dataset's id.
        - ``kind``: Only objects, or only folders.
        - ``glob``: Only those whose path, with or without a leading /, fits it.
        - ``object_ids``: Only these.
        - ``having``: Only those whose metadata has this; a dot leads inwards.
        - ``expected_count``: Do nothing unless they are so many.
        - ``dry_run``: Only tell how many they are.
        - ``metadata``: Merged into the metadata of each; a null takes a key away.

        Raises ApiError.
        """
        return self._client.send(
            call(
                matching.CHANGE_MATCHING_OBJECTS,
                {"datasetId": dataset_id},
                body=matching.MatchingChange(
                    kind=kind,
                    glob=glob,
                    object_ids=None
                    if object_ids is None
                    else checked_list(object_ids, "object_ids"),
                    having=having or {},
                    expected_count=expected_count,
                    dry_run=dry_run,
                    metadata=metadata,
                ),
            )
        )

    def delete_matching(
        self,
        dataset_id: str,
        *,
        kind: Literal["file", "dir"] | None = None,
        glob: str | None = None,
        object_ids: Sequence[str] | None = None,
        having: dict[str, str | int | float | bool | None] | None = None,
        expected_count: int | None = None,
        dry_run: bool = False,
    ) -> matching.ObjectCount:
        """Delete all entries that a filter fits; their objects go too if the location allows.

        - ``dataset_id``: The dataset's id.
        - ``kind``: Only objects, or only folders.
        - ``glob``: Only those whose path, with or without a leading /, fits it.
        - ``object_ids``: Only these.
        - ``having``: Only those whose metadata has this; a dot leads inwards.
        - ``expected_count``: Do nothing unless they are so many.
        - ``dry_run``: Only tell how many they are.

        Raises ApiError.
        """
        return self._client.send(
            call(
                matching.DELETE_MATCHING_OBJECTS,
                {"datasetId": dataset_id},
                body=matching.MatchingObjects(
                    kind=kind,
                    glob=glob,
                    object_ids=None
                    if object_ids is None
                    else checked_list(object_ids, "object_ids"),
                    having=having or {},
                    expected_count=expected_count,
                    dry_run=dry_run,
                ),
            )
        )


class AsyncObjects(AsyncResource, like=Objects):
    """The entries of datasets."""

    def list(
        self,
        dataset_id: str,
        *,
        path: str | None = None,
        kind: Literal["file", "dir"] | None = None,
        glob: str | None = None,
    ) -> AsyncIterator[objects.Object]:
        """List a dataset's entries by path."""
        return self._client.walk(
            call(
                objects.LIST_OBJECTS,
                {"datasetId": dataset_id},
                query=objects.ObjectsQuery(path=path, kind=kind, glob=glob),
            )
        )

    def export(self, dataset_id: str, *, glob: str | None = None) -> AsyncIterator[objects.Object]:
        """Stream a dataset's objects by path, a JSON object a line, however many they are."""
        return self._client.stream(
            lines(
                objects.EXPORT_OBJECTS,
                {"datasetId": dataset_id},
                query=objects.ExportedQuery(glob=glob),
            )
        )

    async def get(self, object_id: str) -> objects.Object:
        """Show an entry of a dataset."""
        return await self._client.send(call(objects.GET_OBJECT, {"objectId": object_id}))

    async def update(
        self,
        object_id: str,
        *,
        path: str | UnsetType = UNSET,
        metadata: dict[str, Any] | UnsetType = UNSET,
        description: str | UnsetType | None = UNSET,
        if_unchanged: objects.Object | None = None,
    ) -> objects.Object:
        """Change an entry's metadata or description, or move its object."""
        return await self._client.run(
            unchanged(
                call(
                    objects.UPDATE_OBJECT,
                    {"objectId": object_id},
                    body=objects.ObjectChange(
                        path=path, metadata=metadata, description=description
                    ),
                ),
                objects.GET_OBJECT,
                {"objectId": object_id},
                if_unchanged,
            )
        )

    async def delete(self, object_id: str, *, if_unchanged: objects.Object | None = None) -> None:
        """Delete an entry; its object goes too only if the location allows it."""
        await self._client.run(
            unchanged(
                call(objects.DELETE_OBJECT, {"objectId": object_id}),
                objects.GET_OBJECT,
                {"objectId": object_id},
                if_unchanged,
            )
        )

    async def restore(self, object_id: str, *, days: int = 7) -> objects.Restoring:
        """Ask for an archived object to be readable for some days."""
        return await self._client.send(
            call(
                objects.RESTORE_OBJECT, {"objectId": object_id}, body=objects.NewRestore(days=days)
            )
        )

    def list_folders(
        self, dataset_id: str, *, within: str | None = None
    ) -> AsyncIterator[objects.Folder]:
        """List a dataset's folders by path: made ones, and those that merely hold objects."""
        return self._client.walk(
            call(
                objects.LIST_FOLDERS,
                {"datasetId": dataset_id},
                query=objects.FoldersQuery(within=within),
            )
        )

    async def create_folder(self, dataset_id: str, *, path: str) -> objects.Object:
        """Make a folder, in the index alone; the one that is there is answered as it is."""
        return await self._client.send(
            call(
                objects.CREATE_FOLDER, {"datasetId": dataset_id}, body=objects.NewFolder(path=path)
            )
        )

    def read(
        self, object_id: str, *, redirect: bool = True, byte_range: str = ""
    ) -> AsyncIterator[bytes]:
        """Lead to an object's bytes, or send them."""
        return self._client.chunks(
            downloading(
                contents.READ_OBJECT,
                {"objectId": object_id},
                byte_range,
                query=contents.ContentQuery(redirect=redirect),
            )
        )

    async def put(
        self,
        dataset_id: str,
        *,
        path: str,
        content: bytes | AsyncIterable[bytes],
        replaces: str | None = None,
        media_type: str = "",
    ) -> objects.Object:
        """Write an object as its bytes come, and its entry."""
        return await self._client.send(
            uploading(
                contents.PUT_OBJECT,
                {"datasetId": dataset_id},
                content,
                media_type=media_type,
                query=contents.UploadQuery(path=path, replaces=replaces),
            )
        )

    async def index(self, dataset_id: str, *, paths: Sequence[str]) -> contents.IndexedObjects:
        """Make entries of objects that are in the bucket already, without a sync."""
        return await self._client.send(
            call(
                contents.INDEX_OBJECTS,
                {"datasetId": dataset_id},
                body=contents.ObjectPaths(paths=checked_list(paths, "paths")),
            )
        )

    async def move(
        self, dataset_id: str, *, object_ids: Sequence[str], folder: str
    ) -> matching.ObjectCount:
        """Move objects into a folder: each is copied there and deleted where it was."""
        return await self._client.send(
            call(
                matching.MOVE_OBJECTS,
                {"datasetId": dataset_id},
                body=matching.ObjectMove(
                    object_ids=checked_list(object_ids, "object_ids"), folder=folder
                ),
            )
        )

    async def change_matching(
        self,
        dataset_id: str,
        *,
        metadata: dict[str, Any],
        kind: Literal["file", "dir"] | None = None,
        glob: str | None = None,
        object_ids: Sequence[str] | None = None,
        having: dict[str, str | int | float | bool | None] | None = None,
        expected_count: int | None = None,
        dry_run: bool = False,
    ) -> matching.ObjectCount:
        """Change the metadata of all entries that a filter fits."""
        return await self._client.send(
            call(
                matching.CHANGE_MATCHING_OBJECTS,
                {"datasetId": dataset_id},
                body=matching.MatchingChange(
                    kind=kind,
                    glob=glob,
                    object_ids=None
                    if object_ids is None
                    else checked_list(object_ids, "object_ids"),
                    having=having or {},
                    expected_count=expected_count,
                    dry_run=dry_run,
                    metadata=metadata,
                ),
            )
        )

    async def delete_matching(
        self,
        dataset_id: str,
        *,
        kind: Literal["file", "dir"] | None = None,
        glob: str | None = None,
        object_ids: Sequence[str] | None = None,
        having: dict[str, str | int | float | bool | None] | None = None,
        expected_count: int | None = None,
        dry_run: bool = False,
    ) -> matching.ObjectCount:
        """Delete all entries that a filter fits; their objects go too if the location allows."""
        return await self._client.send(
            call(
                matching.DELETE_MATCHING_OBJECTS,
                {"datasetId": dataset_id},
                body=matching.MatchingObjects(
                    kind=kind,
                    glob=glob,
                    object_ids=None
                    if object_ids is None
                    else checked_list(object_ids, "object_ids"),
                    having=having or {},
                    expected_count=expected_count,
                    dry_run=dry_run,
                ),
            )
        )
