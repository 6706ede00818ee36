"""Some members of an organisation under one name, for grants.

Generated: ``python -m valetkey.wire.library``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from msgspec import UNSET, UnsetType

from valetkey.sdk.naming import named
from valetkey.sdk.resources.base import AsyncResource, Resource
from valetkey.sdk.sending import call, unchanged
from valetkey.wire import base, groups, leases


class Groups(Resource):
    """Some members of an organisation under one name, for grants."""

    def list(self, org_id: str, *, name: str | None = None) -> Iterator[groups.Group]:
        """List an organisation's groups by name.

        - ``org_id``: The org's id.
        - ``name``: Only the one of this name.

        Raises ApiError.
        """
        return self._client.walk(
            call(groups.LIST_GROUPS, {"orgId": org_id}, query=groups.GroupsQuery(name=name))
        )

    def create(self, org_id: str, *, name: str) -> groups.Group:
        """Make an empty group.

        - ``org_id``: The org's id.
        - ``name``: Its name, for people.

        Raises ApiError.
        """
        return self._client.send(
            call(groups.CREATE_GROUP, {"orgId": org_id}, body=groups.NewGroup(name=name))
        )

    def get(self, org_id: str, group: str) -> groups.Group:
        """Show a group, by its name or id.

        - ``org_id``: The org's id.
        - ``group``: Its name or id.

        Raises ApiError.
        """
        return self._client.run(
            named(
                call(
                    groups.LIST_GROUPS,
                    {"orgId": org_id},
                    query=groups.GroupsQuery(name=group, limit=2),
                ),
                call(groups.GET_GROUP, {"orgId": org_id, "groupId": group}),
                group,
                "group",
            )
        )

    def update(
        self,
        org_id: str,
        group_id: str,
        *,
        name: str | UnsetType = UNSET,
        if_version: int | None = None,
    ) -> groups.Group:
        """Rename a group.

        - ``org_id``: The org's id.
        - ``group_id``: The group's id.
        - ``name``: Another name.
        - ``if_version``: Refuse with VersionMismatch if it has another version by now.

        Raises ApiError.
        """
        return self._client.send(
            call(
                groups.UPDATE_GROUP,
                {"orgId": org_id, "groupId": group_id},
                body=groups.GroupChange(name=name),
                if_version=if_version,
            )
        )

    def delete(self, org_id: str, group_id: str, *, if_version: int | None = None) -> leases.Ending:
        """Forget a group and its grants.

        - ``org_id``: The org's id.
        - ``group_id``: The group's id.
        - ``if_version``: Refuse with VersionMismatch if it has another version by now.

        Raises ApiError.
        """
        return self._client.send(
            call(groups.DELETE_GROUP, {"orgId": org_id, "groupId": group_id}, if_version=if_version)
        )

    def list_members(self, org_id: str, group_id: str) -> Iterator[base.Person]:
        """List a group's members by e-mail address.

        - ``org_id``: The org's id.
        - ``group_id``: The group's id.

        Raises ApiError.
        """
        return self._client.walk(
            call(
                groups.LIST_GROUP_MEMBERS,
                {"orgId": org_id, "groupId": group_id},
                query=base.Paging(),
            )
        )

    def get_member(self, org_id: str, group_id: str, user_id: str) -> base.Person:
        """Show a member of a group.

        - ``org_id``: The org's id.
        - ``group_id``: The group's id.
        - ``user_id``: The user's id.

        Raises ApiError.
        """
        return self._client.send(
            call(groups.GET_GROUP_MEMBER, {"orgId": org_id, "groupId": group_id, "userId": user_id})
        )

    def put_member(
        self, org_id: str, group_id: str, user_id: str, *, if_unchanged: base.Person | None = None
    ) -> base.Person:
        """Put somebody of the organisation into a group.

        - ``org_id``: The org's id.
        - ``group_id``: The group's id.
        - ``user_id``: The user's id.
        - ``if_unchanged``: What was read of it: refuse with VersionMismatch if it is another by
          now.

        Raises ApiError.
        """
        return self._client.run(
            unchanged(
                call(
                    groups.PUT_GROUP_MEMBER,
                    {"orgId": org_id, "groupId": group_id, "userId": user_id},
                ),
                groups.GET_GROUP_MEMBER,
                {"orgId": org_id, "groupId": group_id, "userId": user_id},
                if_unchanged,
            )
        )

    def remove_member(
        self, org_id: str, group_id: str, user_id: str, *, if_unchanged: base.Person | None = None
    ) -> leases.Ending:
        """Take somebody out of a group.

        - ``org_id``: The org's id.
        - ``group_id``: The group's id.
        - ``user_id``: The user's id.
        - ``if_unchanged``: What was read of it: refuse with VersionMismatch if it is another by
          now.

        Raises ApiError.
        """
        return self._client.run(
            unchanged(
                call(
                    groups.REMOVE_GROUP_MEMBER,
                    {"orgId": org_id, "groupId": group_id, "userId": user_id},
                ),
                groups.GET_GROUP_MEMBER,
                {"orgId": org_id, "groupId": group_id, "userId": user_id},
                if_unchanged,
            )
        )


class AsyncGroups(AsyncResource, like=Groups):
    """Some members of an organisation under one name, for grants."""

    def list(self, org_id: str, *, name: str | None = None) -> AsyncIterator[groups.Group]:
        """List an organisation's groups by name."""
        return self._client.walk(
            call(groups.LIST_GROUPS, {"orgId": org_id}, query=groups.GroupsQuery(name=name))
        )

    async def create(self, org_id: str, *, name: str) -> groups.Group:
        """Make an empty group."""
        return await self._client.send(
            call(groups.CREATE_GROUP, {"orgId": org_id}, body=groups.NewGroup(name=name))
        )

    async def get(self, org_id: str, group: str) -> groups.Group:
        """Show a group, by its name or id."""
        return await self._client.run(
            named(
                call(
                    groups.LIST_GROUPS,
                    {"orgId": org_id},
                    query=groups.GroupsQuery(name=group, limit=2),
                ),
                call(groups.GET_GROUP, {"orgId": org_id, "groupId": group}),
                group,
                "group",
            )
        )

    async def update(
        self,
        org_id: str,
        group_id: str,
        *,
        name: str | UnsetType = UNSET,
        if_version: int | None = None,
    ) -> groups.Group:
        """Rename a group."""
        return await self._client.send(
            call(
                groups.UPDATE_GROUP,
                {"orgId": org_id, "groupId": group_id},
                body=groups.GroupChange(name=name),
                if_version=if_version,
            )
        )

    async def delete(
        self, org_id: str, group_id: str, *, if_version: int | None = None
    ) -> leases.Ending:
        """Forget a group and its grants."""
        return await self._client.send(
            call(groups.DELETE_GROUP, {"orgId": org_id, "groupId": group_id}, if_version=if_version)
        )

    def list_members(self, org_id: str, group_id: str) -> AsyncIterator[base.Person]:
        """List a group's members by e-mail address."""
        return self._client.walk(
            call(
                groups.LIST_GROUP_MEMBERS,
                {"orgId": org_id, "groupId": group_id},
                query=base.Paging(),
            )
        )

    async def get_member(self, org_id: str, group_id: str, user_id: str) -> base.Person:
        """Show a member of a group."""
        return await self._client.send(
            call(groups.GET_GROUP_MEMBER, {"orgId": org_id, "groupId": group_id, "userId": user_id})
        )

    async def put_member(
        self, org_id: str, group_id: str, user_id: str, *, if_unchanged: base.Person | None = None
    ) -> base.Person:
        """Put somebody of the organisation into a group."""
        return await self._client.run(
            unchanged(
                call(
                    groups.PUT_GROUP_MEMBER,
                    {"orgId": org_id, "groupId": group_id, "userId": user_id},
                ),
                groups.GET_GROUP_MEMBER,
                {"orgId": org_id, "groupId": group_id, "userId": user_id},
                if_unchanged,
            )
        )

    async def remove_member(
        self, org_id: str, group_id: str, user_id: str, *, if_unchanged: base.Person | None = None
    ) -> leases.Ending:
        """Take somebody out of a group."""
        return await self._client.run(
            unchanged(
                call(
                    groups.REMOVE_GROUP_MEMBER,
                    {"orgId": org_id, "groupId": group_id, "userId": user_id},
                ),
                groups.GET_GROUP_MEMBER,
                {"orgId": org_id, "groupId": group_id, "userId": user_id},
                if_unchanged,
            )
        )
