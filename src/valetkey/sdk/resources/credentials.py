"""Temporary credentials and presigned URLs.

Generated: ``python -m valetkey.wire.library``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Literal

from valetkey.sdk.resources.base import AsyncResource, Resource
from valetkey.sdk.sending import call, lines
from valetkey.wire import credentials
from valetkey.wire.base import checked_list


class Credentials(Resource):
    """Temporary credentials and presigned URLs."""

    def vend(
        self,
        location_id: str,
        *,
        prefixes: Sequence[str],
        access: Sequence[Literal["list", "read", "write", "delete"]],
        ttl_seconds: int | None = None,
        purpose: str = "",
        bare: bool = False,
        versions: bool = False,
        min_ttl_seconds: int = 0,
    ) -> credentials.Credentials:
        """Vend temporary credentials for folders of a location.

        - ``location_id``: The location's id.
        - ``prefixes``: Folders below the location's own, each ending in "/"; "" is all of it.
        - ``access``: What may be done: list, read, write, delete.
        - ``ttl_seconds``: For how long they should open it; left out: an hour, or less where no
          more is allowed.
        - ``purpose``: What they are for, for the audit trail.
        - ``bare``: Let listings name the folders without their "/" too.
        - ``versions``: Open older versions too.
        - ``min_ttl_seconds``: How much time must be left of them at least: a session that was
          vended before is given again only while it has that. As much as ttlSeconds asks for
          all of it.

        Raises ApiError.
        """
        return self._client.send(
            call(
                credentials.CREATE_CREDENTIALS,
                {"locationId": location_id},
                body=credentials.CredentialsRequest(
                    prefixes=checked_list(prefixes, "prefixes"),
                    access=checked_list(access, "access"),
                    ttl_seconds=ttl_seconds,
                    purpose=purpose,
                    bare=bare,
                    versions=versions,
                    min_ttl_seconds=min_ttl_seconds,
                ),
            )
        )

    def by_name(
        self,
        *,
        prefixes: Sequence[str],
        access: Sequence[Literal["list", "read", "write", "delete"]],
        location: str,
        ttl_seconds: int | None = None,
        purpose: str = "",
        bare: bool = False,
        versions: bool = False,
        min_ttl_seconds: int = 0,
    ) -> credentials.Credentials:
        """Vend temporary credentials for folders of a location known by its name.

        - ``prefixes``: Folders below the location's own, each ending in "/"; "" is all of it.
        - ``access``: What may be done: list, read, write, delete.
        - ``ttl_seconds``: For how long they should open it; left out: an hour, or less where no
          more is allowed.
        - ``purpose``: What they are for, for the audit trail.
        - ``bare``: Let listings name the folders without their "/" too.
        - ``versions``: Open older versions too.
        - ``min_ttl_seconds``: How much time must be left of them at least: a session that was
          vended before is given again only while it has that. As much as ttlSeconds asks for
          all of it.
        - ``location``: The location's name or id.

        Raises ApiError.
        """
        return self._client.send(
            call(
                credentials.CREATE_CREDENTIALS_BY_NAME,
                body=credentials.NamedCredentialsRequest(
                    prefixes=checked_list(prefixes, "prefixes"),
                    access=checked_list(access, "access"),
                    ttl_seconds=ttl_seconds,
                    purpose=purpose,
                    bare=bare,
                    versions=versions,
                    min_ttl_seconds=min_ttl_seconds,
                    location=location,
                ),
            )
        )

    def container(
        self,
        location_id: str,
        *,
        prefix: Sequence[str],
        access: str,
        ttl: int | None = None,
        purpose: str = "",
    ) -> credentials.ContainerCredentials:
        """Vend temporary credentials as AWS's SDKs fetch them.

        - ``location_id``: The location's id.
        - ``prefix``: A folder below the location's own; may be repeated; empty is all of it.
        - ``access``: What may be done, comma-separated.
        - ``ttl``: For how many seconds; left out: an hour, or less where no more is allowed.
        - ``purpose``: What they are for, for the audit trail.

        Raises ApiError.
        """
        return self._client.send(
            call(
                credentials.GET_CONTAINER_CREDENTIALS,
                {"locationId": location_id},
                query=credentials.ContainerQuery(
                    prefix=checked_list(prefix, "prefix"), access=access, ttl=ttl, purpose=purpose
                ),
            )
        )

    def container_by_name(
        self,
        *,
        prefix: Sequence[str],
        access: str,
        location: str,
        ttl: int | None = None,
        purpose: str = "",
    ) -> credentials.ContainerCredentials:
        """Vend temporary credentials as AWS's SDKs fetch them, by a location's name.

        - ``prefix``: A folder below the location's own; may be repeated; empty is all of it.
        - ``access``: What may be done, comma-separated.
        - ``ttl``: For how many seconds; left out: an hour, or less where no more is allowed.
        - ``purpose``: What they are for, for the audit trail.
        - ``location``: The location's name or id.

        Raises ApiError.
        """
        return self._client.send(
            call(
                credentials.GET_CONTAINER_CREDENTIALS_BY_NAME,
                query=credentials.NamedContainerQuery(
                    prefix=checked_list(prefix, "prefix"),
                    access=access,
                    ttl=ttl,
                    purpose=purpose,
                    location=location,
                ),
            )
        )

    def presign(
        self,
        location_id: str,
        *,
        keys: Sequence[str],
        method: Literal["GET", "PUT", "HEAD", "DELETE"] = "GET",
        expires_seconds: int = 3600,
        disposition: str = "",
        version_ids: Sequence[str] = (),
        purpose: str = "",
    ) -> Iterator[credentials.PresignedUrl]:
        """Sign URLs for keys of a location's bucket.

        - ``location_id``: The location's id.
        - ``keys``: Up to 100,000 keys.
        - ``method``: What a URL lets one do.
        - ``expires_seconds``: For how long; no URL outlives its session.
        - ``disposition``: The Content-Disposition of the answers.
        - ``version_ids``: A version for each key; empty for the newest.
        - ``purpose``: What they are for, for the audit trail.

        Raises ApiError.
        """
        return self._client.stream(
            lines(
                credentials.PRESIGN,
                {"locationId": location_id},
                body=credentials.PresignRequest(
                    keys=checked_list(keys, "keys"),
                    method=method,
                    expires_seconds=expires_seconds,
                    disposition=disposition,
                    version_ids=checked_list(version_ids, "version_ids"),
                    purpose=purpose,
                ),
            )
        )

    def presign_by_name(
        self,
        *,
        keys: Sequence[str],
        location: str,
        method: Literal["GET", "PUT", "HEAD", "DELETE"] = "GET",
        expires_seconds: int = 3600,
        disposition: str = "",
        version_ids: Sequence[str] = (),
        purpose: str = "",
    ) -> Iterator[credentials.PresignedUrl]:
        """Sign URLs for keys of the bucket of a location known by its name.

        - ``keys``: Up to 100,000 keys.
        - ``method``: What a URL lets one do.
        - ``expires_seconds``: For how long; no URL outlives its session.
        - ``disposition``: The Content-Disposition of the answers.
        - ``version_ids``: A version for each key; empty for the newest.
        - ``purpose``: What they are for, for the audit trail.
        - ``location``: The location's name or id.

        Raises ApiError.
        """
        return self._client.stream(
            lines(
                credentials.PRESIGN_BY_NAME,
                body=credentials.NamedPresignRequest(
                    keys=checked_list(keys, "keys"),
                    method=method,
                    expires_seconds=expires_seconds,
                    disposition=disposition,
                    version_ids=checked_list(version_ids, "version_ids"),
                    purpose=purpose,
                    location=location,
                ),
            )
        )


class AsyncCredentials(AsyncResource, like=Credentials):
    """Temporary credentials and presigned URLs."""

    async def vend(
        self,
        location_id: str,
        *,
        prefixes: Sequence[str],
        access: Sequence[Literal["list", "read", "write", "delete"]],
        ttl_seconds: int | None = None,
        purpose: str = "",
        bare: bool = False,
        versions: bool = False,
        min_ttl_seconds: int = 0,
    ) -> credentials.Credentials:
        """Vend temporary credentials for folders of a location."""
        return await self._client.send(
            call(
                credentials.CREATE_CREDENTIALS,
                {"locationId": location_id},
                body=credentials.CredentialsRequest(
                    prefixes=checked_list(prefixes, "prefixes"),
                    access=checked_list(access, "access"),
                    ttl_seconds=ttl_seconds,
                    purpose=purpose,
                    bare=bare,
                    versions=versions,
                    min_ttl_seconds=min_ttl_seconds,
                ),
            )
        )

    async def by_name(
        self,
        *,
        prefixes: Sequence[str],
        access: Sequence[Literal["list", "read", "write", "delete"]],
        location: str,
        ttl_seconds: int | None = None,
        purpose: str = "",
        bare: bool = False,
        versions: bool = False,
        min_ttl_seconds: int = 0,
    ) -> credentials.Credentials:
        """Vend temporary credentials for folders of a location known by its name."""
        return await self._client.send(
            call(
                credentials.CREATE_CREDENTIALS_BY_NAME,
                body=credentials.NamedCredentialsRequest(
                    prefixes=checked_list(prefixes, "prefixes"),
                    access=checked_list(access, "access"),
                    ttl_seconds=ttl_seconds,
                    purpose=purpose,
                    bare=bare,
                    versions=versions,
                    min_ttl_seconds=min_ttl_seconds,
                    location=location,
                ),
            )
        )

    async def container(
        self,
        location_id: str,
        *,
        prefix: Sequence[str],
        access: str,
        ttl: int | None = None,
        purpose: str = "",
    ) -> credentials.ContainerCredentials:
        """Vend temporary credentials as AWS's SDKs fetch them."""
        return await self._client.send(
            call(
                credentials.GET_CONTAINER_CREDENTIALS,
                {"locationId": location_id},
                query=credentials.ContainerQuery(
                    prefix=checked_list(prefix, "prefix"), access=access, ttl=ttl, purpose=purpose
                ),
            )
        )

    async def container_by_name(
        self,
        *,
        prefix: Sequence[str],
        access: str,
        location: str,
        ttl: int | None = None,
        purpose: str = "",
    ) -> credentials.ContainerCredentials:
        """Vend temporary credentials as AWS's SDKs fetch them, by a location's name."""
        return await self._client.send(
            call(
                credentials.GET_CONTAINER_CREDENTIALS_BY_NAME,
                query=credentials.NamedContainerQuery(
                    prefix=checked_list(prefix, "prefix"),
                    access=access,
                    ttl=ttl,
                    purpose=purpose,
                    location=location,
                ),
            )
        )

    def presign(
        self,
        location_id: str,
        *,
        keys: Sequence[str],
        method: Literal["GET", "PUT", "HEAD", "DELETE"] = "GET",
        expires_seconds: int = 3600,
        disposition: str = "",
        version_ids: Sequence[str] = (),
        purpose: str = "",
    ) -> AsyncIterator[credentials.PresignedUrl]:
        """Sign URLs for keys of a location's bucket."""
        return self._client.stream(
            lines(
                credentials.PRESIGN,
                {"locationId": location_id},
                body=credentials.PresignRequest(
                    keys=checked_list(keys, "keys"),
                    method=method,
                    expires_seconds=expires_seconds,
                    disposition=disposition,
                    version_ids=checked_list(version_ids, "version_ids"),
                    purpose=purpose,
                ),
            )
        )

    def presign_by_name(
        self,
        *,
        keys: Sequence[str],
        location: str,
        method: Literal["GET", "PUT", "HEAD", "DELETE"] = "GET",
        expires_seconds: int = 3600,
        disposition: str = "",
        version_ids: Sequence[str] = (),
        purpose: str = "",
    ) -> AsyncIterator[credentials.PresignedUrl]:
        """Sign URLs for keys of the bucket of a location known by its name."""
        return self._client.stream(
            lines(
                credentials.PRESIGN_BY_NAME,
                body=credentials.NamedPresignRequest(
                    keys=checked_list(keys, "keys"),
                    method=method,
                    expires_seconds=expires_seconds,
                    disposition=disposition,
                    version_ids=checked_list(version_ids, "version_ids"),
                    purpose=purpose,
                    location=location,
                ),
            )
        )
