"""Projects and their members.

Generated: ``python -m valetkey.wire.library``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Literal

from msgspec import UNSET, UnsetType

from valetkey.sdk.naming import named
from valetkey.sdk.resources.base import AsyncResource, Resource
from valetkey.sdk.sending import call, unchanged
from valetkey.wire import base, leases, projects


class Projects(Resource):
    """Projects and their members."""

    def list(
        self, *, org_id: str | None = None, name: str | None = None
    ) -> Iterator[projects.Project]:
        """List the projects that the caller may see.

        - ``org_id``: Only those of this organisation.
        - ``name``: Only those of this name.

        Raises ApiError.
        """
        return self._client.walk(
            call(projects.LIST_PROJECTS, query=projects.ProjectsQuery(org_id=org_id, name=name))
        )

    def create(self, *, name: str, org_id: str | None = None) -> projects.Project:
        """Make a project; the caller is its owner.

        - ``name``: Its name, for people.
        - ``org_id``: The organisation that is meant; may be left out by whoever belongs to one
          only.

        Raises ApiError.
        """
        return self._client.send(
            call(projects.CREATE_PROJECT, body=projects.NewProject(name=name, org_id=org_id))
        )

    def get(self, project: str, *, org_id: str | None = None) -> projects.Project:
        """Show a project, by its name or id.

        - ``project``: Its name or id.
        - ``org_id``: Only those of this organisation.

        Raises ApiError.
        """
        return self._client.run(
            named(
                call(
                    projects.LIST_PROJECTS,
                    query=projects.ProjectsQuery(name=project, org_id=org_id, limit=2),
                ),
                call(projects.GET_PROJECT, {"projectId": project}),
                project,
                "project",
            )
        )

    def update(
        self,
        project_id: str,
        *,
        name: str | UnsetType = UNSET,
        default_location_id: str | UnsetType | None = UNSET,
        if_version: int | None = None,
    ) -> projects.Project:
        """Rename a project.

        - ``project_id``: The project's id.
        - ``name``: Another name.
        - ``default_location_id``: The location where datasets go that name none; null for none.
        - ``if_version``: Refuse with VersionMismatch if it has another version by now.

        Raises ApiError.
        """
        return self._client.send(
            call(
                projects.UPDATE_PROJECT,
                {"projectId": project_id},
                body=projects.ProjectChange(name=name, default_location_id=default_location_id),
                if_version=if_version,
            )
        )

    def delete(self, project_id: str, *, if_version: int | None = None) -> None:
        """Delete a project that has no locations.

        - ``project_id``: The project's id.
        - ``if_version``: Refuse with VersionMismatch if it has another version by now.

        Raises ApiError.
        """
        self._client.send(
            call(projects.DELETE_PROJECT, {"projectId": project_id}, if_version=if_version)
        )

    def list_members(self, project_id: str) -> Iterator[projects.ProjectMember]:
        """List a project's members by e-mail address.

        - ``project_id``: The project's id.

        Raises ApiError.
        """
        return self._client.walk(
            call(projects.LIST_PROJECT_MEMBERS, {"projectId": project_id}, query=base.Paging())
        )

    def get_member(self, project_id: str, user_id: str) -> projects.ProjectMember:
        """Show somebody's membership of a project.

        - ``project_id``: The project's id.
        - ``user_id``: The user's id.

        Raises ApiError.
        """
        return self._client.send(
            call(projects.GET_PROJECT_MEMBER, {"projectId": project_id, "userId": user_id})
        )

    def put_member(
        self,
        project_id: str,
        user_id: str,
        *,
        role: Literal["owner", "developer", "annotationManager", "annotator"],
        if_unchanged: projects.ProjectMember | None = None,
    ) -> projects.ProjectMember:
        """Give somebody of the organisation a role in a project, or change it.

        - ``project_id``: The project's id.
        - ``user_id``: The user's id.
        - ``role``: ``owner`` and ``developer`` vend within the project's locations;
          ``annotationManager`` and ``annotator`` have what grants give them.
        - ``if_unchanged``: What was read of it: refuse with VersionMismatch if it is another by
          now.

        Raises ApiError.
        """
        return self._client.run(
            unchanged(
                call(
                    projects.PUT_PROJECT_MEMBER,
                    {"projectId": project_id, "userId": user_id},
                    body=projects.ProjectMembership(role=role),
                ),
                projects.GET_PROJECT_MEMBER,
                {"projectId": project_id, "userId": user_id},
                if_unchanged,
            )
        )

    def remove_member(
        self, project_id: str, user_id: str, *, if_unchanged: projects.ProjectMember | None = None
    ) -> leases.Ending:
        """Take somebody out of a project.

        - ``project_id``: The project's id.
        - ``user_id``: The user's id.
        - ``if_unchanged``: What was read of it: refuse with VersionMismatch if it is another by
          now.

        Raises ApiError.
        """
        return self._client.run(
            unchanged(
                call(projects.REMOVE_PROJECT_MEMBER, {"projectId": project_id, "userId": user_id}),
                projects.GET_PROJECT_MEMBER,
                {"projectId": project_id, "userId": user_id},
                if_unchanged,
            )
        )


class AsyncProjects(AsyncResource, like=Projects):
    """Projects and their members."""

    def list(
        self, *, org_id: str | None = None, name: str | None = None
    ) -> AsyncIterator[projects.Project]:
        """List the projects that the caller may see."""
        return self._client.walk(
            call(projects.LIST_PROJECTS, query=projects.ProjectsQuery(org_id=org_id, name=name))
        )

    async def create(self, *, name: str, org_id: str | None = None) -> projects.Project:
        """Make a project; the caller is its owner."""
        return await self._client.send(
            call(projects.CREATE_PROJECT, body=projects.NewProject(name=name, org_id=org_id))
        )

    async def get(self, project: str, *, org_id: str | None = None) -> projects.Project:
        """Show a project, by its name or id."""
        return await self._client.run(
            named(
                call(
                    projects.LIST_PROJECTS,
                    query=projects.ProjectsQuery(name=project, org_id=org_id, limit=2),
                ),
                call(projects.GET_PROJECT, {"projectId": project}),
                project,
                "project",
            )
        )

    async def update(
        self,
        project_id: str,
        *,
        name: str | UnsetType = UNSET,
        default_location_id: str | UnsetType | None = UNSET,
        if_version: int | None = None,
    ) -> projects.Project:
        """Rename a project."""
        return await self._client.send(
            call(
                projects.UPDATE_PROJECT,
                {"projectId": project_id},
                body=projects.ProjectChange(name=name, default_location_id=default_location_id),
                if_version=if_version,
            )
        )

    async def delete(self, project_id: str, *, if_version: int | None = None) -> None:
        """Delete a project that has no locations."""
        await self._client.send(
            call(projects.DELETE_PROJECT, {"projectId": project_id}, if_version=if_version)
        )

    def list_members(self, project_id: str) -> AsyncIterator[projects.ProjectMember]:
        """List a project's members by e-mail address."""
        return self._client.walk(
            call(projects.LIST_PROJECT_MEMBERS, {"projectId": project_id}, query=base.Paging())
        )

    async def get_member(self, project_id: str, user_id: str) -> projects.ProjectMember:
        """Show somebody's membership of a project."""
        return await self._client.send(
            call(projects.GET_PROJECT_MEMBER, {"projectId": project_id, "userId": user_id})
        )

    async def put_member(
        self,
        project_id: str,
        user_id: str,
        *,
        role: Literal["owner", "developer", "annotationManager", "annotator"],
        if_unchanged: projects.ProjectMember | None = None,
    ) -> projects.ProjectMember:
        """Give somebody of the organisation a role in a project, or change it."""
        return await self._client.run(
            unchanged(
                call(
                    projects.PUT_PROJECT_MEMBER,
                    {"projectId": project_id, "userId": user_id},
                    body=projects.ProjectMembership(role=role),
                ),
                projects.GET_PROJECT_MEMBER,
                {"projectId": project_id, "userId": user_id},
                if_unchanged,
            )
        )

    async def remove_member(
        self, project_id: str, user_id: str, *, if_unchanged: projects.ProjectMember | None = None
    ) -> leases.Ending:
        """Take somebody out of a project."""
        return await self._client.run(
            unchanged(
                call(projects.REMOVE_PROJECT_MEMBER, {"projectId": project_id, "userId": user_id}),
                projects.GET_PROJECT_MEMBER,
                {"projectId": project_id, "userId": user_id},
                if_unchanged,
            )
        )
