"""Buckets, or folders of them, that may be opened through an integration.

Generated: ``python -m valetkey.wire.library``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from typing import Literal

from msgspec import UNSET, UnsetType

from valetkey.sdk.naming import named
from valetkey.sdk.resources.base import AsyncResource, Resource
from valetkey.sdk.sending import call
from valetkey.wire import leases, locations, reports
from valetkey.wire.base import checked_list


class Locations(Resource):
    """Buckets, or folders of them, that may be opened through an integration."""

    def list(
        self, *, project_id: str | None = None, name: str | None = None
    ) -> Iterator[locations.Location]:
        """List the locations that the caller may see.

        - ``project_id``: Only those of this project.
        - ``name``: Only those of this name, in all projects.

        Raises ApiError.
        """
        return self._client.walk(
            call(
                locations.LIST_LOCATIONS,
                query=locations.LocationsQuery(project_id=project_id, name=name),
            )
        )

    def create(
        self,
        *,
        name: str,
        bucket: str,
        project_id: str,
        integration_id: str | None = None,
        parent_id: str | None = None,
        access: Sequence[Literal["list", "read", "write", "delete"]] = (
            "list",
            "read",
            "write",
            "delete",
        ),
        ends_at: datetime | None = None,
        folder: str | None = None,
        region: str | None = None,
        endpoint: str | None = None,
        storage_class: Literal[
            "STANDARD",
            "STANDARD_IA",
            "ONEZONE_IA",
            "INTELLIGENT_TIERING",
            "GLACIER",
            "GLACIER_IR",
            "DEEP_ARCHIVE",
            "REDUCED_REDUNDANCY",
            "EXPRESS_ONEZONE",
        ]
        | None = None,
        kms_key_arn: str | None = None,
        allow_external_delete: bool = False,
        shared_sessions: bool = False,
        requester_pays: bool = False,
    ) -> locations.Location:
        """Make a location.

        - ``name``: Its name, for people.
        - ``bucket``: The bucket's name.
        - ``project_id``: The project that it belongs to.
        - ``integration_id``: The integration that opens it, for a root.
        - ``parent_id``: The location that it lies in; left out: the narrowest of the project
          that holds it.
        - ``access``: The most that it opens.
        - ``ends_at``: From when on it opens nothing; left out: never.
        - ``folder``: A folder of the bucket; left out: all of it.
        - ``region``: The bucket's region; left out: it is found out.
        - ``endpoint``: A store's address other than the integration's; the server's settings
          say which are allowed.
        - ``storage_class``: The storage class of what is uploaded.
        - ``kms_key_arn``: The KMS key of the bucket; credentials may use it, for its objects
          only.
        - ``allow_external_delete``: Deleting an object's entry in a dataset deletes the object.
        - ``shared_sessions``: Give everybody with the same scope the same session; CloudTrail
          then names the location instead of the person.
        - ``requester_pays``: Pay for requests, as a Requester Pays bucket wants; a child does
          as its parent.

        Raises ApiError.
        """
        return self._client.send(
            call(
                locations.CREATE_LOCATION,
                body=locations.NewLocation(
                    name=name,
                    bucket=bucket,
                    project_id=project_id,
                    integration_id=integration_id,
                    parent_id=parent_id,
                    access=checked_list(access, "access"),
                    ends_at=ends_at,
                    folder=folder,
                    region=region,
                    endpoint=endpoint,
                    storage_class=storage_class,
                    kms_key_arn=kms_key_arn,
                    allow_external_delete=allow_external_delete,
                    shared_sessions=shared_sessions,
                    requester_pays=requester_pays,
                ),
            )
        )

    def check_new(
        self,
        *,
        name: str,
        bucket: str,
        project_id: str,
        integration_id: str | None = None,
        parent_id: str | None = None,
        access: Sequence[Literal["list", "read", "write", "delete"]] = (
            "list",
            "read",
            "write",
            "delete",
        ),
        ends_at: datetime | None = None,
        folder: str | None = None,
        region: str | None = None,
        endpoint: str | None = None,
        storage_class: Literal[
            "STANDARD",
            "STANDARD_IA",
            "ONEZONE_IA",
            "INTELLIGENT_TIERING",
            "GLACIER",
            "GLACIER_IR",
            "DEEP_ARCHIVE",
            "REDUCED_REDUNDANCY",
            "EXPRESS_ONEZONE",
        ]
        | None = None,
        kms_key_arn: str | None = None,
        allow_external_delete: bool = False,
        shared_sessions: bool = False,
        requester_pays: bool = False,
    ) -> None:
        """Find out whether a location could be made, and make none.

        - ``name``: Its name, for people.
        - ``bucket``: The bucket's name.
        - ``project_id``: The project that it belongs to.
        - ``integration_id``: The integration that opens it, for a root.
        - ``parent_id``: The location that it lies in; left out: the narrowest of the project
          that holds it.
        - ``access``: The most that it opens.
        - ``ends_at``: From when on it opens nothing; left out: never.
        - ``folder``: A folder of the bucket; left out: all of it.
        - ``region``: The bucket's region; left out: it is found out.
        - ``endpoint``: A store's address other than the integration's; the server's settings
          say which are allowed.
        - ``storage_class``: The storage class of what is uploaded.
        - ``kms_key_arn``: The KMS key of the bucket; credentials may use it, for its objects
          only.
        - ``allow_external_delete``: Deleting an object's entry in a dataset deletes the object.
        - ``shared_sessions``: Give everybody with the same scope the same session; CloudTrail
          then names the location instead of the person.
        - ``requester_pays``: Pay for requests, as a Requester Pays bucket wants; a child does
          as its parent.

        Raises ApiError.
        """
        self._client.send(
            call(
                locations.CHECK_NEW_LOCATION,
                body=locations.NewLocation(
                    name=name,
                    bucket=bucket,
                    project_id=project_id,
                    integration_id=integration_id,
                    parent_id=parent_id,
                    access=checked_list(access, "access"),
                    ends_at=ends_at,
                    folder=folder,
                    region=region,
                    endpoint=endpoint,
                    storage_class=storage_class,
                    kms_key_arn=kms_key_arn,
                    allow_external_delete=allow_external_delete,
                    shared_sessions=shared_sessions,
                    requester_pays=requester_pays,
                ),
            )
        )

    def get(self, location: str, *, project_id: str | None = None) -> locations.Location:
        """Show a location, by its name or id.

        - ``location``: Its name or id.
        - ``project_id``: Only those of this project.

        Raises ApiError.
        """
        return self._client.run(
            named(
                call(
                    locations.LIST_LOCATIONS,
                    query=locations.LocationsQuery(name=location, project_id=project_id, limit=2),
                ),
                call(locations.GET_LOCATION, {"locationId": location}),
                location,
                "location",
            )
        )

    def update(
        self,
        location_id: str,
        *,
        name: str | UnsetType = UNSET,
        allow_external_delete: bool | UnsetType = UNSET,
        shared_sessions: bool | UnsetType = UNSET,
        requester_pays: bool | UnsetType = UNSET,
        kms_key_arn: str | UnsetType | None = UNSET,
        access: Sequence[Literal["list", "read", "write", "delete"]] | UnsetType = UNSET,
        ends_at: datetime | UnsetType | None = UNSET,
        revoke_beyond: bool | UnsetType = UNSET,
        if_version: int | None = None,
    ) -> locations.Location:
        """Change a location.

        - ``location_id``: The location's id.
        - ``name``: Another name.
        - ``allow_external_delete``: Deleting an object's entry in a dataset deletes the object.
        - ``shared_sessions``: Give everybody the same session.
        - ``requester_pays``: Pay for requests; what lies within it follows.
        - ``kms_key_arn``: The KMS key of the bucket; null: none.
        - ``access``: The most that it opens.
        - ``ends_at``: From when on it opens nothing; null: never.
        - ``revoke_beyond``: Revoke the leases that open more than is left, within it too.
        - ``if_version``: Refuse with VersionMismatch if it has another version by now.

        Raises ApiError.
        """
        return self._client.send(
            call(
                locations.UPDATE_LOCATION,
                {"locationId": location_id},
                body=locations.LocationChange(
                    name=name,
                    allow_external_delete=allow_external_delete,
                    shared_sessions=shared_sessions,
                    requester_pays=requester_pays,
                    kms_key_arn=kms_key_arn,
                    access=access if access is UNSET else checked_list(access, "access"),
                    ends_at=ends_at,
                    revoke_beyond=revoke_beyond,
                ),
                if_version=if_version,
            )
        )

    def delete(
        self, location_id: str, *, revoke: bool = False, if_version: int | None = None
    ) -> leases.Ending:
        """Forget a location; its bucket is not touched.

        - ``location_id``: The location's id.
        - ``revoke``: Revoke the leases of it, and of what lay within it, too.
        - ``if_version``: Refuse with VersionMismatch if it has another version by now.

        Raises ApiError.
        """
        return self._client.send(
            call(
                locations.DELETE_LOCATION,
                {"locationId": location_id},
                query=locations.LocationDeletion(revoke=revoke),
                if_version=if_version,
            )
        )

    def verify(self, location_id: str) -> reports.Report:
        """List, write, read and delete a probe object in a location.

        - ``location_id``: The location's id.

        Raises ApiError.
        """
        return self._client.send(call(locations.VERIFY_LOCATION, {"locationId": location_id}))


class AsyncLocations(AsyncResource, like=Locations):
    """Buckets, or folders of them, that may be opened through an integration."""

    def list(
        self, *, project_id: str | None = None, name: str | None = None
    ) -> AsyncIterator[locations.Location]:
        """List the locations that the caller may see."""
        return self._client.walk(
            call(
                locations.LIST_LOCATIONS,
                query=locations.LocationsQuery(project_id=project_id, name=name),
            )
        )

    async def create(
        self,
        *,
        name: str,
        bucket: str,
        project_id: str,
        integration_id: str | None = None,
        parent_id: str | None = None,
        access: Sequence[Literal["list", "read", "write", "delete"]] = (
            "list",
            "read",
            "write",
            "delete",
        ),
        ends_at: datetime | None = None,
        folder: str | None = None,
        region: str | None = None,
        endpoint: str | None = None,
        storage_class: Literal[
            "STANDARD",
            "STANDARD_IA",
            "ONEZONE_IA",
            "INTELLIGENT_TIERING",
            "GLACIER",
            "GLACIER_IR",
            "DEEP_ARCHIVE",
            "REDUCED_REDUNDANCY",
            "EXPRESS_ONEZONE",
        ]
        | None = None,
        kms_key_arn: str | None = None,
        allow_external_delete: bool = False,
        shared_sessions: bool = False,
        requester_pays: bool = False,
    ) -> locations.Location:
        """Make a location."""
        return await self._client.send(
            call(
                locations.CREATE_LOCATION,
                body=locations.NewLocation(
                    name=name,
                    bucket=bucket,
                    project_id=project_id,
                    integration_id=integration_id,
                    parent_id=parent_id,
                    access=checked_list(access, "access"),
                    ends_at=ends_at,
                    folder=folder,
                    region=region,
                    endpoint=endpoint,
                    storage_class=storage_class,
                    kms_key_arn=kms_key_arn,
                    allow_external_delete=allow_external_delete,
                    shared_sessions=shared_sessions,
                    requester_pays=requester_pays,
                ),
            )
        )

    async def check_new(
        self,
        *,
        name: str,
        bucket: str,
        project_id: str,
        integration_id: str | None = None,
        parent_id: str | None = None,
        access: Sequence[Literal["list", "read", "write", "delete"]] = (
            "list",
            "read",
            "write",
            "delete",
        ),
        ends_at: datetime | None = None,
        folder: str | None = None,
        region: str | None = None,
        endpoint: str | None = None,
        storage_class: Literal[
            "STANDARD",
            "STANDARD_IA",
            "ONEZONE_IA",
            "INTELLIGENT_TIERING",
            "GLACIER",
            "GLACIER_IR",
            "DEEP_ARCHIVE",
            "REDUCED_REDUNDANCY",
            "EXPRESS_ONEZONE",
        ]
        | None = None,
        kms_key_arn: str | None = None,
        allow_external_delete: bool = False,
        shared_sessions: bool = False,
        requester_pays: bool = False,
    ) -> None:
        """Find out whether a location could be made, and make none."""
        await self._client.send(
            call(
                locations.CHECK_NEW_LOCATION,
                body=locations.NewLocation(
                    name=name,
                    bucket=bucket,
                    project_id=project_id,
                    integration_id=integration_id,
                    parent_id=parent_id,
                    access=checked_list(access, "access"),
                    ends_at=ends_at,
                    folder=folder,
                    region=region,
                    endpoint=endpoint,
                    storage_class=storage_class,
                    kms_key_arn=kms_key_arn,
                    allow_external_delete=allow_external_delete,
                    shared_sessions=shared_sessions,
                    requester_pays=requester_pays,
                ),
            )
        )

    async def get(self, location: str, *, project_id: str | None = None) -> locations.Location:
        """Show a location, by its name or id."""
        return await self._client.run(
            named(
                call(
                    locations.LIST_LOCATIONS,
                    query=locations.LocationsQuery(name=location, project_id=project_id, limit=2),
                ),
                call(locations.GET_LOCATION, {"locationId": location}),
                location,
                "location",
            )
        )

    async def update(
        self,
        location_id: str,
        *,
        name: str | UnsetType = UNSET,
        allow_external_delete: bool | UnsetType = UNSET,
        shared_sessions: bool | UnsetType = UNSET,
        requester_pays: bool | UnsetType = UNSET,
        kms_key_arn: str | UnsetType | None = UNSET,
        access: Sequence[Literal["list", "read", "write", "delete"]] | UnsetType = UNSET,
        ends_at: datetime | UnsetType | None = UNSET,
        revoke_beyond: bool | UnsetType = UNSET,
        if_version: int | None = None,
    ) -> locations.Location:
        """Change a location."""
        return await self._client.send(
            call(
                locations.UPDATE_LOCATION,
                {"locationId": location_id},
                body=locations.LocationChange(
                    name=name,
                    allow_external_delete=allow_external_delete,
                    shared_sessions=shared_sessions,
                    requester_pays=requester_pays,
                    kms_key_arn=kms_key_arn,
                    access=access if access is UNSET else checked_list(access, "access"),
                    ends_at=ends_at,
                    revoke_beyond=revoke_beyond,
                ),
                if_version=if_version,
            )
        )

    async def delete(
        self, location_id: str, *, revoke: bool = False, if_version: int | None = None
    ) -> leases.Ending:
        """Forget a location; its bucket is not touched."""
        return await self._client.send(
            call(
                locations.DELETE_LOCATION,
                {"locationId": location_id},
                query=locations.LocationDeletion(revoke=revoke),
                if_version=if_version,
            )
        )

    async def verify(self, location_id: str) -> reports.Report:
        """List, write, read and delete a probe object in a location."""
        return await self._client.send(call(locations.VERIFY_LOCATION, {"locationId": location_id}))
