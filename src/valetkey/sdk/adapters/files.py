"""An s3fs file system of a location. Imported only where s3fs is installed.

s3fs, and what stands on it, looks at and above the root of what a credential opens: it asks whether
the bucket is there and makes it if it is told no, it asks for a folder's bare name, and it lists
the way down to a folder. A credential for a folder is refused all that. So it is answered here: the
bucket is there, and above the open folders there is the way to them, and nothing else.
"""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from aiobotocore.credentials import AioDeferredRefreshableCredentials
from aiobotocore.session import get_session
from fsspec.asyn import sync_wrapper
from s3fs import S3FileSystem

from valetkey.sdk.adapters.botocore import NAME, metadata
from valetkey.sdk.adapters.folders import Folders

if TYPE_CHECKING:
    from valetkey.sdk.source import Source


class LocationFileSystem(S3FileSystem):  # type: ignore[misc]  # s3fs has no types
    """s3fs over a source. It pickles as the source that it was made from."""

    #: fsspec keeps instances by their arguments; one with other credentials is another one.
    cachable = False

    def __init__(self, source: Source) -> None:
        self._source = source
        super().__init__(
            session=_session(source),
            endpoint_url=source.endpoint or None,
            requester_pays=source.requester_pays,
            client_kwargs={"region_name": source.region} if source.region else {},
        )

    async def _open_folders(self, bucket: str) -> Folders:
        """Return the folders that are open in a bucket: none, where it is another one."""
        if bucket != self._source.bucket:
            return Folders(())
        return Folders((await asyncio.to_thread(self._source.current)).prefixes)

    async def _exists(self, path: str) -> bool:
        bucket, key, _ = self.split_path(self._strip_protocol(path))
        if bucket == self._source.bucket and not key:
            return True
        found: bool = await super()._exists(path)
        return found

    exists = sync_wrapper(_exists)

    async def _isdir(self, path: str) -> bool:
        try:
            found: bool = await super()._isdir(path)
        except PermissionError:
            bucket, key, _ = self.split_path(self._strip_protocol(path))
            found = (await self._open_folders(bucket)).are(key)
            if not found:
                raise
        return found

    isdir = sync_wrapper(_isdir)

    async def _info(self, path: str, *args: Any, **more: Any) -> dict[str, Any]:
        path = self._strip_protocol(path)
        bucket, key, _ = self.split_path(path)
        folders = await self._open_folders(bucket)
        if folders.are_below(key):
            return _directory(path)
        if folders.are(key):
            return await self._listed(bucket, key, or_else=_directory(path))
        try:
            found: dict[str, Any] = await super()._info(path, *args, **more)
        except PermissionError:
            # For a key that is not there, S3 says so only to who may list the whole bucket.
            if not folders.hold(key):
                raise
            found = await self._listed(bucket, key)
        return found

    async def _bulk_delete(self, pathlist: list[str], **more: Any) -> list[str]:
        """Delete objects; what s3fs names beside them is the folder that they are in."""
        folders = await self._open_folders(self._source.bucket)

        def names_an_object(path: str) -> bool:
            bucket, key, _ = self.split_path(path)
            ours = bucket == self._source.bucket
            return not (ours and (folders.are(key) or folders.are_below(key)))

        named = [path for path in pathlist if names_an_object(path)]
        deleted: list[str] = await super()._bulk_delete(named, **more)
        return deleted

    async def _listed(
        self, bucket: str, key: str, *, or_else: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return what a listing knows of an object or a folder; ``or_else``, where it is refused.
        Raises FileNotFoundError, PermissionError."""
        path = f"{bucket}/{key}"
        try:
            if or_else is None:
                [*found] = await super()._lsdir(
                    bucket, delimiter="", prefix=key, max_items=1, refresh=True
                )
                if found and found[0]["name"] == path:
                    return found[0]  # type: ignore[no-any-return]
            if await super()._lsdir(path, delimiter="", max_items=1, refresh=True):
                return _directory(path)
        except PermissionError:
            if or_else is None:
                raise
            return or_else
        raise FileNotFoundError(path)

    async def _lsdir(
        self,
        path: str,
        refresh: bool = False,
        max_items: int | None = None,
        delimiter: str = "/",
        prefix: str = "",
        versions: bool = False,
    ) -> list[dict[str, Any]]:
        bucket, key, _ = self.split_path(path)
        folders = await self._open_folders(bucket)
        more: dict[str, Any] = {"refresh": refresh, "versions": versions}
        if not folders.are_below(key):
            more |= {"max_items": max_items, "delimiter": delimiter, "prefix": prefix}
            return await super()._lsdir(path, **more)  # type: ignore[no-any-return]
        above = path.rstrip("/")
        if delimiter:
            names = [name for name in folders.next_below(key) if name.startswith(prefix)]
            return [_directory(f"{above}/{name}") for name in names]
        stem = f"{key}/{prefix}" if key else prefix
        found: list[dict[str, Any]] = []
        for folder, begin in folders.searched(stem):
            found += await super()._lsdir(
                f"{bucket}/{folder}".rstrip("/"), delimiter="", prefix=begin, **more
            )
        return sorted(found, key=lambda entry: entry["name"])[:max_items]


class DuckdbFileSystem(LocationFileSystem):
    """The same for DuckDB, which looks into the folder that it has just made for its files: a
    folder with nothing in it, which S3 does not know, is an empty one to it."""

    async def _ls(self, path: str, *args: Any, **more: Any) -> list[Any]:
        try:
            found: list[Any] = await super()._ls(path, *args, **more)
        except FileNotFoundError:
            return []
        return found

    ls = sync_wrapper(_ls)


def _directory(path: str) -> dict[str, Any]:
    """A folder, as s3fs describes one."""
    name = path.rstrip("/")
    kind = {"type": "directory", "StorageClass": "DIRECTORY"}
    return {"name": name, "Key": name, "size": 0, "Size": 0, **kind}


def _session(source: Source) -> Any:
    async def refresh() -> dict[str, str]:
        return metadata(await asyncio.to_thread(source.current))

    async def load() -> Any:
        return AioDeferredRefreshableCredentials(refresh, NAME)

    session = get_session()
    provider = SimpleNamespace(METHOD=NAME, CANONICAL_NAME=NAME, load=load)
    session.get_component("credential_provider").insert_before("env", provider)
    return session
