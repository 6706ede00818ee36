"""Organisations and their members.

Generated: ``python -m valetkey.wire.library``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Literal

from msgspec import UNSET, UnsetType

from valetkey.sdk.resources.base import AsyncResource, Resource
from valetkey.sdk.sending import call, unchanged
from valetkey.wire import base, orgs


class Orgs(Resource):
    """Organisations and their members."""

    def list(self) -> Iterator[orgs.Org]:
        """List the organisations that the caller belongs to.


        Raises ApiError.
        """
        return self._client.walk(call(orgs.LIST_ORGS, query=base.Paging()))

    def get(self, org_id: str) -> orgs.Org:
        """Show an organisation.

        - ``org_id``: The org's id.

        Raises ApiError.
        """
        return self._client.send(call(orgs.GET_ORG, {"orgId": org_id}))

    def update(
        self, org_id: str, *, name: str | UnsetType = UNSET, if_version: int | None = None
    ) -> orgs.Org:
        """Rename an organisation.

        - ``org_id``: The org's id.
        - ``name``: Another name.
        - ``if_version``: Refuse with VersionMismatch if it has another version by now.

        Raises ApiError.
        """
        return self._client.send(
            call(
                orgs.UPDATE_ORG,
                {"orgId": org_id},
                body=orgs.OrgChange(name=name),
                if_version=if_version,
            )
        )

    def list_members(self, org_id: str) -> Iterator[orgs.OrgMember]:
        """List an organisation's members by e-mail address.

        - ``org_id``: The org's id.

        Raises ApiError.
        """
        return self._client.walk(
            call(orgs.LIST_ORG_MEMBERS, {"orgId": org_id}, query=base.Paging())
        )

    def add_member(
        self,
        org_id: str,
        *,
        email: str,
        role: Literal["owner", "member"],
        password: str | None = None,
        by_link: bool = False,
    ) -> orgs.OrgMember:
        """Add somebody to an organisation.

        - ``org_id``: The org's id.
        - ``email``: An e-mail address.
        - ``role``: ``owner`` manages integrations, people and records; ``member`` has what
          projects give.
        - ``password``: A first password, for somebody who is new to the server.
        - ``by_link``: They have no password until they use a password link, which is made next.

        Raises ApiError.
        """
        return self._client.send(
            call(
                orgs.ADD_ORG_MEMBER,
                {"orgId": org_id},
                body=orgs.NewOrgMember(email=email, role=role, password=password, by_link=by_link),
            )
        )

    def get_member(self, org_id: str, user_id: str) -> orgs.OrgMember:
        """Show somebody's membership of an organisation.

        - ``org_id``: The org's id.
        - ``user_id``: The user's id.

        Raises ApiError.
        """
        return self._client.send(call(orgs.GET_ORG_MEMBER, {"orgId": org_id, "userId": user_id}))

    def update_member(
        self,
        org_id: str,
        user_id: str,
        *,
        role: Literal["owner", "member"],
        if_unchanged: orgs.OrgMember | None = None,
    ) -> orgs.OrgMember:
        """Change somebody's role in an organisation.

        - ``org_id``: The org's id.
        - ``user_id``: The user's id.
        - ``role``: Another role.
        - ``if_unchanged``: What was read of it: refuse with VersionMismatch if it is another by
          now.

        Raises ApiError.
        """
        return self._client.run(
            unchanged(
                call(
                    orgs.UPDATE_ORG_MEMBER,
                    {"orgId": org_id, "userId": user_id},
                    body=orgs.OrgMemberChange(role=role),
                ),
                orgs.GET_ORG_MEMBER,
                {"orgId": org_id, "userId": user_id},
                if_unchanged,
            )
        )

    def remove_member(
        self, org_id: str, user_id: str, *, if_unchanged: orgs.OrgMember | None = None
    ) -> orgs.Departure:
        """Take somebody out: roles, grants, tokens, sign-ins and AWS sessions end.

        - ``org_id``: The org's id.
        - ``user_id``: The user's id.
        - ``if_unchanged``: What was read of it: refuse with VersionMismatch if it is another by
          now.

        Raises ApiError.
        """
        return self._client.run(
            unchanged(
                call(orgs.REMOVE_ORG_MEMBER, {"orgId": org_id, "userId": user_id}),
                orgs.GET_ORG_MEMBER,
                {"orgId": org_id, "userId": user_id},
                if_unchanged,
            )
        )

    def create_password_link(self, org_id: str, *, email: str) -> orgs.PasswordLink:
        """Make a one-time link for a member who has no password, or forgot it.

        - ``org_id``: The org's id.
        - ``email``: An e-mail address.

        Raises ApiError.
        """
        return self._client.send(
            call(
                orgs.CREATE_PASSWORD_LINK, {"orgId": org_id}, body=orgs.NewPasswordLink(email=email)
            )
        )


class AsyncOrgs(AsyncResource, like=Orgs):
    """Organisations and their members."""

    def list(self) -> AsyncIterator[orgs.Org]:
        """List the organisations that the caller belongs to."""
        return self._client.walk(call(orgs.LIST_ORGS, query=base.Paging()))

    async def get(self, org_id: str) -> orgs.Org:
        """Show an organisation."""
        return await self._client.send(call(orgs.GET_ORG, {"orgId": org_id}))

    async def update(
        self, org_id: str, *, name: str | UnsetType = UNSET, if_version: int | None = None
    ) -> orgs.Org:
        """Rename an organisation."""
        return await self._client.send(
            call(
                orgs.UPDATE_ORG,
                {"orgId": org_id},
                body=orgs.OrgChange(name=name),
                if_version=if_version,
            )
        )

    def list_members(self, org_id: str) -> AsyncIterator[orgs.OrgMember]:
        """List an organisation's members by e-mail address."""
        return self._client.walk(
            call(orgs.LIST_ORG_MEMBERS, {"orgId": org_id}, query=base.Paging())
        )

    async def add_member(
        self,
        org_id: str,
        *,
        email: str,
        role: Literal["owner", "member"],
        password: str | None = None,
        by_link: bool = False,
    ) -> orgs.OrgMember:
        """Add somebody to an organisation."""
        return await self._client.send(
            call(
                orgs.ADD_ORG_MEMBER,
                {"orgId": org_id},
                body=orgs.NewOrgMember(email=email, role=role, password=password, by_link=by_link),
            )
        )

    async def get_member(self, org_id: str, user_id: str) -> orgs.OrgMember:
        """Show somebody's membership of an organisation."""
        return await self._client.send(
            call(orgs.GET_ORG_MEMBER, {"orgId": org_id, "userId": user_id})
        )

    async def update_member(
        self,
        org_id: str,
        user_id: str,
        *,
        role: Literal["owner", "member"],
        if_unchanged: orgs.OrgMember | None = None,
    ) -> orgs.OrgMember:
        """Change somebody's role in an organisation."""
        return await self._client.run(
            unchanged(
                call(
                    orgs.UPDATE_ORG_MEMBER,
                    {"orgId": org_id, "userId": user_id},
                    body=orgs.OrgMemberChange(role=role),
                ),
                orgs.GET_ORG_MEMBER,
                {"orgId": org_id, "userId": user_id},
                if_unchanged,
            )
        )

    async def remove_member(
        self, org_id: str, user_id: str, *, if_unchanged: orgs.OrgMember | None = None
    ) -> orgs.Departure:
        """Take somebody out: roles, grants, tokens, sign-ins and AWS sessions end."""
        return await self._client.run(
            unchanged(
                call(orgs.REMOVE_ORG_MEMBER, {"orgId": org_id, "userId": user_id}),
                orgs.GET_ORG_MEMBER,
                {"orgId": org_id, "userId": user_id},
                if_unchanged,
            )
        )

    async def create_password_link(self, org_id: str, *, email: str) -> orgs.PasswordLink:
        """Make a one-time link for a member who has no password, or forgot it."""
        return await self._client.send(
            call(
                orgs.CREATE_PASSWORD_LINK, {"orgId": org_id}, body=orgs.NewPasswordLink(email=email)
            )
        )
